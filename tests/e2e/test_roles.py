"""Each role allows what its function has called, what a service is known to do with it, and nothing more.

The probe's is among them, so what it finds of the local cloud is seen here, and of one that does otherwise.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import msgspec
import pytest
import urllib3

from sluice.audit.reading import read_books
from sluice.audit.scheduled import AuditedSink, Clients, ScheduledAudit
from sluice.cli.audit import sources_of
from sluice.cli.redrive import Result, place
from sluice.cli.returning import Returning
from sluice.probe.assumptions import ASSUMPTIONS
from sluice.probe.findings import Finding
from tests.e2e.conftest import ROOT, Running, of_sink, running
from tests.e2e.probing import found_by_probe, found_of_another_bigquery, what_the_probe_left
from tests.infra.needed_by_services import NEEDS

pytestmark = pytest.mark.e2e

PIPELINE = ROOT / "tests" / "pipelines" / "every_right.py"
QUICK = {"batching_window_seconds": 0, "log_level": "WARNING"}
ON: Mapping[str, Any] = {
    "encryption": {"key": "own"},
    "bigquery_sink": QUICK,
    "aggregator": {"tumbling_window_seconds": 1, "log_level": "WARNING"},
    "lake": {
        "enabled": True,
        "transform_buffer_seconds": 1,
        "buffer_seconds": 1,
        "log_level": "WARNING",
    },
    "search_sink": {"mode": "domain", **QUICK},
    "search_domain": {"public": True, "instance_type": "t3.small.search", "instance_count": 1, "zones": 1},
    "routes": {
        "to_function": QUICK,
        "to_stream": {**QUICK, "consumers": {"transactions": QUICK}},
        "to_queue": QUICK,
        "to_firehose": QUICK,
    },
    "report": {"auth": "iam"},
    "auditor": {"enabled": True, "log_level": "WARNING"},
    "probe": {"enabled": True, "tumbling_window_seconds": 3, "log_level": "WARNING"},
}
EVENTS = 20
LARGE = b"x" * 1_000_000
"""No event, and in base64 more than a queue's message holds."""

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ACCOUNT = re.compile(r":\d{12}:")


@dataclass(frozen=True, order=True)
class Right:
    """One action on one resource that a role's statement allows."""

    role: str
    statement: str
    action: str
    resource: str

    def used_by(self, call: Mapping[str, Any]) -> bool:
        """Whether a recorded call needed it."""
        if (call["role"], call["action"]) != (self.role, self.action) or call["resource"] is None:
            return False
        if self.action.startswith("es:"):  # the local OpenSearch keeps paths, and judges nobody
            return fnmatchcase(call["resource"], f"/{self.resource.split('/', 2)[2]}")
        return call["sid"] == self.statement and fnmatchcase(_at_home(call["resource"]), self.resource)


@dataclass(frozen=True)
class Found:
    """What the roles allow, and what was called with them."""

    rights: Sequence[Right]
    calls: Sequence[Mapping[str, Any]]
    functions: frozenset[str]
    probed: Sequence[Finding]
    probed_otherwise: Sequence[Finding]
    left_by_probe: Mapping[str, int]
    unaccounted: Mapping[str, Mapping[str, int]]


@pytest.fixture(scope="module")
def found() -> Found:
    with running(PIPELINE, ON, shards=2) as run, ThreadPoolExecutor() as threads:
        probing = threads.submit(found_by_probe, run)
        exercise(run)
        probed, otherwise = probing.result(), found_of_another_bigquery(run)
        left = what_the_probe_left(run)
        unaccounted = audit(run)
        deployed = run.cloud._deployed
        calls = calls_of(run)
        policies = [made.inputs for urn, made in deployed.made.items() if ROLE_POLICY in urn]
    return Found(
        sorted(right for inputs in policies for right in rights(inputs)),
        calls,
        frozenset(str(inputs["role"]).rpartition("/")[2] for inputs in deployed.functions),
        probed,
        otherwise,
        left,
        unaccounted,
    )


def calls_of(run: Running) -> list[Mapping[str, Any]]:
    urls = (run.cloud.endpoints.aws_url, run.cloud.endpoints.search_url)
    answers = [urllib3.request("GET", f"{url}/_sluice/calls").json() for url in urls]
    return [call for answer in answers for call in answer["calls"]]


