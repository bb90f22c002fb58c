"""The lake, switched on: every resource by its exact inputs, and what it keeps from whom."""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sluice.cli.outputs import LakeOutputs, Outputs, SinkOutputs
from sluice.contract import iceberg
from tests.infra import expected_aws, expected_lake, expected_sink
from tests.infra.conftest import by_name
from tests.infra.expected_firehose import sink
from tests.infra.orders import pipeline
from tests.infra.test_every_aws_resource import compare, declared, readable

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

KEY = "arn:aws:kms:eu-central-1:111111111111:key/8d5f0c1e-0000-4000-8000-000000000000"
LOGS = {"dev": ("DEBUG", 7), "prod": ("INFO", 30)}
BUFFER_SECONDS = {"dev": 15, "prod": 300}
PARAMETERS = {"dev": {"BufferIntervalInSeconds": "10"}, "prod": {}}
"""What Pulumi.dev.yaml sets, so that rows are seen soon; the rest are defaults."""

KINDS = pipeline.contract.types.values()


@pytest.fixture(scope="module")
def programs_with_lake(run: "Run", without_metrics: Path) -> "dict[str, Program]":
    return {stack: run(stack, pipeline=without_metrics, lake={"enabled": True}) for stack in ("dev", "prod")}


@pytest.fixture(scope="module")
def dev(programs_with_lake: "dict[str, Program]") -> "dict[str, Declared]":
    return by_name(programs_with_lake["dev"])


@pytest.mark.parametrize("stack", expected_aws.ENVS)
def test_the_lake_consists_of_exactly_these_resources(
    stack: str, programs_with_lake: "dict[str, Program]"
) -> None:
    env = expected_aws.ENVS[stack]
    raw, objects = expected_lake.database(env), f"arn:aws:s3:::{expected_lake.lake_bucket(env)}"
    found = declared(programs_with_lake[stack])
    tables = {name: found.pop(name) for name in list(found) if name.startswith(("lake-table", "lake-view-"))}
    wanted = {iceberg.table_name(kind): iceberg.schema_json(kind) for kind in KINDS}
    compare(
        found,
        {
            **expected_aws.expected(env),
            **expected_sink.bigquery(env, f"example-analytics-{stack}"),
            **expected_lake.lake(env),
            **expected_lake.setup(env, {"database": raw, "tables": wanted}, LOGS[stack]),
            **expected_lake.bucket(
                env, **{"errors/lake": 90, "redriven/lake": 90, "staging/lake": 90, "athena": 7}
            ),
            **sink(
                env,
                "lake",
                destination="iceberg",
                provider="iceberg",
                configuration={
                    "catalogArn": f"arn:aws:glue:{expected_sink.REGION}:catalog",
                    "appendOnly": True,
                    "bufferingSize": 64,
                    "bufferingInterval": BUFFER_SECONDS[stack],
                },
                statements=[
                    expected_sink.allow(
                        "CommitTables",
                        ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"],
                        *expected_lake.glue(raw),
                    ),
                    expected_sink.allow(
                        "WriteTables",
                        ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                        f"{objects}/tables/*",
                    ),
                ],
                variables={"SLUICE_LAKE_DATABASE": raw},
                parameters=PARAMETERS[stack],
                logs_of=LOGS[stack],
            ),
        },
    )
    assert sorted(tables) == ["lake-table-order", "lake-table-visit", "lake-view-order", "lake-view-visit"]


def test_a_table_is_declared_as_iceberg_writes_its_schema(dev: "dict[str, Declared]") -> None:
    for kind in KINDS:
        name = iceberg.table_name(kind)
        inputs = dev[f"lake-table-{name}"].inputs
        given = inputs.pop("openTableFormatInput")["icebergInput"]
        assert inputs == {
            "name": name,
            "databaseName": "sluice_dev_lake_raw",
            "tableType": "EXTERNAL_TABLE",
        }
        table = given.pop("icebergTableInput")
        assert given == {"metadataOperation": "CREATE", "version": "2"}
        assert table["location"] == f"s3://sluice-dev-lake-111111111111-eu-central-1/tables/{name}"
        fields = [{**each, "type": json.loads(each["type"])} for each in table["schema"]["fields"]]
        assert fields == iceberg.schema_json(kind)["fields"]
        (partition,) = table["partitionSpec"]["fields"]
        assert (partition["transform"], partition["sourceId"]) == {
            "order": ("day", 4),
            "visit": ("hour", 2),
        }[name]
        assert table["properties"]["write.parquet.compression-codec"] == "zstd"
        inputs["openTableFormatInput"] = {"icebergInput": {**given, "icebergTableInput": table}}


