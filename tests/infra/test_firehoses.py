"""Other destinations of Firehoses, by configuration: what is declared for each."""

from typing import TYPE_CHECKING, Any

from sluice.cli.outputs import Outputs
from sluice.contract import redshift
from tests.infra import expected_aws, expected_firehose, expected_lake, expected_sink
from tests.infra.conftest import by_name
from tests.infra.destinations import DOMAIN, OPENSEARCH, REDSHIFT, SECRET, SERVERLESS, SNOWFLAKE, SPLUNK, URL
from tests.infra.orders import pipeline
from tests.infra.test_every_aws_resource import compare, declared, readable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Run

BUFFER = {"bufferingSize": 16, "bufferingInterval": 300}
READ_SECRET = expected_sink.allow("ReadTheSecret", ["secretsmanager:GetSecretValue"], SECRET)


def by_secret(name: str) -> dict[str, Any]:
    role = f"arn:aws:iam::123456789012:role/sluice-dev-{name}-firehose"
    return {"secretsManagerConfiguration": {"enabled": True, "secretArn": SECRET, "roleArn": role}}


EXPECTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dwh": (
        REDSHIFT,
        {
            "provider": "redshift",
            "configuration": {
                "clusterJdbcurl": URL,
                "dataTableName": "shop.order",
                "dataTableColumns": redshift.copy_columns(pipeline.contract.types["order"]),
                "copyOptions": f"{redshift.COPY_OPTIONS} GZIP MAXERROR 0",
                **by_secret("dwh"),
            },
            "s3": {"compressionFormat": "GZIP", **BUFFER},
            "error_prefix": False,
            "statements": [READ_SECRET],
        },
    ),
    "theirs": (
        OPENSEARCH,
        {
            "provider": "opensearch",
            "configuration": {
                "domainArn": DOMAIN,
                "indexName": "events",
                "indexRotationPeriod": "OneMonth",
                "s3BackupMode": "FailedDocumentsOnly",
                "documentIdOptions": {"defaultDocumentIdFormat": "FIREHOSE_DEFAULT"},
                **BUFFER,
            },
            "statements": [
                expected_sink.allow(
                    "KnowTheDomain",
                    ["es:DescribeDomain", "es:DescribeDomainConfig", "es:DescribeDomains"],
                    DOMAIN,
                ),
                expected_sink.allow("WriteDocuments", ["es:ESHttpPost", "es:ESHttpPut"], f"{DOMAIN}/*"),
                expected_sink.allow(
                    "AskTheDomain",
                    ["es:ESHttpGet"],
                    f"{DOMAIN}/_all/_settings",
                    f"{DOMAIN}/_cluster/stats",
                    f"{DOMAIN}/_nodes",
                    f"{DOMAIN}/_nodes/stats",
                    f"{DOMAIN}/_nodes/*/stats",
                    f"{DOMAIN}/_stats",
                    f"{DOMAIN}/events*/_mapping/*",
                    f"{DOMAIN}/events*/_stats",
                ),
            ],
        },
    ),
    "visits": (
        SERVERLESS,
        {
            "provider": "opensearchserverless",
            "configuration": {
                "collectionEndpoint": "https://abc123.eu-central-1.aoss.amazonaws.com",
                "indexName": "visits",
                "s3BackupMode": "FailedDocumentsOnly",
                **BUFFER,
            },
            "statements": [
                expected_sink.allow(
                    "WriteDocuments",
                    ["aoss:APIAccessAll"],
                    f"arn:aws:aoss:{expected_sink.REGION}:collection/abc123",
                )
            ],
        },
    ),
    "soc": (
        SPLUNK,
        {
            "provider": "splunk",
            "configuration": {
                "hecEndpoint": "https://hec.example.com:8088",
                "hecEndpointType": "Event",
                "hecAcknowledgmentTimeout": 300,
                "s3BackupMode": "FailedEventsOnly",
                "bufferingSize": 5,
                "bufferingInterval": 60,
                **by_secret("soc"),
            },
            "statements": [READ_SECRET],
        },
    ),
    "flakes": (
        SNOWFLAKE,
        {
            "provider": "snowflake",
            "configuration": {
                "accountUrl": "acme.snowflakecomputing.com",
                "database": "SHOP",
                "schema": "PUBLIC",
                "table": "VISIT",
                "dataLoadingOption": "JSON_MAPPING",
                "s3BackupMode": "FailedDataOnly",
                "snowflakeRoleConfiguration": {"enabled": True, "snowflakeRole": "LOADER"},
                **BUFFER,
                **by_secret("flakes"),
            },
            "statements": [READ_SECRET],
        },
    ),
}


