"""Routes: every resource of every kind of target by its exact inputs, and what their settings change."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sluice.patterns import Compiled
from sluice.routes.route import MAX_SINK
from tests.infra import expected_aws, expected_routes, expected_sink
from tests.infra.conftest import by_name
from tests.infra.test_every_aws_resource import compare, declared, readable

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

ROUTED = Path(__file__).with_name("routed.py")
KEY = "arn:aws:kms:eu-central-1:111111111111:key/8d5f0c1e-0000-4000-8000-000000000000"
PATTERNS = ('{"data": {"type": ["order"]}}', '{"data": {"total": [{"numeric": [">=", 1000]}]}}')
FILTERED = {
    "filterCriteria": {"filters": [{"pattern": json.loads(text)} for text in PATTERNS]},
    "metricsConfig": {"metrics": ["EventCount"]},
}


@pytest.fixture(autouse=True)
def _without_filters(monkeypatch: pytest.MonkeyPatch, programs: object) -> None:  # noqa: ARG001 the program imports the providers as it must
    """What a condition is compiled to is another test's matter; one route here has a filter."""

    def compile_route(route: Any, _: Any, *, enhanced: bool) -> Compiled:
        return Compiled(PATTERNS if enhanced and route.name == "large_orders" else (), "for the test")

    monkeypatch.setattr("infra.routes.compile_route", compile_route)


@pytest.fixture(scope="module")
def usual(run: "Run") -> "dict[str, Declared]":
    return by_name(run("dev", pipeline=ROUTED))


def routes(run: "Run", stack: str = "dev", **given: Any) -> "dict[str, Declared]":
    return by_name(run(stack, pipeline=ROUTED, **given))


@pytest.mark.parametrize("stack", expected_aws.ENVS)
def test_routes_consist_of_exactly_these_resources(stack: str, run: "Run") -> None:
    env = expected_aws.ENVS[stack]
    found = declared(run(stack, pipeline=ROUTED))
    compare(
        found,
        {
            **expected_aws.expected(env),
            **expected_sink.bigquery(env, f"example-analytics-{stack}"),
            **expected_routes.large_orders(env, filtered=FILTERED),
            **expected_routes.paid(env),
            **expected_routes.queue(env, "free"),
            **expected_routes.queue(env, "returned_orders", **expected_routes.FIFO),
            **expected_routes.objects(env),
            **expected_routes.all_orders(env),
        },
    )
    assert len(found) == 12 + 6 + 6 + (1 + 6 + 6) + (2 + 6) + (2 + 6) + 5 + (5 + 6)


def test_a_shared_reader_has_neither_a_consumer_nor_a_filter(run: "Run") -> None:
    """On a shared mapping Lambda does not look into KPL aggregates: a filter would drop them unseen."""
    env = expected_aws.ENVS["dev"]
    found = routes(run, routes={"large_orders": {"consumer": "shared"}})
    wanted = expected_routes.large_orders(env, shared=True)
    compare({name: each for name, each in found.items() if name in wanted}, wanted)
    assert "route-large-orders-consumer" not in found
    stream = found["stream-stream"]
    assert stream.urn in found["route-large-orders-mapping"].depends_on


def test_exports_say_where_routes_lead_and_how_sinks_read(run: "Run") -> None:
    outputs = run("dev", pipeline=ROUTED, routes={"free": {"consumer": "shared"}}).outputs
    place = "https://sqs.eu-central-1.amazonaws.com/123456789012/sluice-dev"
    assert outputs["routes"] == {
        "large_orders": {"target": "function", "name": "sluice-dev-large-orders-sink"},
        "paid": {"target": "stream", "name": "sluice-dev-paid-route"},
        "free": {"target": "queue", "name": "sluice-dev-free-route", "url": f"{place}-free-route"},
        "returned_orders": {
            "target": "queue",
            "name": "sluice-dev-returned-orders-route.fifo",
            "url": f"{place}-returned-orders-route.fifo",
        },
        "all_orders": {
            "target": "firehose",
            "name": "sluice-dev-all-orders-route",
            "bucket": "sluice-dev-routes-111111111111-eu-central-1",
            "prefix": "all_orders/",
        },
    }
    sinks = outputs["sinks"]
    assert list(sinks) == sorted(
        ["bigquery", "large_orders", "paid", "paid-transactions", "free", "returned_orders", "all_orders"]
    )
    mapping = "00000000-0000-4000-8000-000000000001"
    common = {"mapping": mapping, "parallelization": 1, "filtered": False}
    streams = "arn:aws:kinesis:eu-central-1:123456789012:stream/sluice-dev"
    assert sinks["large_orders"] == {
        **common,
        "function": "sluice-dev-large-orders-sink",
        "consumer": f"{streams}-events/consumer/sluice-dev-large-orders-sink:1700000000",
        "reads": "enhanced",
        "stream": "sluice-dev-events",
        "filtered": True,
        "route": "large_orders",
    }
    assert sinks["free"] == {
        **common,
        "function": "sluice-dev-free-sink",
        "reads": "shared",
        "stream": "sluice-dev-events",
        "route": "free",
    }
    assert sinks["paid-transactions"] == {
        **common,
        "function": "sluice-dev-paid-transactions-sink",
        "consumer": f"{streams}-paid-route/consumer/sluice-dev-paid-transactions-sink:1700000000",
        "reads": "enhanced",
        "stream": "sluice-dev-paid-route",
        "route": "paid",
    }


