"""A newer contract adds columns to the lake's tables, and never touches the ids of those that are there."""

import copy
import gzip
import io
import json
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from pyiceberg.schema import Schema
from pyiceberg.types import StructType

from sluice.contract import Event, iceberg
from sluice.contract.contract import event_type
from sluice.errors import EnvironmentProblem
from sluice.sinks.firehose.tables import evolve, merged
from sluice.sinks.firehose.tables_function import lake_setup

FIRST: dict[str, Any] = {
    "type": "struct",
    "schema-id": 0,
    "fields": [
        {"id": 1, "name": "id", "required": False, "type": "string"},
        {
            "id": 2,
            "name": "place",
            "required": False,
            "type": {
                "type": "struct",
                "fields": [{"id": 5, "name": "city", "required": False, "type": "string"}],
            },
        },
        {
            "id": 3,
            "name": "lines",
            "required": False,
            "type": {
                "type": "list",
                "element-id": 6,
                "element-required": False,
                "element": {
                    "type": "struct",
                    "fields": [{"id": 7, "name": "sku", "required": False, "type": "string"}],
                },
            },
        },
        {"id": 4, "name": "_event_id", "required": True, "type": "string"},
    ],
}


def wider() -> dict[str, Any]:
    """The same with a column first, a field in the struct and one in the list's; its ids are counted anew."""
    found = copy.deepcopy(FIRST)
    found["fields"][1]["type"]["fields"].insert(0, plain(90, "zip"))
    found["fields"][2]["type"]["element"]["fields"].append(plain(91, "price", "decimal(38,9)"))
    tags = {"type": "list", "element-id": 93, "element-required": False, "element": "string"}
    found["fields"].insert(0, {"id": 92, "name": "tags", "required": False, "type": tags})
    return found


def plain(number: int, name: str, kind: str = "string") -> dict[str, Any]:
    return {"id": number, "name": name, "required": False, "type": kind}


class Lake:
    """Glue and S3 as far as a table's metadata goes; `busy` other commits come first."""

    def __init__(self, schema: dict[str, Any], *, busy: int = 0, renumbers: bool = False) -> None:
        self.metadata: dict[str, Any] = {
            "location": "s3://lake/tables/order",
            "last-column-id": 7,
            "current-schema-id": 0,
            "schemas": [schema],
        }
        self.version, self.busy, self.renumbers = 1, busy, renumbers
        self.updates: list[dict[str, Any]] = []
        self.suffix = ".gz.metadata.json"

    def get_table(self, **_: Any) -> dict[str, Any]:
        place = f"s3://lake/tables/order/metadata/{self.version}{self.suffix}"
        return {"Table": {"VersionId": str(self.version), "Parameters": {"metadata_location": place}}}

    def get_object(self, **given: str) -> dict[str, Any]:
        assert given == {"Bucket": "lake", "Key": f"tables/order/metadata/{self.version}{self.suffix}"}
        body = json.dumps(self.metadata).encode()
        return {"Body": io.BytesIO(gzip.compress(body) if self.suffix.startswith(".gz") else body)}

    def update_table(self, **given: Any) -> None:
        if self.busy:
            self.busy, self.version = self.busy - 1, self.version + 1
        if given["VersionId"] != str(self.version):
            raise ClientError({"Error": {"Code": "ConcurrentModificationException"}}, "UpdateTable")
        self.updates.append(given)
        (update,) = given["UpdateOpenTableFormatInput"]["UpdateIcebergInput"]["UpdateIcebergTableInput"][
            "Updates"
        ]
        fields = [
            {
                "id": each["Id"] + 100 * self.renumbers,
                "name": each["Name"],
                "required": each["Required"],
                "type": each["Type"],
            }
            for each in update["Schema"]["Fields"]
        ]
        number = update["Schema"]["SchemaId"]
        self.metadata["schemas"].append({"type": "struct", "schema-id": number, "fields": fields})
        self.metadata["current-schema-id"] = number
        self.version += 1

    def evolve(self, wanted: dict[str, Any]) -> dict[str, list[str]]:
        clients: Any = self
        return evolve(clients, clients, {"database": "raw", "tables": {"order": wanted}})


def test_what_a_table_lacks_is_added_with_ids_that_nothing_ever_had() -> None:
    schema, added = merged(FIRST, wider(), last=7, table="order")
    assert added == ["place.zip", "lines.price", "tags"]
    parsed = Schema.model_validate(schema)
    names = ("id", "place", "place.city", "lines", "lines.element", "lines.element.sku", "_event_id")
    assert [parsed.find_field(name).field_id for name in names] == [1, 2, 5, 3, 6, 7, 4]
    new = [parsed.find_field(name).field_id for name in ("place.zip", "lines.element.price", "tags")]
    assert sorted([*new, parsed.find_field("tags.element").field_id]) == [8, 9, 10, 11]


