"""Which alarms an environment has: one for each kind, and each thing that it is about.

What is watched is named by its physical name, which is known before anything is there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra.aggregator import SINK as WINDOWS
from infra.alarm import Alarm, Metric, of_function, of_stream, signal
from infra.alarm_kinds import KINDS
from infra.alarms_functions import HUNDRED, of_a_function, said, silent
from infra.alarms_sinks import BIGQUERY, of_a_sink
from infra.alarms_stores import (
    of_queues,
    of_route_firehoses,
    of_search_domain,
    of_streams,
    of_tables,
    streams,
)
from infra.environment import Environment
from infra.firehose_sink import FirehoseSink
from infra.sink_function import SinkFunction
from infra.stream import Stream
from sluice.pipeline import Pipeline

PUBLISHER: Final = "window_publisher"
AUDITOR: Final = "auditor"

_STATE_BYTES: Final = 1_000_000
"""What Lambda carries on from one call of a tumbling window to the next (Lambda developer guide, Kinesis)."""

_HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Everything of an environment that has alarms."""

    env: Environment
    pipeline: Pipeline
    stream: Stream
    sinks: Mapping[str, SinkFunction | FirehoseSink]

    def alarms(self) -> list[Alarm]:
        """List them, without the kinds that the settings do without."""
        without = self.env.settings.alarms.without
        return [alarm for alarm in self._all() if alarm.kind.name not in without]

    @property
    def streams(self) -> dict[str, str]:
        """All streams, by the route that each belongs to."""
        return streams(self.env, self.pipeline, self.stream.called)

    def _all(self) -> Iterator[Alarm]:
        env, settings = self.env, self.env.settings
        shared = [sink.stream.called for sink in self.sinks.values() if _shares(sink)]
        yield from of_streams(env, self.streams, shared)
        for name, sink in self.sinks.items():
            yield from of_a_sink(env, name, sink)
        if self.pipeline.metrics:
            yield from self._windows()
            yield from self._publisher()
        if settings.search_sink.mode == "domain":
            yield from of_search_domain(env)
        yield from of_route_firehoses(env, self.pipeline)
        yield from of_tables(env, metrics=bool(self.pipeline.metrics))
        yield from of_queues(env, self.pipeline)
        if settings.auditor.enabled:
            yield from self._audit()
        if settings.report.auth != "none":
            yield from of_a_function(env, "report", env.names.thing("report"), settings.report)

    def _windows(self) -> Iterator[Alarm]:
        """Watch what only the aggregator has: state, watermark, and the clock that completes windows."""
        env, alarms = self.env, self.env.settings.alarms
        state = _STATE_BYTES * alarms.state_percent / HUNDRED
        for kind, metric, most in (
            ("watermark-late", "WatermarkLag", alarms.watermark_seconds),
            ("watermark-failing", "WatermarkFailures", alarms.errors),
            ("window-state", "StateBytes", state),
            ("window-spill", "Spilled", alarms.spills),
            ("windows-lost", "Lost", 0),
        ):
            yield said(env, kind, metric, WINDOWS, most, sink=WINDOWS, subject="")
        yield _schedule(env, "census", sink=WINDOWS)

    def _publisher(self) -> Iterator[Alarm]:
        """Watch the publisher: it writes to BigQuery too, and both are in trouble together."""
        env, settings = self.env, self.env.settings
        alarms, function = settings.alarms, env.names.publisher
        yield from of_a_function(env, PUBLISHER, function, settings.window_publisher, sink=BIGQUERY)
        yield said(
            env,
            "windows-unpublished",
            "PublishDelay",
            PUBLISHER,
            alarms.unpublished_seconds,
            sink=BIGQUERY,
            subject="",
        )
        yield said(env, "sink-unanswered", "Unanswered", PUBLISHER, alarms.unanswered, sink=BIGQUERY)
        yield said(env, "token-failing", "TokenFailures", PUBLISHER, alarms.token_failures, sink=BIGQUERY)
        yield said(env, "rejected-rows", "RejectedRows", PUBLISHER, alarms.rejected_rows)
        if settings.window_publisher.enabled:
            yield silent(
                env,
                PUBLISHER,
                incoming=signal("Segments", env, WINDOWS),
                read=(of_function("Invocations", function), "Sum"),
                sink=BIGQUERY,
            )

    def _audit(self) -> Iterator[Alarm]:
        """Watch what the auditor finds of each sink, in periods in each of which it looks once."""
        env, settings = self.env, self.env.settings
        every = settings.auditor.minutes
        for name, sink in self.sinks.items():
            for kind, metric in (("audit-difference", "Unaccounted"), ("audit-overcounted", "Overcounted")):
                yield said(env, kind, metric, name, sink=name, every_minutes=every)
            # What a Firehose has yet to read it tells nobody, and what a filter drops leaves no mark.
            if isinstance(sink, SinkFunction) and not sink.args.patterns:
                kept = self._retention_hours(sink) * _HOUR_SECONDS
                most = kept * settings.alarms.retention_percent / HUNDRED
                yield said(env, "records-expiring", "Waiting", name, most, sink=name, every_minutes=every)
        function = env.names.thing(AUDITOR)
        yield from of_a_function(env, AUDITOR, function, settings.auditor, every_minutes=every)
        yield silent(
            env,
            AUDITOR,
            incoming=of_stream("IncomingRecords", self.stream.called),
            read=(signal("AuditedSinks", env, AUDITOR), "SampleCount"),
            sink=None,
            every_minutes=every,
        )
        yield said(env, "audit-failing", "AuditFailures", AUDITOR, subject="", every_minutes=every)
        yield _schedule(env, AUDITOR)

    def _retention_hours(self, sink: SinkFunction) -> int:
        """Return how long the stream that a sink reads keeps its records."""
        by_name = {name: route for route, name in self.streams.items()}
        route = by_name.get(sink.stream.called, "")
        settings = self.env.settings
        return (settings.route(route).stream if route else settings.stream).retention_hours


def _shares(sink: SinkFunction | FirehoseSink) -> bool:
    return isinstance(sink, FirehoseSink) or sink.args.settings.consumer == "shared"


def _schedule(env: Environment, thing: str, *, sink: str | None = None) -> Alarm:
    rule = env.names.thing(thing)
    return Alarm(
        kind=KINDS["schedule-failing"],
        subject=thing,
        about=f"the schedule {rule}",
        sink=sink,
        looks_at=Metric(namespace="AWS/Events", name="FailedInvocations", dimensions={"RuleName": rule}),
    )
