"""How the program is built: everything in its box, data protected outside dev, names within the limits."""

import json
import re
from typing import TYPE_CHECKING

import pytest

from sluice.local.inventory import KINDS
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

BOXES = {
    "stream": "sluice:infra:Stream",
    "dead-letters": "sluice:infra:DeadLetters",
    "ledger": "sluice:infra:Ledger",
    "windows": "sluice:infra:Windows",
    "google-apis": "sluice:infra:GoogleApis",
    "warehouse": "sluice:infra:Warehouse",
    "federation": "sluice:infra:Federation",
    "bigquery-sink": "sluice:infra:SinkFunction",
    "aggregator": "sluice:infra:SinkFunction",
    "census": "sluice:infra:Census",
    "window-publisher": "sluice:infra:WindowPublisher",
}
HOLDING_DATA = {
    "stream-stream",
    "dead-letters-queue",
    "dead-letters-bucket",
    "ledger-table",
    "windows-table",
    "windows-claims",
    "warehouse-raw",
    "warehouse-views",
    "warehouse-table-order",
    "warehouse-table-visit",
    "warehouse-table-dead_letters",
    "warehouse-table-window_segments",
    "warehouse-table-window_watermarks",
    "bigquery-sink-mapping",
    "aggregator-mapping",
}


def test_the_boxes_are_those_of_the_drawing(resources: "dict[str, Declared]") -> None:
    assert {each.name: each.type for each in resources.values() if not each.custom} == BOXES


def test_every_resource_lies_in_its_box_and_is_named_after_it(resources: "dict[str, Declared]") -> None:
    boxes = {resources[name].urn: name for name in BOXES}
    for each in resources.values():
        if each.custom and not each.type.startswith("pulumi:providers:"):
            assert each.parent in boxes, each.name
            assert each.name.startswith(f"{boxes[each.parent]}-"), each.name


def test_every_resource_uses_a_provider_that_is_pinned_to_an_account(
    resources: "dict[str, Declared]",
) -> None:
    for each in resources.values():
        if each.custom and not each.type.startswith("pulumi:providers:"):
            cloud = each.type.partition(":")[0]
            assert each.provider.startswith(resources[cloud].urn), each.name
            if cloud == "gcp":
                assert each.inputs["project"] == resources["gcp"].inputs["project"], each.name
    assert len(json.loads(resources["aws"].inputs["allowedAccountIds"])) == 1


def test_what_holds_data_is_protected_outside_dev_and_nothing_else_is(
    programs: "dict[str, Program]",
) -> None:
    for stack, program in programs.items():
        protected = {each.name for each in program.resources if each.protect}
        assert protected == (HOLDING_DATA if stack == "prod" else set())


def test_the_clouds_refuse_deletion_themselves_outside_dev(programs: "dict[str, Program]") -> None:
    for stack, program in programs.items():
        resources, kept = by_name(program), stack != "dev"
        for name in ("ledger-table", "windows-table", "windows-claims"):
            assert resources[name].inputs["deletionProtectionEnabled"] is kept
        assert resources["dead-letters-bucket"].inputs["forceDestroy"] is not kept
        assert resources["stream-stream"].inputs["enforceConsumerDeletion"] is not kept
        for name in HOLDING_DATA:
            if name.startswith("warehouse-table-"):
                assert resources[name].inputs["deletionProtection"] is kept


def test_protection_can_be_taken_off_for_a_teardown(run: "Run") -> None:
    assert not [each.name for each in run("prod", protect=False).resources if each.protect]


def test_a_replaced_mapping_goes_before_the_new_one_comes(resources: "dict[str, Declared]") -> None:
    first = {each.name for each in resources.values() if each.delete_before_replace}
    assert first == {"bigquery-sink-mapping", "aggregator-mapping", "window-publisher-mapping"}


def test_every_kind_of_resource_has_a_name_in_words(resources: "dict[str, Declared]") -> None:
    kinds = {each.type for each in resources.values() if each.type.startswith(("aws:", "gcp:"))}
    assert kinds <= KINDS.keys()


def test_names_stay_within_the_limits_of_both_clouds(resources: "dict[str, Declared]") -> None:
    """Checked with the longest prefix that Names lets pass, in the region with the longest name."""

    def longest(name: str) -> str:
        grown = re.sub(r"^(/aws/lambda/)?sluice[-_](dev|prod)", lambda m: (m[1] or "") + "p" * 22, name)
        return grown.replace("eu-central-1", "ap-northeast-1")

    functions = ("bigquery-sink", "aggregator", "window-publisher")
    limits = {
        ("stream-stream", "name"): 128,
        ("dead-letters-queue", "name"): 80,
        ("dead-letters-bucket", "bucket"): 63,
        ("ledger-table", "name"): 255,
        ("windows-table", "name"): 255,
        ("windows-claims", "name"): 255,
        ("bigquery-sink-consumer", "name"): 128,
        ("aggregator-consumer", "name"): 128,
        ("census-rule", "name"): 64,
        **{(f"{name}-function", "name"): 64 for name in functions},
        **{(f"{name}-role", "name"): 64 for name in functions},
        **{(f"{name}-policy", "name"): 128 for name in functions},
        **{(f"{name}-logs", "name"): 512 for name in functions},
        ("federation-pool", "workloadIdentityPoolId"): 32 - 7,
        ("federation-pool", "displayName"): 32 - 7,
        ("warehouse-writer-role", "roleId"): 64,
        ("warehouse-writer-role", "title"): 100,
        ("warehouse-raw", "datasetId"): 1024,
    }
    for (name, key), limit in limits.items():
        assert len(longest(resources[name].inputs[key])) <= limit, (name, key)