def denied(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each denied call in words."""
    return [
        f"{call['role']} may not {call['action']} on {call['resource']}"
        for call in calls
        if not call["allowed"]
    ]


def rights(inputs: Mapping[str, Any]) -> Iterator[Right]:
    for statement in json.loads(inputs["policy"])["Statement"]:
        if statement["Effect"] == "Allow":
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    yield Right(inputs["role"], statement["Sid"], action, _at_home(resource))


def _at_home(arn: str) -> str:
    return ACCOUNT.sub(":account:", arn)


def exercise(run: Running) -> None:
    """Have every function do everything that it can do."""
    events = [event(f"t-{number}") for number in range(EVENTS)]
    bad = [b"no event", LARGE]
    run.send([*events, *bad])
    run.send([b"", *events, *bad])  # moved by one, so that duplicates come on another shard
    run.target.kinesis.put_records(
        StreamName=run.cloud.outputs["routes"]["to_stream"]["name"],
        Records=[{"Data": data, "PartitionKey": "bad"} for data in bad],
    )
    settled = run.cloud.wait_drained(60)
    assert settled, denied(calls_of(run)) or run.cloud.status()
    for sink in ("windows", "lake"):
        redrive(run, sink, event(f"again-{sink}"))
    add_a_column(run)
    ask_the_report(run)


def event(name: str) -> bytes:
    at = datetime.now(UTC).isoformat()
    return json.dumps({"type": "transaction", "id": name, "at": at, "amount": "1.50"}).encode()


def redrive(run: Running, sink: str, data: bytes) -> None:
    function = run.cloud.outputs["sinks"][sink]["function"]
    returning = Returning(
        None,  # type: ignore[arg-type]  # no letter is needed to place a record
        run.cloud.outputs["stream_name"],
        "shardId-000000000000",
        "1",
        None,
        "again",
        datetime.now(UTC).timestamp(),
        data,
    )
    result = Result()
    outcomes = place(run.target, function, [returning], result)
    assert (list(outcomes.values()), result.troubles) == (["delivered"], [])


def add_a_column(run: Running) -> None:
    (given,) = [each for each in run.cloud._deployed.invocations if "lake-setup" in each["functionName"]]
    wanted = json.loads(given["input"])
    new = {"id": 999, "name": "later", "required": False, "type": "string"}
    wanted["tables"]["transaction"]["fields"].append(new)
    answer = call(run, given["functionName"], wanted)
    # The local Glue takes no Iceberg updates, as the lake's own process makes them; here it is to be asked.
    assert "UpdateTable" in answer["errorMessage"], answer


def ask_the_report(run: Running) -> None:
    for path, query in {
        "/api/overview": "",
        "/api/chart": "metric=turnover",
        "/api/values": "metric=turnover&field=currency",
        "/api/windows.csv": "metric=turnover",
        "/api/flow": "",
        "/api/letters": "",
    }.items():
        request = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "report"},
            "requestContext": {"http": {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}},
            "isBase64Encoded": False,
        }
        answer = call(run, "sluice-dev-report", request)
        assert answer.get("statusCode") == 200, answer


def audit(run: Running) -> Mapping[str, Mapping[str, int]]:
    """Audit what nobody has settled and a Firehose has failed at, younger than the grace as all is here.

    Returns what the whole audit and the one by the clock, of some minutes later, find before and after a gap.
    """
    ledger, lake = run.target.outputs.ledger_table, run.cloud.outputs["sinks"]["lake"]
    # What no later batch of its shard follows would count as in flight, not as a gap.
    run.send([event(f"later-{number}") for number in range(EVENTS)])
    assert run.cloud.wait_drained(60), run.cloud.status()
    items = run.target.dynamodb.scan(TableName=ledger)["Items"]
    before = unaccounted(run)
    batches = sorted(
        (item for item in items if item["lane"]["S"].startswith("search#") and "delivered" in item),
        key=lambda item: (item["lane"]["S"], item["first"]["S"]),
    )
    followed = (one for one, after in pairwise(batches) if one["lane"] == after["lane"])
    batch = max(followed, key=lambda item: int(item["delivered"]["N"]))
    run.target.dynamodb.delete_item(TableName=ledger, Key={name: batch[name] for name in ("lane", "first")})
    after = unaccounted(run)
    for item in items:
        run.target.dynamodb.delete_item(
            TableName=ledger, Key={name: item[name] for name in ("lane", "first")}
        )
    run.target.s3.put_object(Bucket=lake["bucket"], Key=f"{lake['errors']}planted/1", Body=b"")
    answer = call(run, "sluice-dev-auditor", {"source": "aws.events"})
    assert answer["failures"] == 0, answer
    assert {sink: found["Unaccounted"] for sink, found in answer["sinks"].items()} == dict.fromkeys(
        run.cloud.outputs["sinks"], 0
    )
    return {"before": before, "after": after}


def unaccounted(run: Running) -> dict[str, int]:
    """Return what is unaccounted for of the search sink, by either audit: neither counts what it holds."""
    (function,) = [each for each in run.cloud._deployed.functions if each["name"] == "sluice-dev-auditor"]
    told = function["environment"]["variables"]["SLUICE_AUDIT_SINKS"]
    later = datetime.now(UTC) + timedelta(minutes=20)
    scheduled = ScheduledAudit(
        clients=Clients(
            kinesis=run.target.kinesis,
            cloudwatch=run.target.cloudwatch,
            dynamodb=run.target.dynamodb,
            sqs=lambda: run.target.sqs,
            s3=lambda: run.target.s3,
            firehose=lambda: run.target.firehose,
        ),
        ledger_table=run.target.outputs.ledger_table,
        sinks=msgspec.json.decode(told, type=dict[str, AuditedSink]),
        queue_url=None,
        time=timedelta(hours=2),
        grace=timedelta(minutes=10),
    )
    (group,) = [each for each in scheduled.groups() if "search" in each.sinks]
    return {
        "audit": of_sink(read_books(sources_of(run.target)), "search").unaccounted,
        "by the clock": of_sink(scheduled.books(group, later), "search").unaccounted,
    }


def call(run: Running, function: str, payload: Any) -> Any:
    name = function.rpartition(":")[2]
    answer = run.target.functions.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    return json.loads(answer["Payload"].read())


def test_no_function_was_denied_anything(found: Found) -> None:
    assert denied(found.calls) == []


def test_every_call_of_the_search_domain_was_allowed(found: Found) -> None:
    """The local OpenSearch judges nobody, so what its domain would refuse is found here."""
    asked = [call for call in found.calls if call["action"].startswith("es:")]
    refused = [call for call in asked if not any(right.used_by(call) for right in found.rights)]
    assert asked
    assert refused == []


def test_every_right_was_used_or_has_its_reason(found: Found) -> None:
    idle = [
        right
        for right in found.rights
        if not any(right.used_by(call) for call in found.calls)
        and not any(need.covers(right.role, right.statement, right.action) for need in NEEDS)
    ]
    assert idle == []


def test_every_function_was_heard_of(found: Found) -> None:
    """A role without a single call would have been compared with nothing."""
    assert found.functions - {call["role"] for call in found.calls} == set()


def test_the_local_cloud_does_all_that_the_probe_knows_it_to_assume(found: Found) -> None:
    assert [each for each in found.probed if each.verdict != "agrees"] == []
    assert len(found.probed) == len(ASSUMPTIONS) - 1, "all but the age limit, which takes a minute"


def test_the_probe_tells_of_a_bigquery_that_does_otherwise(found: Found) -> None:
    (differing,) = [each for each in found.probed_otherwise if each.verdict != "agrees"]
    assert (differing.assumption, differing.verdict) == ("rows-bad", "differs")
    assert differing.saw == "400: BigQuery refused the request: Something is not right"


def test_the_probe_leaves_nothing_behind(found: Found) -> None:
    assert found.left_by_probe == {"items": 0, "messages": 0, "tables": 0}


def test_a_gap_in_the_books_shows_by_the_clock_with_the_figure_of_the_audit(found: Found) -> None:
    assert found.unaccounted["before"] == {"audit": 0, "by the clock": 0}
    after = found.unaccounted["after"]
    assert after["audit"] == after["by the clock"] > 0