def test_destinations_consist_of_exactly_these_resources(run: "Run", without_metrics: "Path") -> None:
    env = expected_aws.ENVS["dev"]
    given = {name: settings for name, (settings, _) in EXPECTED.items()}
    program = run("dev", pipeline=without_metrics, firehoses=given)
    prefixes = [f"{prefix}/{name}" for name in EXPECTED for prefix in ("errors", "redriven", "staging")]
    wanted = {
        **expected_aws.expected(env),
        **expected_sink.bigquery(env, "example-analytics-dev"),
        **expected_lake.bucket(env, **dict.fromkeys(prefixes, 90)),
    }
    for name, (settings, parts) in EXPECTED.items():
        types = {"SLUICE_FIREHOSE_TYPES": ",".join(settings.get("types", ()))}
        destination = settings["destination"]
        wanted |= expected_firehose.sink(env, name, destination=destination, variables=types, **parts)
    compare(declared(program), wanted)
    outputs = Outputs.parse(program.outputs, source="dev")
    assert outputs.lake is None
    for name, (settings, _) in EXPECTED.items():
        sink = outputs.sinks[name]
        errors = "staging/dwh/processing-failed/" if name == "dwh" else f"errors/{name}/"
        assert (sink.destination, sink.errors) == (settings["destination"], errors)


def test_names_of_destinations_stay_within_the_limits(run: "Run", without_metrics: "Path") -> None:
    name = "f" * 32
    found = by_name(run("dev", pipeline=without_metrics, firehoses={name: OPENSEARCH}))
    limits = {"FirehoseDeliveryStream": 64, "Function": 64, "Role": 64, "Bucket": 63}
    for each in found.values():
        most = limits.get(each.type.rpartition(":")[2])
        if most and each.custom:
            called = each.inputs.get("name") or each.inputs["bucket"]
            grown = called.replace("sluice-dev", "p" * 22).replace("eu-central-1", "ap-northeast-1")
            assert len(grown) <= most, each.name


def test_destinations_count_as_shared_readers_for_good(run: "Run", without_metrics: "Path") -> None:
    firehoses = {f"f{n}": OPENSEARCH for n in range(2)}
    quiet = run("dev", pipeline=without_metrics, firehoses=firehoses)
    assert quiet.warnings == ()
    given = {"lake": {"enabled": True}, "bigquery_sink": {"consumer": "shared"}}
    (warning,) = run("dev", pipeline=without_metrics, firehoses=firehoses, **given).warnings
    assert warning.startswith(
        "sluice:stream: 4 shared readers (lake, f0, f1, bigquery) want 4 MB/s of the 2 MB/s that a full shard"
        " gives: they fall behind; set sluice:bigquery_sink.consumer to enhanced, and do without"
        " sluice:firehoses.f1"
    )


def test_redshifts_buffer_is_that_of_its_objects(run: "Run", without_metrics: "Path") -> None:
    given = {**REDSHIFT, "buffer_mb": 1, "buffer_seconds": 60}
    found = by_name(run("dev", pipeline=without_metrics, firehoses={"there": given}))
    block = readable(found["firehose-there-firehose"].inputs)["redshiftConfiguration"]
    assert (block["s3Configuration"]["bufferingSize"], block["s3Configuration"]["bufferingInterval"]) == (
        1,
        60,
    )
    assert "bufferingSize" not in block
