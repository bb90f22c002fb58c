"""The lake's tables: pyiceberg over the Glue and S3 of the local AWS.

Who reads the tables asks here for them as well, and for the SQL of the views over them.
"""

from base64 import b64decode
from typing import Any

import boto3
import msgspec
from botocore.exceptions import ClientError
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import parse_transform
from pyiceberg.types import StructType

from sluice.errors import ContractError
from sluice.local.identities import OWNER, Credentials
from sluice.local.lake.declared import read_type

_FIRST_PARTITION_ID = 1000
_VIEW = "/* Presto View: "
"""What Athena puts in front of a view, whose definition is JSON in base64 (trinodb/trino, ViewReaderUtil)."""


class LakeCatalog:
    """Iceberg tables and views by database and name. Safe for several threads, as boto3's clients are."""

    def __init__(self, aws_url: str, region: str, credentials: Credentials = OWNER) -> None:
        self.io_properties = {
            "s3.endpoint": aws_url,
            "s3.region": region,
            "s3.access-key-id": credentials.access_key,
            "s3.secret-access-key": credentials.secret_key,
            **({"s3.session-token": credentials.token} if credentials.token else {}),
            "s3.path-style-access": "true",
        }
        self._glue: Any = boto3.client(
            "glue",
            endpoint_url=aws_url,
            region_name=region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token or None,
        )
        self._catalog = GlueCatalog("local", self._glue, **self.io_properties)

    def close(self) -> None:
        """Give connections back."""
        self._glue.close()

    def load(self, database: str, table: str) -> Table:
        """A table at its newest snapshot.

        Raises:
            pyiceberg.exceptions.NoSuchTableError: there is none of that name.
        """
        return self._catalog.load_table((database, table))

    def tables(self, database: str) -> list[str]:
        """Names of a database's Iceberg tables, in order; none of a database that is not there."""
        return [one["Name"] for one in self._listed(database) if _parameter(one, "table_type") == "ICEBERG"]

    def views(self, database: str) -> list[str]:
        """Names of a database's views, in order."""
        return [one["Name"] for one in self._listed(database) if one.get("TableType") == "VIRTUAL_VIEW"]

    def view_sql(self, database: str, name: str) -> str | None:
        """The SQL of a view, in Athena's dialect; None when there is no such view."""
        found = next((one for one in self._listed(database) if one["Name"] == name), None)
        text = (found or {}).get("ViewOriginalText") or ""
        if not text.startswith(_VIEW):
            return None
        definition = msgspec.json.decode(b64decode(text.removeprefix(_VIEW).removesuffix(" */")))
        return str(definition["originalSql"])

    def declare(self, database: str, name: str, declared: dict[str, Any]) -> None:
        """Create a table as `icebergTableInput` has it, or add the columns that it does not have yet.

        Raises:
            ContractError: Iceberg cannot make that of the table in place.
        """
        schema = _schema(declared["schema"])
        if not self._catalog.table_exists((database, name)):
            self._catalog.create_table(
                (database, name),
                schema,
                location=declared["location"],
                partition_spec=_partition_spec(declared.get("partitionSpec") or {}),
                properties={"format-version": "2", **(declared.get("properties") or {})},
            )
            return
        try:
            with self.load(database, name).update_schema() as update:
                update.union_by_name(schema)
        except (ValueError, TypeError) as error:
            said = " ".join(str(error).split())
            raise ContractError(
                f"table {database}.{name}: Iceberg cannot do that in place: {said}"
            ) from error

    def _listed(self, database: str) -> list[dict[str, Any]]:
        try:
            pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=database)
            return sorted((one for page in pages for one in page["TableList"]), key=lambda one: one["Name"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return []


def _parameter(table: dict[str, Any], name: str) -> str:
    return str((table.get("Parameters") or {}).get(name, "")).upper()


def _schema(declared: dict[str, Any]) -> Schema:
    """A schema from Glue's `IcebergStructField`s, whose types are Iceberg's JSON as text."""
    fields = [
        {
            "id": field["id"],
            "name": field["name"],
            "required": bool(field.get("required")),
            "type": read_type(field["type"]),
            **({"doc": field["doc"]} if field.get("doc") else {}),
        }
        for field in declared["fields"]
    ]
    struct = StructType.model_validate({"type": "struct", "fields": fields})
    return Schema(*struct.fields)


def _partition_spec(declared: dict[str, Any]) -> PartitionSpec:
    return PartitionSpec(
        *(
            PartitionField(
                source_id=field["sourceId"],
                field_id=field.get("fieldId") or _FIRST_PARTITION_ID + number,
                transform=parse_transform(field["transform"]),
                name=field.get("name") or f"{field['transform']}_{field['sourceId']}",
            )
            for number, field in enumerate(declared.get("fields") or [])
        )
    )
