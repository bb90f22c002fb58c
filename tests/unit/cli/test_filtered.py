"""Where the audit learns what filters dropped."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sluice.audit.evidence import FilteredOut
from sluice.cli.filtered import BY_METRIC, SINCE_EVER, filtered_of
from sluice.cli.outputs import SinkOutputs
from sluice.cli.target import Endpoints, Target

ENDPOINTS = Endpoints(aws_url="http://aws", lambda_url="http://lambda", bigquery_url="http://bigquery")
SINKS = {
    "bigquery": SinkOutputs(function="b", mapping="m1"),
    "payments": SinkOutputs(function="p", mapping="m2", filtered=True, route="payments", stream="events"),
    "before": SinkOutputs(function="q", mapping="m3", route="before"),
}
STATUS = {
    "mappings": [
        {"mapping": "m1", "filtered": 0, "shards": [{"shard": "s0", "position": "12"}]},
        {
            "mapping": "m2",
            "filtered": 7,
            "shards": [{"shard": "s0", "position": "12"}, {"shard": "s1", "position": None}],
        },
        {"mapping": "m3", "filtered": 3, "shards": []},
    ]
}


def target(**changes: Any) -> Target:
    outputs = SimpleNamespace(sinks=SINKS, stream_name="events")
    return cast("Target", SimpleNamespace(**{"outputs": outputs, "endpoints": None, **changes}))


def test_the_local_mappings_count_exactly_and_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.cli.local_status.status_of", lambda _: STATUS)

    assert filtered_of(target(endpoints=ENDPOINTS), None) == {
        "payments": FilteredOut(7, None, {"s0": 12}),
        "before": FilteredOut(3),
    }


def test_a_local_count_is_no_exact_one_since_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.cli.local_status.status_of", lambda _: STATUS)
    found = filtered_of(target(endpoints=ENDPOINTS), datetime(2026, 11, 21, tzinfo=UTC))
    assert {each.doubt for each in found.values()} == {SINCE_EVER}


def test_a_deployed_stack_has_a_metric_of_each_filtered_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def counted(*about: Any) -> int:
        asked.append(about)
        return 41

    monkeypatch.setattr("sluice.audit.stream.filtered_out", counted)
    since = datetime(2026, 11, 21, tzinfo=UTC)

    found = filtered_of(target(cloudwatch="cloudwatch"), since)

    assert found == {"payments": FilteredOut(41, BY_METRIC)}
    assert [about[:3] for about in asked] == [("cloudwatch", "m2", since)]


def test_a_stack_from_before_there_were_mappings_to_ask_has_no_filters() -> None:
    outputs = SimpleNamespace(sinks={"bigquery": replace(SINKS["bigquery"], mapping=None)})
    assert filtered_of(target(endpoints=ENDPOINTS, outputs=outputs), None) == {}
