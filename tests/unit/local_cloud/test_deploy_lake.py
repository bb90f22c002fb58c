"""What a program declares of a lake is created in the local AWS, changed in place or refused beforehand."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from sluice.errors import ContractError, SettingsError
from sluice.local.declared import Declared
from sluice.local.deploy_afresh import Creation
from sluice.local.deploy_again import Update
from sluice.local.deploy_aws import AwsCreator
from sluice.local.deploy_firehose import not_imitated
from sluice.local.deploy_google import GoogleCreator
from sluice.local.deploy_lake import FIREHOSE
from sluice.local.deploy_lake import TABLE as GLUE_TABLE
from sluice.local.deploy_result import Deployment, Made
from sluice.local.lake.catalog import LakeCatalog
from sluice.local.lake.declared import firehose as read_firehose
from tests.unit.local_cloud import lake_servers
from tests.unit.local_cloud.clients import client

NOBODY = "http://127.0.0.1:1"
REGION = "eu-west-1"
NOTE = {"id": 9, "name": "note", "required": False, "type": '"string"'}


def declared(kind: str, name: str, inputs: dict[str, Any]) -> Declared:
    return Declared(
        type=kind,
        name=name,
        inputs=inputs,
        urn=name,
    )


def orders(*more: dict[str, Any], **changed: Any) -> Declared:
    iceberg = lake_servers.table(*more)["iceberg"] | changed
    format_input = {"icebergInput": {"metadataOperation": "CREATE", "icebergTableInput": iceberg}}
    inputs = {"name": "orders", "databaseName": "raw", "openTableFormatInput": format_input}
    return declared(GLUE_TABLE, "orders", inputs)


def view(sql: str) -> Declared:
    text = b64encode(json.dumps({"originalSql": sql}).encode()).decode()
    columns = [{"name": "id", "type": "string"}]
    inputs = {
        "name": "orders",
        "databaseName": "views",
        "tableType": "VIRTUAL_VIEW",
        "parameters": {"presto_view": "true"},
        "viewOriginalText": f"/* Presto View: {text} */",
        "viewExpandedText": "/* Presto View */",
        "storageDescriptor": {"columns": columns},
    }
    return declared(GLUE_TABLE, "view", inputs)


def hose(**changed: Any) -> Declared:
    inputs = {key: value for key, value in lake_servers.firehose().items() if key != "arn"}
    return declared(FIREHOSE, "hose", inputs | changed)


class Creator(AwsCreator):
    def close(self) -> None:
        for each in self._clients.values():
            each.close()


@pytest.fixture
def aws(aws_url: str) -> Iterator[AwsCreator]:
    creator = Creator(aws_url, None)
    creator.region = REGION
    yield creator
    creator.close()


@pytest.fixture(scope="module")
def databases(aws_url: str) -> None:
    creator = Creator(aws_url, None)
    creator.region = REGION
    for name in ("raw", "views"):
        kind = "aws:glue/catalogDatabase:CatalogDatabase"
        found, outputs = creator.create(declared(kind, name, {"name": name}))
        assert (found, outputs["arn"].rpartition(":")[2]) == (f"123456789012:{name}", f"database/{name}")
    creator.close()


def update(before: Deployment) -> Update:
    return Update(before, AwsCreator(NOBODY, None), GoogleCreator(NOBODY, NOBODY))


def deployment(*made: Declared) -> Deployment:
    arn = lake_servers.firehose()["arn"]
    return Deployment(
        region=REGION,
        functions=[],
        mappings=[],
        outputs={},
        made={one.urn: Made(one.name, one.inputs, {"arn": arn}) for one in made},
    )


def test_an_iceberg_table_is_left_to_the_lakes_process(aws: AwsCreator) -> None:
    _, outputs = aws.create(orders())
    assert outputs["arn"].endswith(":table/raw/orders")
    assert [(one["databaseName"], one["name"]) for one in aws.lake.tables] == [("raw", "orders")]


@pytest.mark.usefixtures("databases")
def test_a_view_is_kept_and_replaced_by_its_name(aws: AwsCreator, aws_url: str) -> None:
    catalog = LakeCatalog(aws_url, REGION)
    for sql in ("SELECT 1", "SELECT 2"):
        aws.create(view(sql))
        assert catalog.view_sql("views", "orders") == sql
    assert catalog.views("views") == ["orders"]
    assert catalog.tables("views") == []
    assert catalog.view_sql("views", "nothing") is None
    assert catalog.tables("nowhere") == []
    catalog.close()


@pytest.mark.usefixtures("databases")
def test_a_table_that_is_neither_iceberg_nor_a_view_is_refused(aws: AwsCreator) -> None:
    with pytest.raises(SettingsError, match="Iceberg tables and views"):
        aws.create(declared(GLUE_TABLE, "csv", {"name": "csv", "databaseName": "raw"}))


def test_a_firehose_into_iceberg_is_known_to_the_local_aws_and_kept_for_the_lake(
    aws: AwsCreator, aws_url: str
) -> None:
    _, outputs = aws.create(hose())
    assert [one["arn"] for one in aws.lake.firehoses] == [outputs["arn"]]
    known = client("firehose", aws_url, REGION)
    described = known.describe_delivery_stream(DeliveryStreamName=hose().inputs["name"])
    assert described["DeliveryStreamDescription"]["DeliveryStreamType"] == "KinesisStreamAsSource"
    known.close()


def test_a_workgroup_is_created_once(aws: AwsCreator) -> None:
    kind = "aws:athena/workgroup:Workgroup"
    configuration = {"resultConfiguration": {"outputLocation": "s3://lake/athena/"}}
    for _ in range(2):
        found, outputs = aws.create(declared(kind, "group", {"name": "lake", "configuration": configuration}))
        assert (found, outputs["arn"].rpartition(":")[2]) == ("lake", "workgroup/lake")


def test_a_destination_that_is_not_here_stands_in_and_is_warned_of(aws: AwsCreator) -> None:
    redshift = hose(destination="redshift", name="to-redshift")
    creation = Creation(aws, GoogleCreator(NOBODY, NOBODY))
    _, outputs = creation.create(redshift)
    assert outputs["arn"].endswith(":deliverystream/to-redshift")
    done = creation.finish({})
    assert done.stand_ins == [f"{FIREHOSE} hose"]
    assert done.firehoses == []
    assert "to-redshift: the local cloud has no redshift" in not_imitated(redshift.inputs)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"processingConfiguration": {"enabled": False}}, "wants one processor, a Lambda"),
        ({"catalogArn": "x", "surprise": 1}, "does not know surprise"),
    ],
)
def test_a_firehose_that_does_what_is_not_done_here_is_refused(changed: dict[str, Any], said: str) -> None:
    inputs = lake_servers.firehose()
    inputs["icebergConfiguration"] |= changed
    with pytest.raises(SettingsError, match=said):
        read_firehose(inputs)


def test_a_new_column_and_all_firehoses_reach_the_lake_again() -> None:
    work = update(deployment(orders(), hose()))
    work.create(orders(NOTE))
    work.create(hose())
    done = work.finish({})
    assert done is not None
    columns = [field["name"] for field in done.lake_tables[0]["iceberg"]["schema"]["fields"]]
    assert columns[-1] == "note"
    assert [one["name"] for one in done.firehoses] == [lake_servers.NAME]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (orders(NOTE), orders(), "note cannot be dropped in place"),
        (orders(NOTE), orders(NOTE | {"type": '"long"'}), "note cannot be changed in place"),
        (orders(), orders(partitionSpec={"fields": []}), "cannot be partitioned otherwise in place"),
    ],
)
def test_what_iceberg_cannot_do_in_place_is_refused(before: Declared, after: Declared, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        update(deployment(before)).create(after)


def test_a_field_within_a_struct_may_be_added_and_not_changed() -> None:
    def parts(*fields: tuple[str, str]) -> dict[str, Any]:
        found = [{"id": 10, "name": name, "required": False, "type": kind} for name, kind in fields]
        struct = {"type": "struct", "fields": found}
        return NOTE | {"type": json.dumps({"type": "list", "element-id": 9, "element": struct})}

    before = deployment(orders(parts(("a", "long"))))
    update(before).create(orders(parts(("a", "long"), ("b", "decimal(38, 9)"))))
    with pytest.raises(ContractError, match=r"note\[\]\.a cannot be changed in place"):
        update(before).create(orders(parts(("a", "string"))))


def test_ids_of_columns_are_icebergs_own_affair() -> None:
    renumbered = lake_servers.table()["iceberg"]
    for field in renumbered["schema"]["fields"]:
        field["id"] += 100
    update(deployment(orders())).create(orders(schema=renumbered["schema"]))


def test_another_buffer_of_a_firehose_is_refused() -> None:
    other = hose().inputs["icebergConfiguration"] | {"bufferingInterval": 5}
    with pytest.raises(SettingsError, match="icebergConfiguration of hose cannot be changed in place"):
        update(deployment(hose())).create(hose(icebergConfiguration=other))