def test_a_view_is_what_athena_would_have_kept_of_it(dev: "dict[str, Declared]") -> None:
    for kind in KINDS:
        inputs = dev[f"lake-view-{iceberg.table_name(kind)}"].inputs
        assert (inputs["tableType"], inputs["databaseName"]) == ("VIRTUAL_VIEW", "sluice_dev_lake")
        assert inputs["parameters"] == {"presto_view": "true", "comment": "Presto View"}
        text = inputs["viewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
        view = json.loads(base64.b64decode(text, validate=True))
        assert view["originalSql"] == iceberg.view_sql(kind, "sluice_dev_lake_raw")
        columns = inputs["storageDescriptor"]["columns"]
        assert inputs["storageDescriptor"]["serDeInfo"] == {"name": "-", "serializationLibrary": "-"}
        names = [field.name for field in iceberg.schema(kind)]
        assert [each["name"] for each in view["columns"]] == [each["name"] for each in columns] == names
        types = dict(
            zip(
                names,
                ((v["type"], c["type"]) for v, c in zip(view["columns"], columns, strict=True)),
                strict=True,
            )
        )
        assert types["_arrived_at"] == ("timestamp(6) with time zone", "timestamp")
        assert types["_event_id"] == ("varchar", "string")


def test_nothing_of_the_lake_is_declared_while_it_is_off(resources: "dict[str, Declared]") -> None:
    assert not [name for name in resources if "lake" in name or "firehose" in name]


def test_what_holds_data_is_protected_outside_dev(programs_with_lake: "dict[str, Program]") -> None:
    protected = {
        each.name for each in programs_with_lake["prod"].resources if each.protect and "lake" in each.name
    }
    assert protected == {
        "lake-objects-bucket",
        "lake-raw",
        "lake-views",
        "lake-table-order",
        "lake-table-visit",
        "firehose-lake-firehose",
        "firehose-lake-redrive",
    }
    assert not [each.name for each in programs_with_lake["dev"].resources if each.protect]


def test_rows_of_a_new_column_come_after_the_column(dev: "dict[str, Declared]") -> None:
    """Table, then the column that it lacks, then view, and the code and Firehoses that know of it."""

    def waits(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in dev[name].depends_on}

    assert {"lake-table-order", "lake-table-visit"} <= waits("lake-setup-invocation")
    for name in ("lake-view-order", "firehose-lake-function", "firehose-lake-firehose"):
        assert {"lake-table-order", "lake-setup-invocation"} <= waits(name), name
    assert {"firehose-lake-firehose-policy", "firehose-lake-function"} <= waits("firehose-lake-firehose")


def test_a_new_field_is_left_to_the_setup_and_shown_by_the_view(
    run: "Run", without_metrics: Path, tmp_path: Path, dev: "dict[str, Declared]"
) -> None:
    """A table that is declared again would give its columns other ids: see infra/lake_tables.py."""
    file = tmp_path / "pipeline.py"
    text = without_metrics.read_text()
    field = '    at: Annotated[datetime, field("When it happened")]'
    assert field in text
    file.write_text(text.replace(field, f"    page: str | None = None\n{field}"))
    after = by_name(run("dev", pipeline=file, lake={"enabled": True}))
    for name in ("lake-table-visit", "lake-table-order"):
        assert after[name].ignore_changes == ("openTableFormatInput",)
    wanted = json.loads(after["lake-setup-invocation"].inputs["input"])["tables"]
    assert "page" in [each["name"] for each in wanted["visit"]["fields"]]
    assert dev["lake-setup-invocation"].inputs["input"] != after["lake-setup-invocation"].inputs["input"]
    columns = after["lake-view-visit"].inputs["storageDescriptor"]["columns"]
    assert "page" in [each["name"] for each in columns]
    assert dev["lake-view-order"].inputs == after["lake-view-order"].inputs


def test_outputs_say_where_the_lake_is_and_what_failed(programs_with_lake: "dict[str, Program]") -> None:
    found = Outputs.parse(programs_with_lake["dev"].outputs, source="dev")
    bucket = "sluice-dev-lake-111111111111-eu-central-1"
    assert found.lake == LakeOutputs(
        bucket=bucket,
        database="sluice_dev_lake_raw",
        views_database="sluice_dev_lake",
        workgroup="sluice-dev-lake",
    )
    assert found.sinks["lake"] == SinkOutputs(
        function="sluice-dev-lake-sink",
        reads="firehose",
        stream="sluice-dev-events",
        parallelization=2,
        firehose="sluice-dev-lake-firehose",
        redrive="sluice-dev-lake-redrive",
        destination="iceberg",
        bucket=bucket,
        errors="errors/lake/",
    )


def test_a_stack_without_a_lake_says_nothing_of_one(programs: "dict[str, Program]") -> None:
    assert "lake" not in programs["prod"].outputs
    assert Outputs.parse(programs["prod"].outputs, source="prod").lake is None


def test_a_key_encrypts_tables_results_and_what_waits(run: "Run", without_metrics: Path) -> None:
    found = by_name(run("dev", pipeline=without_metrics, lake={"enabled": True}, encryption={"key": KEY}))
    (rule,) = found["lake-objects-bucket-encryption"].inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == KEY
    results = readable(found["lake-workgroup"].inputs)["configuration"]["resultConfiguration"]
    assert results["encryptionConfiguration"] == {"encryptionOption": "SSE_KMS", "kmsKeyArn": KEY}
    redrive = readable(found["firehose-lake-redrive"].inputs)
    assert redrive["serverSideEncryption"]["keyArn"] == KEY
    assert redrive["icebergConfiguration"]["s3Configuration"]["kmsKeyArn"] == KEY
    users = {"lake-optimizer-policy", "lake-reader", "lake-setup-policy", "firehose-lake-firehose-policy"}
    assert not [name for name in users if KEY not in found[name].inputs["policy"]]
    through = [
        each["Condition"]["StringEquals"]["kms:ViaService"]
        for each in json.loads(found["firehose-lake-firehose-policy"].inputs["policy"])["Statement"]
        if each["Sid"].startswith("UseTheKey")
    ]
    assert through == [
        "kinesis.eu-central-1.amazonaws.com",
        ["logs.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com"],
    ]


SETTINGS: dict[str, Any] = {
    "enabled": True,
    "transform_buffer_kb": 1000,
    "transform_buffer_seconds": 0,
    "transform_retries": 3,
    "buffer_mb": 128,
    "buffer_seconds": 60,
    "retry_seconds": 0,
    "error_days": 0,
    "optimize": False,
    "query_gib": 1,
    "result_days": 1,
    "timeout_seconds": 300,
    "memory_mb": 1024,
}


def test_everything_about_the_lake_is_a_setting(run: "Run", without_metrics: Path) -> None:
    found = by_name(run("dev", pipeline=without_metrics, lake=SETTINGS))
    block = readable(found["firehose-lake-firehose"].inputs)["icebergConfiguration"]
    assert (block["bufferingSize"], block["bufferingInterval"], block["retryDuration"]) == (128, 60, 0)
    (processor,) = block["processingConfiguration"]["processors"]
    named = {each["parameterName"]: each["parameterValue"] for each in processor["parameters"][1:]}
    assert named == {"BufferIntervalInSeconds": "0"}, "the provider forgets what is Firehose's own default"
    rules = found["lake-objects-bucket-lifecycle"].inputs["rules"]
    assert [each["filter"]["prefix"] for each in rules] == ["", "athena/"]
    assert found["lake-workgroup"].inputs["configuration"]["bytesScannedCutoffPerQuery"] == 2**30
    function = found["firehose-lake-function"].inputs
    assert (function["timeout"], function["memorySize"]) == (300, 1024)
    assert not [name for name in found if "optimizer" in name or "compaction" in name]


def test_a_preview_knows_the_whole_lake(
    run: "Run", without_metrics: Path, dev: "dict[str, Declared]"
) -> None:
    preview = run("dev", pipeline=without_metrics, lake={"enabled": True}, preview=True)
    assert {each.urn for each in preview.resources} == {each.urn for each in dev.values()}
