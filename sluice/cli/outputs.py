"""What a deployed stack, or the local cloud, says about itself: the program's exports."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sluice.errors import NoCloud

DAYS = 400
"""How long windows are kept, unless a stack says otherwise."""

_TEXTS = (
    "environment",
    "region",
    "stream_name",
    "dead_letter_queue_url",
    "dead_letter_bucket",
    "ledger_table",
    "bigquery_project",
    "bigquery_dataset",
    "bigquery_views_dataset",
)
"""Exports that every stack has."""


ENHANCED = "enhanced"
"""How a sink reads, unless a stack says otherwise: over a fan-out consumer of its own."""

FIREHOSE = "firehose"
"""How a sink reads that a Firehose feeds: the Firehose is the stream's reader, and invokes the function."""

WINDOWS = "windows"
"""The sink that counts events into windows instead of keeping rows; infra/aggregator.py calls it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOutputs:
    """One sink: its Lambda function, and how that is fed.

    `consumer` is the ARN of its fan-out consumer, None where it is a shared reader. `parallelization` is how
    many batches of a shard run at once, `stream` the name of the Kinesis stream that it reads (None: of a
    stack that was deployed before there were routes), `filtered` whether Lambda drops what does not match,
    `route` the route that it belongs to, `alias` what its code is rolled out by.

    A sink that a Firehose feeds (`reads` is FIREHOSE) has no mapping: `firehose` is the one that reads the
    stream, `redrive` the one that redriven records are put to, `destination` what both deliver to. What they
    could not deliver lies in `bucket` under `errors`, a prefix that ends in a slash.
    """

    function: str
    consumer: str | None = None
    mapping: str | None = None
    parallelization: int = 1
    reads: str = ENHANCED
    stream: str | None = None
    filtered: bool = False
    route: str | None = None
    alias: str | None = None
    firehose: str | None = None
    redrive: str | None = None
    destination: str | None = None
    bucket: str | None = None
    errors: str | None = None

    @property
    def invoked(self) -> str:
        """What to invoke: the function, by its alias if it has one."""
        return f"{self.function}:{self.alias}" if self.alias else self.function

    @classmethod
    def parse(cls, sink: Mapping[str, Any]) -> Self:
        """Read what a stack exports of one sink."""
        return cls(
            function=str(sink["function"]),
            consumer=sink.get("consumer"),
            mapping=sink.get("mapping"),
            parallelization=int(sink.get("parallelization") or 1),
            reads=str(sink.get("reads") or ENHANCED),
            stream=sink.get("stream"),
            filtered=bool(sink.get("filtered")),
            route=sink.get("route"),
            alias=sink.get("alias"),
            firehose=sink.get("firehose"),
            redrive=sink.get("redrive"),
            destination=sink.get("destination"),
            bucket=sink.get("bucket"),
            errors=sink.get("errors"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutputs:
    """Where events can be searched.

    `endpoint` is a URL, `service` what its requests are signed for (es, or aoss for a serverless collection),
    `prefix` what the names of indices and aliases begin with, `domain` the domain's name if the program has
    made one.
    """

    endpoint: str
    service: str
    prefix: str
    domain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeOutputs:
    """The lake: its `bucket`, and the Glue databases of its tables and of the views that analysts read.

    `workgroup` is Athena's, through which the views are queried.
    """

    bucket: str
    database: str
    views_database: str
    workgroup: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOutputs:
    """Where a route leads: `target` is function, stream, queue or firehose, `name` what that is called.

    A queue has a `url`; a Firehose's objects lie in `bucket` under `prefix`.
    """

    target: str
    name: str
    url: str | None = None
    bucket: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOutputs:
    """How new code is rolled out: CodeDeploy's application, and its deployment group for each sink."""

    application: str
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The program's exports that commands need, by the names under which it exports them.

    `windows_table` and `claims_table` are None of a stack that was deployed before there were metrics;
    `search`, `lake` and `probe` are None where those are off.
    """

    environment: str
    region: str
    stream_name: str
    dead_letter_queue_url: str
    dead_letter_bucket: str
    ledger_table: str
    bigquery_project: str
    bigquery_dataset: str
    bigquery_views_dataset: str
    sinks: Mapping[str, SinkOutputs]
    routes: Mapping[str, RouteOutputs] = field(default_factory=dict)
    windows_table: str | None = None
    claims_table: str | None = None
    window_days: int = DAYS
    """How long windows are kept."""
    search: SearchOutputs | None = None
    lake: LakeOutputs | None = None
    probe: Mapping[str, Any] | None = None
    """What the stack says of its probe; who probes reads it (sluice/probe/ground.py)."""
    rollout: RolloutOutputs | None = None
    """None where all code changes at once."""
    alarm_topic: str | None = None
    """ARN of the topic that alarms ring at; None where there are no alarms."""

    @classmethod
    def parse(cls, exports: Mapping[str, Any], *, source: str) -> Self:
        """Read the exports; raises NoCloud naming what `source` does not export."""
        missing = [name for name in (*_TEXTS, "sinks") if not exports.get(name)]
        if missing:
            raise NoCloud(
                f"{source} does not export {', '.join(missing)}: deploy this version of the program there"
            )
        sinks = {name: SinkOutputs.parse(sink) for name, sink in exports["sinks"].items()}
        routes = {
            name: RouteOutputs(
                target=str(route["target"]),
                name=str(route["name"]),
                url=route.get("url"),
                bucket=route.get("bucket"),
                prefix=route.get("prefix"),
            )
            for name, route in (exports.get("routes") or {}).items()
        }
        search, lake = exports.get("search"), exports.get("lake")
        rollout = exports.get("rollout")
        return cls(
            **{name: str(exports[name]) for name in _TEXTS},
            sinks=sinks,
            routes=routes,
            windows_table=exports.get("windows_table"),
            claims_table=exports.get("claims_table"),
            window_days=int(exports.get("window_days") or DAYS),
            search=SearchOutputs(**_known(search, SearchOutputs)) if search else None,
            lake=LakeOutputs(**_known(lake, LakeOutputs)) if lake else None,
            probe=exports.get("probe"),
            rollout=RolloutOutputs(application=rollout["application"], groups=rollout["groups"])
            if rollout
            else None,
            alarm_topic=(exports.get("alarms") or {}).get("topic"),
        )


def _known(exported: Mapping[str, Any], kind: type[SearchOutputs | LakeOutputs]) -> dict[str, Any]:
    """What this version knows of an export: a newer program may say more."""
    return {each.name: exported[each.name] for each in fields(kind) if exported.get(each.name) is not None}