def test_outputs_are_those_that_the_command_line_reads(programs: "dict[str, Program]") -> None:
    outputs = programs["dev"].outputs
    consumer = "arn:aws:kinesis:eu-central-1:123456789012:stream/sluice-dev-events/consumer/sluice-dev-"
    assert outputs == {
        "environment": "dev",
        "region": "eu-central-1",
        "stream_name": "sluice-dev-events",
        "dead_letter_queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/sluice-dev-dead-letters",
        "dead_letter_bucket": "sluice-dev-dead-letters-111111111111-eu-central-1",
        "ledger_table": "sluice-dev-ledger",
        "windows_table": "sluice-dev-windows",
        "claims_table": "sluice-dev-claims",
        "window_days": 400,
        "bigquery_project": "example-analytics-dev",
        "bigquery_dataset": "sluice_dev",
        "bigquery_views_dataset": "sluice_dev_views",
        "sinks": {
            name: {
                "function": f"sluice-dev-{name}-sink",
                "consumer": f"{consumer}{name}-sink:1700000000",
                "mapping": "00000000-0000-4000-8000-000000000001",
                "parallelization": 1,
                "reads": "enhanced",
                "stream": "sluice-dev-events",
                "filtered": False,
            }
            for name in ("bigquery", "windows")
        },
        "routes": {},
    }


def test_nothing_deprecated_is_used_and_nothing_is_warned_of(program: "Program") -> None:
    assert program.warnings == ()


def test_google_apis_can_be_left_to_somebody_else(run: "Run") -> None:
    kinds = {each.type for each in run("dev", enable_google_apis=False).resources}
    assert "gcp:projects/service:Service" not in kinds


def test_tags_reach_all_aws_resources_and_labels_all_google_ones(run: "Run") -> None:
    resources = by_name(run("dev", tags={"Cost Centre": "Data @ Co", "1st": "x"}))
    tags = json.loads(resources["aws"].inputs["defaultTags"])["tags"]
    labels = json.loads(resources["gcp"].inputs["defaultLabels"])
    assert tags["Cost Centre"] == "Data @ Co"
    assert labels["cost-centre"] == "data---co"
    assert labels["tag-1st"] == "x", "a label's name begins with a letter"


def test_a_paused_sink_keeps_its_checkpoint(run: "Run") -> None:
    mapping = by_name(run("dev", bigquery_sink={"enabled": False}))["bigquery-sink-mapping"].inputs
    assert mapping["enabled"] is False


@pytest.mark.parametrize(
    ("given", "declared"),
    [
        ({"batch_size": 10_000}, {"batchSize": 10_000}),
        ({"batching_window_seconds": 300}, {"maximumBatchingWindowInSeconds": 300}),
        ({"parallelization": 10}, {"parallelizationFactor": 10}),
        ({"retry_attempts": 0}, {"maximumRetryAttempts": 0}),
        ({"max_record_age_seconds": 60}, {"maximumRecordAgeInSeconds": 60}),
        ({"bisect": True}, {"bisectBatchOnFunctionError": True}),
        (
            {"starting_position": "AT_TIMESTAMP", "starting_position_timestamp": "2026-01-31T12:00:00Z"},
            {"startingPosition": "AT_TIMESTAMP", "startingPositionTimestamp": "2026-01-31T12:00:00Z"},
        ),
    ],
)
def test_everything_about_the_mapping_is_a_setting(
    given: dict[str, object], declared: dict[str, object], run: "Run"
) -> None:
    mapping = by_name(run("dev", bigquery_sink=given))["bigquery-sink-mapping"].inputs
    assert declared.items() <= mapping.items()
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "onFailure" in mapping["destinationConfig"]


def test_a_stream_is_sized_by_its_settings(run: "Run") -> None:
    sizes = {"mode": "provisioned", "shards": 7, "retention_hours": 8760}
    stream = by_name(run("dev", stream=sizes, ledger={"days": 400}))["stream-stream"].inputs
    assert stream["streamModeDetails"] == {"streamMode": "PROVISIONED"}
    assert (stream["shardCount"], stream["retentionPeriod"]) == (7, 8760)