def test_names_of_routes_stay_within_the_limits(run: "Run", tmp_path: Path) -> None:
    """With the longest names that Route takes, the longest prefix and the region with the longest name."""
    route, folder = "r" * 32, "f" * 3
    text = (
        ROUTED.read_text()
        .replace('"all_orders"', f'"{route}"')
        .replace('"returned_orders"', f'"s{route[1:]}"')
    )
    file = tmp_path / "pipeline.py"
    file.write_text(text)
    assert len(f"{route}-{folder}") == MAX_SINK
    found = by_name(run("dev", pipeline=file))

    def longest(name: str) -> int:
        grown = name.replace("sluice-dev", "p" * 22).replace("eu-central-1", "ap-northeast-1")
        return len(grown.rpartition("/")[2])

    most = {
        "Function": 64,
        "Role": 64,
        "RolePolicy": 128,
        "StreamConsumer": 128,
        "Stream": 128,
        "Queue": 80,
        "FirehoseDeliveryStream": 64,
        "Bucket": 63,
    }
    for each in found.values():
        limit = most.get(each.type.rpartition(":")[2])
        if limit and each.custom and each.name.startswith(("route", "target")):
            assert longest(each.inputs.get("name") or each.inputs["bucket"]) <= limit, each.name
    consumer = f"{'p' * 22}-{'s' * MAX_SINK}-sink"
    assert len(consumer) <= most["Function"]


def test_what_routes_keep_is_protected_outside_dev(run: "Run", usual: "dict[str, Declared]") -> None:
    protected = {
        each.name
        for each in routes(run, "prod").values()
        if each.protect and each.name.startswith(("route", "target"))
    }
    mappings = {
        f"route-{sink}-mapping"
        for sink in ("large-orders", "paid", "paid-transactions", "free", "returned-orders", "all-orders")
    }
    holding = {"target-paid-stream", "target-free-queue", "target-returned-orders-queue"}
    assert protected == mappings | holding | {"routes-bucket", "target-all-orders-firehose"}
    assert not [each.name for each in usual.values() if each.protect]


def test_every_route_has_a_box_of_its_own_and_one_for_what_it_leads_to(
    usual: "dict[str, Declared]",
) -> None:
    boxes = {each.name: each.type.rpartition(":")[2] for each in usual.values() if not each.custom}
    found = {name: kind for name, kind in boxes.items() if name.startswith(("route", "target"))}
    assert found == {
        **{
            f"route-{sink}": "SinkFunction"
            for sink in ("large-orders", "paid", "paid-transactions", "free", "returned-orders", "all-orders")
        },
        "target-paid": "Stream",
        "target-free": "RouteQueue",
        "target-returned-orders": "RouteQueue",
        "target-all-orders": "RouteFirehose",
        "routes": "RoutesBucket",
    }


SETTINGS: dict[str, Any] = {
    "large_orders": {
        "enabled": False,
        "batch_size": 10,
        "batching_window_seconds": 9,
        "parallelization": 4,
        "retry_attempts": 3,
        "max_record_age_seconds": 60,
        "bisect": True,
        "starting_position": "AT_TIMESTAMP",
        "starting_position_timestamp": "2026-01-31T12:00:00Z",
        "timeout_seconds": 60,
        "memory_mb": 256,
        "log_level": "DEBUG",
        "log_retention_days": 1,
    },
    "paid": {
        "stream": {"mode": "provisioned", "shards": 3, "retention_hours": 24},
        "consumers": {"transactions": {"batch_size": 7}},
    },
    "free": {"queue": {"retention_days": 1, "visibility_timeout_seconds": 300}},
    "returned_orders": {"queue": {"high_throughput": True}},
    "all_orders": {"firehose": {"buffer_mb": 128, "buffer_seconds": 0, "object_days": 30}},
}


