"""Bring the lake's Iceberg tables up to a newer contract: what they lack is added, by name, and no more.

Neither Pulumi nor Firehose does it. A whole schema that is declared again would count the ids of columns
anew, and Iceberg finds a column's values by its id: so the ids are taken from the table as it stands, and a
new column gets the next one (Iceberg specification, schema evolution; Glue API, UpdateTable with
UpdateOpenTableFormatInput; read 2026-11).
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from sluice.errors import EnvironmentProblem

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

Type: TypeAlias = str | dict[str, Any]
"""A type in Iceberg's JSON: `long`, or an object for a struct or a list."""

_ATTEMPTS: Final = 10
"""A Firehose commits to a table every few minutes, an optimizer now and then: few are ever first."""

_TAKEN: Final = frozenset({"ConcurrentModificationException", "VersionMismatchException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table as it stands: its version in Glue, and Iceberg's own metadata."""

    version: str | None
    metadata: Mapping[str, Any]

    @property
    def schema(self) -> dict[str, Any]:
        current = self.metadata["current-schema-id"]
        found: dict[str, Any] = next(
            each for each in self.metadata["schemas"] if each["schema-id"] == current
        )
        return found


def evolve(glue: "GlueClient", s3: "S3Client", wanted: Mapping[str, Any]) -> dict[str, list[str]]:
    """Add to each table the columns, and the fields of structs, that it lacks.

    `wanted` is {"database": NAME, "tables": {NAME: SCHEMA}}, each schema as the Iceberg specification writes
    it. Returns, by table, what was added; tables that lack nothing are not named. May be repeated.

    Raises:
        EnvironmentProblem: a column is there with another type, or others kept changing the table.
    """
    database: str = wanted["database"]
    added = {
        name: _evolve(glue, s3, database, name, schema) for name, schema in sorted(wanted["tables"].items())
    }
    return {name: columns for name, columns in added.items() if columns}


def _evolve(
    glue: "GlueClient", s3: "S3Client", database: str, name: str, wanted: Mapping[str, Any]
) -> list[str]:
    for _ in range(_ATTEMPTS):
        table = _read(glue, s3, database, name)
        schema, added = merged(table.schema, wanted, last=table.metadata["last-column-id"], table=name)
        if not added:
            return []
        number = max(each["schema-id"] for each in table.metadata["schemas"]) + 1
        try:
            _update(glue, database, name, table, {**schema, "schema-id": number})
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _TAKEN:
                continue
            raise
        _check(_read(glue, s3, database, name).schema, schema, name)
        return added
    raise EnvironmentProblem(
        f"the lake's table {name} was changed by others {_ATTEMPTS} times in a row while columns were to be"
        " added: deploy again"
    )


def _update(glue: "GlueClient", database: str, name: str, table: _Table, schema: Mapping[str, Any]) -> None:
    update: Any = {
        "Schema": {
            "SchemaId": schema["schema-id"],
            "Type": "struct",
            "Fields": [
                {
                    "Id": each["id"],
                    "Name": each["name"],
                    "Required": each["required"],
                    "Type": each["type"],
                    **({"Doc": each["doc"]} if each.get("doc") else {}),
                }
                for each in schema["fields"]
            ],
        },
        "Location": table.metadata["location"],
    }
    at: dict[str, Any] = {"VersionId": table.version} if table.version else {}
    glue.update_table(
        DatabaseName=database,
        Name=name,
        SkipArchive=True,
        UpdateOpenTableFormatInput={"UpdateIcebergInput": {"UpdateIcebergTableInput": {"Updates": [update]}}},
        **at,
    )


def _read(glue: "GlueClient", s3: "S3Client", database: str, name: str) -> _Table:
    table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    location = table.get("Parameters", {}).get("metadata_location")
    if not location:
        raise EnvironmentProblem(
            f"{database}.{name} in Glue is no Iceberg table (it has no metadata_location): something else has"
            " this name; delete or rename it there, and deploy again"
        )
    place = urlsplit(location)
    body = s3.get_object(Bucket=place.netloc, Key=place.path.removeprefix("/"))["Body"].read()
    text = gzip.decompress(body) if location.endswith(".gz.metadata.json") else body
    return _Table(version=table.get("VersionId"), metadata=json.loads(text))


def merged(
    there: Mapping[str, Any], wanted: Mapping[str, Any], *, last: int, table: str
) -> tuple[dict[str, Any], list[str]]:
    """Add to a schema what another has beyond it; ids go on after `last`, the highest ever given.

    Returns the schema, and the added columns and fields by their paths. What is there and not wanted stays.

    Raises:
        EnvironmentProblem: a column is there with another type.
    """
    growth = _Growth(table=table, ids=count(last + 1))
    fields = growth.fields(there["fields"], wanted["fields"], above="")
    return {"type": "struct", "schema-id": there["schema-id"], "fields": fields}, growth.added


@dataclass(frozen=True, slots=True, kw_only=True)
class _Growth:
    """What is added to one table, and the ids that are still free."""

    table: str
    ids: Iterator[int]
    added: list[str] = field(default_factory=list)

    def fields(
        self, there: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], *, above: str
    ) -> list[dict[str, Any]]:
        """Keep the fields of a struct, or of the table, and add what they lack at the end."""
        types = {each["name"]: each["type"] for each in wanted}
        kept = [
            {**each, "type": self._type(each["type"], types[each["name"]], above + each["name"])}
            if each["name"] in types
            else dict(each)
            for each in there
        ]
        known = {each["name"] for each in there}
        for each in wanted:
            if each["name"] not in known:
                self.added.append(above + each["name"])
                # What was written before has no value for it, so that it can't be required.
                new = {**each, "id": next(self.ids), "required": False}
                kept.append({**new, "type": _numbered(each["type"], self.ids)})
        return kept

    def _type(self, there: Type, wanted: Type, path: str) -> Type:
        """Add to a type the fields of structs that it lacks."""
        if isinstance(there, dict) and isinstance(wanted, dict) and there["type"] == wanted["type"]:
            if there["type"] == "list":
                return {**there, "element": self._type(there["element"], wanted["element"], path)}
            return {**there, "fields": self.fields(there["fields"], wanted["fields"], above=f"{path}.")}
        if _spelled(there) != _spelled(wanted):
            raise EnvironmentProblem(
                f"the lake's table {self.table} has the column {path} as {_words(there)}, and the contract"
                f" wants {_words(wanted)}: Iceberg can't change that in place; keep the field as it was, and"
                " add one with another name"
            )
        return there


def _numbered(kind: Type, ids: Iterator[int]) -> Type:
    """Give new ids to all that a new column consists of."""
    if isinstance(kind, str):
        return kind
    if kind["type"] == "list":
        number = next(ids)
        return {**kind, "element-id": number, "element": _numbered(kind["element"], ids)}
    numbers = [next(ids) for _ in kind["fields"]]
    fields = [
        {**each, "id": number, "type": _numbered(each["type"], ids)}
        for each, number in zip(kind["fields"], numbers, strict=True)
    ]
    return {**kind, "fields": fields}


def _check(found: Mapping[str, Any], wanted: Mapping[str, Any], table: str) -> None:
    """Make sure that Glue kept the ids: with others, old files would be read into the wrong columns."""
    if _ids(found["fields"]) != _ids(wanted["fields"]):
        raise EnvironmentProblem(
            f"the lake's table {table} has other column ids than it was given: restore its previous"
            " metadata_location in Glue (previous_metadata_location), and report this"
        )


def _ids(fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["name"]: (each["id"], _inner_ids(each["type"])) for each in fields}


def _inner_ids(kind: Type) -> Any:
    if isinstance(kind, str):
        return None
    if kind["type"] == "list":
        return kind["element-id"], _inner_ids(kind["element"])
    return _ids(kind["fields"])


def _spelled(kind: Type) -> Type:
    """A type without spaces: some of Iceberg's libraries write `decimal(38, 9)`."""
    return kind.replace(" ", "") if isinstance(kind, str) else kind


def _words(kind: Type) -> str:
    return kind if isinstance(kind, str) else f"a {kind['type']}"