def test_a_column_that_was_added_is_never_required() -> None:
    wanted = {**FIRST, "fields": [*FIRST["fields"], {**plain(9, "_new"), "required": True}]}
    schema, _ = merged(FIRST, wanted, last=7, table="order")
    assert [each["required"] for each in schema["fields"] if each["name"] == "_new"] == [False]


def test_what_the_contract_no_longer_names_stays() -> None:
    schema, added = merged(FIRST, {"fields": FIRST["fields"][:1]}, last=7, table="order")
    assert not added
    assert [each["name"] for each in schema["fields"]] == ["id", "place", "lines", "_event_id"]


@pytest.mark.parametrize("suffix", [".metadata.json", ".gz.metadata.json"])
def test_a_table_that_lacks_nothing_is_not_touched(suffix: str) -> None:
    lake = Lake(FIRST)
    lake.suffix = suffix
    assert lake.evolve(FIRST) == {}
    assert lake.updates == []


def test_a_deployment_that_comes_again_adds_nothing_more() -> None:
    lake = Lake(FIRST)
    assert lake.evolve(wider()) == {"order": ["place.zip", "lines.price", "tags"]}
    (update,) = lake.updates
    assert (update["DatabaseName"], update["Name"], update["SkipArchive"]) == ("raw", "order", True)
    assert lake.evolve(wider()) == {}
    assert lake.metadata["current-schema-id"] == 1


def test_a_commit_that_comes_between_is_waited_for() -> None:
    lake = Lake(FIRST, busy=9)
    assert lake.evolve(wider()) == {"order": ["place.zip", "lines.price", "tags"]}
    with pytest.raises(EnvironmentProblem, match=r"changed by others 10 times in a row .*: deploy again"):
        Lake(FIRST, busy=10).evolve(wider())


def test_other_ids_than_were_given_are_no_success() -> None:
    with pytest.raises(EnvironmentProblem, match="order has other column ids than it was given: restore"):
        Lake(FIRST, renumbers=True).evolve(wider())


@pytest.mark.parametrize(
    ("path", "kind"),
    [("id", "long"), ("place.city", "long"), ("lines.sku", {"type": "struct", "fields": []})],
)
def test_another_type_is_named_and_not_forced(path: str, kind: Any) -> None:
    wanted = copy.deepcopy(FIRST)
    for column in wanted["fields"]:
        inner = column["type"].get("element", column["type"]) if isinstance(column["type"], dict) else {}
        for field in [column, *inner.get("fields", [])]:
            if field["name"] == path.rpartition(".")[2]:
                field["type"] = kind
    with pytest.raises(
        EnvironmentProblem, match=rf"order has the column {path} as string, and .* wants "
    ) as error:
        merged(FIRST, wanted, last=7, table="order")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("there", "wanted"), [("decimal(38, 9)", "decimal(38,9)"), ("decimal(38,9)",) * 2])
def test_a_decimal_is_the_same_however_it_is_written(there: str, wanted: str) -> None:
    """The specification allows both; what wrote the table's metadata chose one (Iceberg, primitive types)."""
    schema = {**FIRST, "fields": [plain(1, "price", there)]}
    found, added = merged(schema, {"fields": [plain(9, "price", wanted)]}, last=7, table="order")
    assert (found["fields"], added) == (schema["fields"], [])
    with pytest.raises(EnvironmentProblem, match="price as decimal"):
        merged(schema, {"fields": [plain(9, "price", "decimal(38,2)")]}, last=7, table="order")


def test_something_else_of_that_name_is_not_taken_for_a_table() -> None:
    lake: Any = Lake(FIRST)
    lake.get_table = lambda **_: {"Table": {"Parameters": {}}}
    with pytest.raises(EnvironmentProblem, match=r"raw\.order in Glue is no Iceberg table"):
        lake.evolve(FIRST)


def test_every_contracts_schema_is_its_own_next_version() -> None:
    class Sold(Event, type="sold", time="at"):
        """Something was sold."""

        at: datetime
        tags: list[str]

    schema = iceberg.schema_json(event_type(Sold))
    last = max(
        Schema.model_validate(schema)._lazy_id_to_field
    )  # the highest id, those of lists' elements included
    assert merged(schema, schema, last=last, table="sold") == (schema, [])
    assert isinstance(Schema.model_validate(schema).as_struct(), StructType)


def test_what_aws_refuses_ends_a_deployment_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def get_table(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetTable")

    monkeypatch.setattr(boto3, "client", lambda _: Refusing())
    context: Any = None
    with pytest.raises(
        EnvironmentProblem, match=r"could not be looked at or changed: .*AccessDenied"
    ) as error:
        lake_setup({"SLUICE_ENVIRONMENT": "sluice-test"})(
            {"database": "raw", "tables": {"order": FIRST}}, context
        )
    assert "\n" not in str(error.value)
