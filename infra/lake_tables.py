"""The lake's tables and views as Glue is told of them.

A table is declared whole when it is made, and afterwards never through this declaration again: the ids of its
columns are then Iceberg's own, and a declaration counts them anew. A column of a later contract is added by
name: see infra/lake_setup.py.

Not tried at AWS: that Firehose writes into tables made by Glue's CreateTable with OpenTableFormatInput. Its
guide takes only tables "created through Iceberg's GlueCatalog API" ("Considerations and limitations"); the
provider's own example of a Firehose with Iceberg tables makes them as is done here.
"""

import json
from base64 import b64encode
from typing import Any, Final

from sluice.contract import iceberg
from sluice.contract.contract import EventType

PROPERTIES: Final = {
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
"""Each commit writes a file of metadata: the last twenty are kept (Iceberg, configuration)."""

_FORMAT_VERSION: Final = "2"
"""The one that Firehose writes (Firehose developer guide, prerequisites to use Apache Iceberg tables)."""


def table_input(kind: EventType, *, location: str) -> dict[str, Any]:
    """An event type's table, as an argument of aws.glue.CatalogTable.

    Types are JSON documents there, of Iceberg's own form (Glue API, IcebergStructField).
    """
    partition = iceberg.partition(kind)
    return {
        "iceberg_input": {
            "metadata_operation": "CREATE",
            "version": _FORMAT_VERSION,
            "iceberg_table_input": {
                "location": location,
                "schema": {
                    "schema_id": 0,
                    "type": "struct",
                    "fields": [
                        {
                            "id": field.id,
                            "name": field.name,
                            "required": field.required,
                            "type": json.dumps(field.type),
                            **({"doc": field.doc} if field.doc else {}),
                        }
                        for field in iceberg.schema(kind)
                    ],
                },
                "partition_spec": {
                    "spec_id": 0,
                    "fields": [
                        {
                            "field_id": partition.field_id,
                            "name": partition.name,
                            "source_id": partition.source_id,
                            "transform": partition.transform,
                        }
                    ],
                },
                "properties": PROPERTIES,
            },
        }
    }


def view_input(kind: EventType, *, database: str, views_database: str) -> dict[str, Any]:
    """An event type's view, as arguments of aws.glue.CatalogTable: as Athena itself keeps what it creates.

    That is Presto's form, in base64 within a comment, and the columns in Hive's words beside it, which AWS
    does not document (trinodb/trino, ViewReaderUtil.java). Without a SerDe, of any name, Athena refuses the
    view: "Table storage descriptor is missing SerDe info" (hashicorp/terraform-provider-aws#28517).
    """
    fields = iceberg.schema(kind)
    view = {
        "originalSql": iceberg.view_sql(kind, database),
        "catalog": "awsdatacatalog",
        "schema": views_database,
        "columns": [{"name": field.name, "type": iceberg.trino_type(field.type)} for field in fields],
    }
    return {
        "table_type": "VIRTUAL_VIEW",
        "parameters": {"presto_view": "true", "comment": "Presto View"},
        "view_original_text": f"/* Presto View: {b64encode(json.dumps(view).encode()).decode()} */",
        "view_expanded_text": "/* Presto View */",
        "storage_descriptor": {
            "columns": [
                {"name": field.name, "type": iceberg.hive_type(field.type), "comment": field.doc}
                for field in fields
            ],
            "ser_de_info": {"name": "-", "serialization_library": "-"},
        },
    }
