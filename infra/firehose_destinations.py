"""Where a Firehose of the stream delivers to: the lake, Redshift, OpenSearch, Splunk or Snowflake.

Passwords, tokens and keys come from Secrets Manager alone (Firehose developer guide, authenticate with AWS
Secrets Manager; read 2026-11). Its secret holds username and password for Redshift, hec_token for Splunk, and
user, private_key and key_passphrase for Snowflake.
"""

from typing import Any

import pulumi

from infra import limits
from infra.environment import Environment
from infra.firehose_sink import Destination
from infra.lake import Lake
from infra.lake_bucket import TABLES, LakeBucket
from infra.policy import allow, sibling
from infra.settings_lake import (
    FirehoseDestinationSettings,
    OpenSearchSettings,
    RedshiftSettings,
    SnowflakeSettings,
    SplunkSettings,
)
from infra.stream import Stream
from sluice.contract import redshift
from sluice.pipeline import Pipeline


def iceberg(env: Environment, *, lake: Lake, bucket: LakeBucket, stream: Stream) -> Destination:
    """The lake's tables: each record says which it is for, and all are inserts."""
    within = pulumi.Output.concat(bucket.arn, f"/{TABLES}*")
    return Destination(
        kind="iceberg",
        provider="iceberg",
        block="iceberg_configuration",
        configuration={"catalog_arn": sibling(stream.arn, "glue", "catalog"), "append_only": True},
        statements=[
            allow(
                "CommitTables",
                ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"],
                *lake.arns(env.names.lake_database),
            ),
            allow(
                "WriteTables",
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                within,
            ),
        ],
        environment={"SLUICE_LAKE_DATABASE": env.names.lake_database},
    )


def other(stream: Stream, pipeline: Pipeline, settings: FirehoseDestinationSettings) -> Destination:
    """What the settings of a Firehose name; they are checked, so that exactly one section is there."""
    if settings.redshift:
        return _redshift(pipeline, settings.types[0], settings.redshift)
    if settings.opensearch:
        return _opensearch(stream, settings.opensearch)
    if settings.splunk:
        return _splunk(settings.splunk)
    if settings.snowflake:
        return _snowflake(settings.snowflake)
    raise AssertionError(settings.destination)


def _redshift(pipeline: Pipeline, kind: str, settings: RedshiftSettings) -> Destination:
    """A table into which JSON lines, packed with gzip, are copied from the bucket.

    Firehose refuses it with a prefix for errors: "ErrorOutputPrefix is currently not supported for this
    destination" (hashicorp/terraform-provider-aws#13416, and a note in its delivery_stream.go).
    """
    options = " ".join(filter(None, [redshift.COPY_OPTIONS, "GZIP", settings.copy_options]))
    return Destination(
        kind="redshift",
        provider="redshift",
        block="redshift_configuration",
        configuration={
            "cluster_jdbcurl": settings.jdbc_url,
            "data_table_name": settings.table,
            "data_table_columns": redshift.copy_columns(pipeline.contract.types[kind]),
            "copy_options": options,
        },
        s3={"compression_format": "GZIP"},
        secret_arn=settings.secret_arn,
        most=None,
        error_prefix=False,
    )


def _opensearch(stream: Stream, settings: OpenSearchSettings) -> Destination:
    """An index, whose documents have ids that Firehose makes of the records: a retry writes them again."""
    if settings.collection_endpoint:
        host = settings.collection_endpoint.removeprefix("https://")
        collection = sibling(stream.arn, "aoss", f"collection/{host.partition('.')[0]}")
        return Destination(
            kind="opensearch",
            provider="opensearchserverless",
            block="opensearchserverless_configuration",
            configuration={
                "collection_endpoint": settings.collection_endpoint,
                "index_name": settings.index,
                "s3_backup_mode": "FailedDocumentsOnly",
            },
            most=_OPENSEARCH,
            statements=[allow("WriteDocuments", ["aoss:APIAccessAll"], collection)],
        )
    domain = settings.domain_arn or ""
    return Destination(
        kind="opensearch",
        provider="opensearch",
        block="opensearch_configuration",
        configuration={
            "domain_arn": domain,
            "index_name": settings.index,
            "index_rotation_period": settings.rotation,
            "s3_backup_mode": "FailedDocumentsOnly",
            "document_id_options": {"default_document_id_format": "FIREHOSE_DEFAULT"},
        },
        most=_OPENSEARCH,
        statements=[
            allow(
                "KnowTheDomain",
                ["es:DescribeDomain", "es:DescribeDomainConfig", "es:DescribeDomains"],
                domain,
            ),
            # As the guide has it: which paths Firehose writes to, it does not say. The domain's own roles do.
            allow("WriteDocuments", ["es:ESHttpPost", "es:ESHttpPut"], f"{domain}/*"),
            allow("AskTheDomain", ["es:ESHttpGet"], *(f"{domain}/{path}" for path in _asked(settings.index))),
        ],
    )


_OPENSEARCH = (100, 900)
"""Firehose API, AmazonopensearchserviceBufferingHints."""


def _asked(index: str) -> list[str]:
    """What Firehose reads of a domain (Firehose developer guide, controlling access)."""
    own = [f"{index}*/_mapping/*", f"{index}*/_stats"]
    return ["_all/_settings", "_cluster/stats", "_nodes", "_nodes/stats", "_nodes/*/stats", "_stats", *own]


def _splunk(settings: SplunkSettings) -> Destination:
    """An event collector, which is sent events, not raw text."""
    return Destination(
        kind="splunk",
        provider="splunk",
        block="splunk_configuration",
        configuration={
            "hec_endpoint": settings.endpoint,
            "hec_endpoint_type": "Event",
            "hec_acknowledgment_timeout": settings.acknowledgment_seconds,
            "s3_backup_mode": "FailedEventsOnly",
        },
        secret_arn=settings.secret_arn,
        most=(limits.SPLUNK_BUFFER_MB, limits.SPLUNK_BUFFER_SECONDS),
    )


def _snowflake(settings: SnowflakeSettings) -> Destination:
    """A table whose columns are called as the keys of the rows."""
    optional: dict[str, Any] = {
        **(
            {"snowflake_role_configuration": {"enabled": True, "snowflake_role": settings.role}}
            if settings.role
            else {}
        ),
        **(
            {"snowflake_vpc_configuration": {"private_link_vpce_id": settings.private_link_vpce_id}}
            if settings.private_link_vpce_id
            else {}
        ),
    }
    return Destination(
        kind="snowflake",
        provider="snowflake",
        block="snowflake_configuration",
        configuration={
            "account_url": settings.account_url,
            "database": settings.database,
            "schema": settings.schema_name,
            "table": settings.table,
            "data_loading_option": "JSON_MAPPING",
            "s3_backup_mode": "FailedDataOnly",
            **optional,
        },
        secret_arn=settings.secret_arn,
    )
