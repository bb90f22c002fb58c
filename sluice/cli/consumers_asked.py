"""What there is to know of each consumer: its mapping, how far it is behind, what its filter dropped.

A local cloud is asked itself. Of a deployed stack Lambda's API tells the state, CloudWatch the rest: the age
of the newest batch (IteratorAge), there only while functions are invoked, and what filters dropped.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sluice.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.audit.evidence import FilteredOut
    from sluice.cli.outputs import SinkOutputs
    from sluice.cli.target import Target
    from sluice.local.endpoints import Endpoints

PAUSED = ("Disabling", "Disabled")
RECENT = timedelta(minutes=15)
"""How old an age may be that is still told."""

FILTERED_SINCE = timedelta(hours=24)
METRIC_PERIOD_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """One consumer of a stream.

    `behind_records` is None of a deployed stack, where nothing tells; `behind_seconds` is how long ago the
    oldest record arrived that waits, None where nothing is known of it. `filtered` are events that its filter
    dropped, None without a filter.
    """

    name: str
    kind: str
    stream: str
    function: str
    mapping: str | None
    """None of a Firehose, which is its own reader."""
    state: str
    filters: tuple[str, ...] = ()
    behind_records: int | None = None
    behind_seconds: float | None = None
    filtered: int | None = None
    last_error: str = ""

    @property
    def paused(self) -> bool:
        """Whether it gets nothing until it is resumed."""
        return self.state in PAUSED

    def document(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "stream": self.stream,
            "function": self.function,
            "mapping": self.mapping,
            "state": self.state,
            "filters": list(self.filters),
            "behind_records": self.behind_records,
            "behind_seconds": self.behind_seconds,
            "filtered": self.filtered,
            "last_error": self.last_error,
        }


def consumers_of(target: "Target") -> list[Consumer]:
    """Return the consumers in the order in which the program declares them."""
    from sluice.cli.consumers_firehose import firehose_consumer
    from sluice.cli.filtered import filtered_of

    since = None if target.is_local else datetime.now(UTC) - FILTERED_SINCE
    filtered = filtered_of(target, since)
    asked = _Deployed(target) if target.endpoints is None else _Local(target, target.endpoints)
    return [
        firehose_consumer(target, name, sink)
        if sink.firehose
        else _consumer(target, name, sink, asked, filtered.get(name))
        for name, sink in target.outputs.sinks.items()
    ]


def described(target: "Target", name: str, sink: "SinkOutputs") -> dict[str, Any]:
    """Return a consumer's mapping as Lambda's API describes it.

    Raises:
        EnvironmentProblem: it is not there.
    """
    if sink.mapping is not None:
        try:
            found: Any = target.functions.get_event_source_mapping(UUID=sink.mapping)
        except target.functions.exceptions.ResourceNotFoundException:
            raise _gone(target, name) from None
        return cast("dict[str, Any]", found)
    answer = target.functions.list_event_source_mappings(FunctionName=sink.function)
    if not answer["EventSourceMappings"]:
        raise _gone(target, name)
    return cast("dict[str, Any]", answer["EventSourceMappings"][0])


def _gone(target: "Target", name: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"{name}: Lambda knows no mapping of it at {target.where}: deploy the program again, then try again"
    )


def _consumer(
    target: "Target",
    name: str,
    sink: "SinkOutputs",
    asked: "_Local | _Deployed",
    filtered: "FilteredOut | None",
) -> Consumer:
    mapping = described(target, name, sink)
    stream = sink.stream or target.outputs.stream_name
    patterns = (mapping.get("FilterCriteria") or {}).get("Filters") or ()
    behind = asked.behind(mapping, sink, stream)
    return Consumer(
        name=name,
        kind=sink.reads,
        stream=stream,
        function=sink.function,
        mapping=mapping["UUID"],
        state=mapping["State"],
        filters=tuple(each["Pattern"] for each in patterns),
        behind_records=behind[0],
        behind_seconds=behind[1],
        filtered=None if filtered is None else filtered.events,
        last_error=asked.last_error(mapping),
    )


class _Local:
    """The local cloud's own figures, exact."""

    def __init__(self, target: "Target", endpoints: "Endpoints") -> None:
        from sluice.cli.local_status import status_of, totals_of

        self._target = target
        self._mappings = {each["mapping"]: each for each in status_of(endpoints)["mappings"]}
        self._totals = {arn.rpartition("/")[2]: count for arn, count in totals_of(endpoints).items()}

    def behind(self, mapping: "Mapping[str, Any]", sink: "SinkOutputs", stream: str) -> tuple[int, float]:
        """Return how many records wait, and since when the oldest does (seconds)."""
        del sink
        status = self._mappings.get(mapping["UUID"], {})
        waiting = max(0, self._totals.get(stream, 0) - int(status.get("settled", 0)))
        return waiting, self._oldest(status, stream) if waiting else 0.0

    def last_error(self, mapping: "Mapping[str, Any]") -> str:
        """Return what went wrong lately, if anything did."""
        shards = self._mappings.get(mapping["UUID"], {}).get("shards", ())
        return next((each["last_error"] for each in shards if each["last_error"]), "")

    def _oldest(self, status: "Mapping[str, Any]", stream: str) -> float:
        """Return the age of the first record that waits, looked up in the stream itself."""
        kinesis = self._target.kinesis
        places = {each["shard"]: each["position"] for each in status.get("shards", ())}
        if not places:  # it never read
            places = {each["ShardId"]: None for each in kinesis.list_shards(StreamName=stream)["Shards"]}
        now, oldest = datetime.now(UTC), 0.0
        for shard, position in places.items():
            start: Any = {"ShardIteratorType": "TRIM_HORIZON"}
            if position:
                start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": position}
            cursor = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)["ShardIterator"]
            for record in kinesis.get_records(ShardIterator=cursor, Limit=1)["Records"]:
                age = (now - record["ApproximateArrivalTimestamp"]).total_seconds()
                oldest = max(oldest, round(age, 3))
        return oldest


class _Deployed:
    """What CloudWatch knows of a deployed stack."""

    def __init__(self, target: "Target") -> None:
        self._target = target

    def behind(
        self, mapping: "Mapping[str, Any]", sink: "SinkOutputs", stream: str
    ) -> tuple[None, float | None]:
        """Return how old the newest batch was when it was handed over (seconds)."""
        del mapping, stream
        return None, lag(self._target, "AWS/Lambda", "IteratorAge", FunctionName=sink.function)

    def last_error(self, mapping: "Mapping[str, Any]") -> str:
        """Return what Lambda says of its last round, unless that is nothing special."""
        result = str(mapping.get("LastProcessingResult") or "")
        return "" if result in ("OK", "No records processed") else result


def lag(target: "Target", namespace: str, metric: str, **dimension: str) -> float | None:
    """Return the newest value, in seconds, of a metric of CloudWatch that counts milliseconds."""
    now = datetime.now(UTC)
    points = target.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimension.items()],
        StartTime=now - RECENT,
        EndTime=now,
        Period=METRIC_PERIOD_SECONDS,
        Statistics=["Maximum"],
    )["Datapoints"]
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if newest is None else newest["Maximum"] / 1000