@pytest.fixture(scope="module")
def changed(run: "Run") -> "dict[str, Declared]":
    return by_name(run("dev", pipeline=ROUTED, routes=SETTINGS))


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        (
            "route-large-orders-mapping",
            {
                "enabled": False,
                "batchSize": 10,
                "maximumBatchingWindowInSeconds": 9,
                "parallelizationFactor": 4,
                "maximumRetryAttempts": 3,
                "maximumRecordAgeInSeconds": 60,
                "bisectBatchOnFunctionError": True,
                "startingPosition": "AT_TIMESTAMP",
                "startingPositionTimestamp": "2026-01-31T12:00:00Z",
            },
        ),
        ("route-large-orders-function", {"memorySize": 256, "timeout": 60}),
        ("route-large-orders-logs", {"retentionInDays": 1}),
        (
            "target-paid-stream",
            {"streamModeDetails": {"streamMode": "PROVISIONED"}, "shardCount": 3, "retentionPeriod": 24},
        ),
        ("route-paid-transactions-mapping", {"batchSize": 7}),
        ("route-paid-mapping", {"batchSize": 1000}),
        ("target-free-queue", {"messageRetentionSeconds": 86_400, "visibilityTimeoutSeconds": 300}),
        (
            "target-returned-orders-queue",
            {"deduplicationScope": "messageGroup", "fifoThroughputLimit": "perMessageGroupId"},
        ),
    ],
)
def test_everything_about_a_route_is_a_setting(
    name: str, inputs: dict[str, Any], changed: "dict[str, Declared]"
) -> None:
    assert inputs.items() <= readable(changed[name].inputs).items()


def test_parallelization_and_log_level_reach_the_function(changed: "dict[str, Declared]") -> None:
    variables = changed["route-large-orders-function"].inputs["environment"]["variables"]
    assert (variables["SLUICE_PARALLELIZATION"], variables["POWERTOOLS_LOG_LEVEL"]) == ("4", "DEBUG")


def test_a_firehoses_buffer_and_the_age_of_its_objects_are_settings(changed: "dict[str, Declared]") -> None:
    s3 = readable(changed["target-all-orders-firehose"].inputs)["extendedS3Configuration"]
    assert (s3["bufferingSize"], s3["bufferingInterval"]) == (128, 0)
    rules = readable(changed["routes-bucket-lifecycle"].inputs)["rules"]
    assert [(rule["filter"]["prefix"], rule.get("expiration")) for rule in rules] == [
        ("", None),
        ("all_orders/", {"days": 30}),
        ("delivery-errors/all_orders/", {"days": 30}),
    ]


def test_a_key_encrypts_what_routes_lead_to(run: "Run") -> None:
    found = routes(run, encryption={"key": KEY})
    assert found["target-paid-stream"].inputs["kmsKeyId"] == KEY
    assert found["target-free-queue"].inputs["kmsMasterKeyId"] == KEY
    assert "sqsManagedSseEnabled" not in found["target-free-queue"].inputs
    firehose = readable(found["target-all-orders-firehose"].inputs)
    assert firehose["serverSideEncryption"] == {
        "enabled": True,
        "keyType": "CUSTOMER_MANAGED_CMK",
        "keyArn": KEY,
    }
    assert firehose["extendedS3Configuration"]["kmsKeyArn"] == KEY
    assert found["target-all-orders-logs"].inputs["kmsKeyId"] == KEY
    (statement,) = [
        each
        for each in json.loads(found["target-all-orders-policy"].inputs["policy"])["Statement"]
        if each["Sid"] == "UseTheKey"
    ]
    through = ["logs.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": through}}


def test_a_function_may_send_to_its_own_target_and_nowhere_else(usual: "dict[str, Declared]") -> None:
    for name, each in usual.items():
        if name.startswith("route-") and name.endswith("-policy"):
            statements = json.loads(each.inputs["policy"])["Statement"]
            sending = [one for one in statements if one["Sid"].startswith("SendToThe")]
            assert len(sending) == (0 if "transactions" in name or "large" in name else 1), name
            assert not [one for one in sending if "*" in one["Resource"][0] or "*" in one["Action"][0]]


def test_a_route_waits_for_what_it_leads_to(usual: "dict[str, Declared]") -> None:
    found = usual
    for route, target in (("paid", "stream"), ("free", "queue"), ("all-orders", "firehose")):
        for part in ("function", "mapping"):
            needed = {urn.rpartition("::")[2] for urn in found[f"route-{route}-{part}"].depends_on}
            assert f"target-{route}-{target}" in needed


def test_a_preview_knows_every_route(run: "Run", usual: "dict[str, Declared]") -> None:
    preview: Program = run("dev", pipeline=ROUTED, preview=True)
    assert {each.urn for each in preview.resources} == {each.urn for each in usual.values()}
