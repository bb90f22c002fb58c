"""Who reads which stream: no more fan-out consumers than Kinesis allows, and a warning of crowded shards.

Enhanced consumers each get 2 MB/s of a shard. Shared readers together get 2 MB/s and five reads a second.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi

from infra import limits
from infra.aggregator import SINK as WINDOWS
from infra.environment import Environment
from infra.search import SINK as SEARCH
from infra.settings import Settings
from infra.settings_functions import ConsumerSettings, RouteSettings, StreamReaderSettings, StreamSettings
from sluice.errors import SettingsError
from sluice.pipeline import Pipeline
from sluice.routes import Stream as StreamTarget

_MB = 1000
"""KB of one MB, as Kinesis counts them."""


@dataclass(frozen=True, kw_only=True)
class Readers:
    """One stream, and the sinks that read it: by name, and where the settings of each stand."""

    key: str
    stream: StreamSettings
    enhanced: tuple[tuple[str, str], ...]
    shared: tuple[tuple[str, str], ...]
    firehoses: tuple[tuple[str, str], ...] = ()
    """Shared readers for good: a Firehose cannot have a consumer of its own."""
    reserved: tuple[tuple[str, int, int], ...] = ()
    """Where the settings of each function with reserved concurrency stand, that, and its parallelization."""


def check_readers(env: Environment, pipeline: Pipeline) -> None:
    """Look at all streams; what is possible but slow is warned of.

    Raises:
        SettingsError: a stream would have more enhanced consumers than it may.
    """
    project, file = pulumi.get_project(), f"Pulumi.{env.stack}.yaml"
    for warning in crowded(env.settings, pipeline, project=project, file=file):
        pulumi.log.warn(warning)


def crowded(settings: Settings, pipeline: Pipeline, *, project: str, file: str) -> Iterator[str]:
    """Yield a line for each stream whose shared readers want more than its shards give.

    And one for each function that may not run as often at once as there are batches for it.

    Raises:
        SettingsError: a stream would have more enhanced consumers than it may.
    """
    for readers in _streams(settings, pipeline):
        _refuse_too_many(readers, project=project, file=file)
        yield from _crowded(readers, project=project)
        if readers.stream is not settings.stream or settings.adopt.stream is None:
            yield from _throttled(readers, project=project)


def _streams(settings: Settings, pipeline: Pipeline) -> Iterator[Readers]:
    routes: list[tuple[str, str, RouteSettings]] = [
        (route.name, f"routes.{route.name}", settings.route(route.name)) for route in pipeline.routes
    ]
    sinks: list[tuple[str, str, ConsumerSettings]] = [("bigquery", "bigquery_sink", settings.bigquery_sink)]
    if pipeline.metrics:
        sinks.append((WINDOWS, "aggregator", settings.aggregator))
    if settings.search_sink.mode != "none":
        sinks.append((SEARCH, "search_sink", settings.search_sink))
    firehoses = [(name, f"firehoses.{name}") for name in settings.firehoses]
    if settings.lake.enabled:
        firehoses.insert(0, ("lake", "lake"))
    yield _readers("stream", settings.stream, [*sinks, *routes], firehoses)
    for route, (_, key, given) in zip(pipeline.routes, routes, strict=True):
        if isinstance(route.to, StreamTarget):
            consumers = [
                (
                    route.consumer(each),
                    f"{key}.consumers.{each.folder}",
                    given.consumers.get(each.folder, StreamReaderSettings()),
                )
                for each in route.consumers
            ]
            yield _readers(f"{key}.stream", given.stream, consumers)


def _readers(
    key: str,
    stream: StreamSettings,
    sinks: Sequence[tuple[str, str, ConsumerSettings]],
    firehoses: Sequence[tuple[str, str]] = (),
) -> Readers:
    def those(kind: str) -> tuple[tuple[str, str], ...]:
        return tuple((sink, where) for sink, where, settings in sinks if settings.consumer == kind)

    return Readers(
        key=key,
        stream=stream,
        enhanced=those("enhanced"),
        shared=those("shared"),
        firehoses=tuple(firehoses),
        reserved=tuple(
            (where, settings.reserved_concurrency, getattr(settings, "parallelization", 1))
            for _, where, settings in sinks
            if settings.reserved_concurrency is not None
        ),
    )


def _refuse_too_many(readers: Readers, *, project: str, file: str) -> None:
    limit, count = readers.stream.enhanced_consumers_limit, len(readers.enhanced)
    if count <= limit:
        return
    several = f" and {count - limit - 1} more" if count > limit + 1 else ""
    raise SettingsError(
        f"{project}:{readers.key}.enhanced_consumers_limit is {limit}, and {count} sinks would read the"
        f" stream over enhanced consumers: set {project}:{readers.enhanced[-1][1]}.consumer{several} to"
        " shared, or, in an account with On-demand Advantage, the limit to"
        f" {limits.ENHANCED_CONSUMERS.accepts}; change it in {file}"
    )


def _throttled(readers: Readers, *, project: str) -> Iterator[str]:
    stream = readers.stream
    shards = stream.shards or limits.ON_DEMAND_SHARDS
    many = f"{shards} shards" if stream.shards else f"the {shards} shards that a stream on-demand starts with"
    for where, reserved, parallelization in readers.reserved:
        if reserved < shards * parallelization:
            each = f" with {parallelization} batches at once" if parallelization > 1 else ""
            yield (
                f"{project}:{where}.reserved_concurrency is {reserved}, fewer than {many}{each} keep busy:"
                f" nothing is lost, but the sink falls behind; set it to {shards * parallelization} or more"
            )


def _crowded(readers: Readers, *, project: str) -> Iterator[str]:
    shared, stream = (*readers.firehoses, *readers.shared), readers.stream
    start = f"{project}:{readers.key}: {len(shared)} shared readers ({', '.join(sink for sink, _ in shared)})"
    reads = len(shared) * limits.LAMBDA_POLLS_PER_SECOND
    if reads > limits.SHARED_READS_PER_SECOND:
        yield (
            f"{start} poll each shard {reads} times a second of {limits.SHARED_READS_PER_SECOND}: they wait"
            f" for each other; {_relief(readers, reads - limits.SHARED_READS_PER_SECOND, project)}"
        )
    expected = stream.expected_kilobytes_per_second
    shards = stream.shards if expected is not None and stream.shards else 1
    incoming = min(expected or shards * limits.SHARD_KILOBYTES_IN, shards * limits.SHARD_KILOBYTES_IN)
    wanted, given = len(shared) * incoming, shards * limits.SHARD_KILOBYTES_OUT
    if wanted <= given:
        return
    relief = _relief(readers, len(shared) - given // incoming, project)
    where = f"that {shards} shard{'s give' if shards > 1 else ' gives'}"
    more = f", or {project}:{readers.key}.shards to {math.ceil(wanted / limits.SHARD_KILOBYTES_OUT)}"
    if expected is None:
        where = "that a full shard gives"
        known = f"; if shards are never full, say so in {project}:{readers.key}.expected_kilobytes_per_second"
        more = known if stream.mode == "provisioned" else ""
    yield (
        f"{start} want {wanted / _MB:g} MB/s of the {given / _MB:g} MB/s {where}: they fall behind;"
        f" {relief}{more}"
    )


def _relief(readers: Readers, excess: int, project: str) -> str:
    """Say who could make room: mapped sinks can be given consumers of their own, Firehoses cannot."""
    movable = min(excess, len(readers.shared))
    parts = []
    if movable:
        several = f" and {movable - 1} more" if movable > 1 else ""
        parts.append(f"set {project}:{readers.shared[-1][1]}.consumer{several} to enhanced")
    if excess > movable:
        several = f" and {excess - movable - 1} more" if excess - movable > 1 else ""
        parts.append(f"do without {project}:{readers.firehoses[-1][1]}{several}")
    return ", and ".join(parts)
