"""Alarms of what holds things: streams, tables, queues, a search domain, the Firehoses of routes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from infra.adoption import name_of
from infra.alarm import Alarm, Formula, Metric, of_queue, of_stream, of_table
from infra.alarm_kinds import KINDS
from infra.alarms_functions import HUNDRED
from infra.alarms_sinks import delivery_late
from infra.environment import Environment
from infra.route_queue import FIFO
from infra.search import SINK as SEARCH
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Queue
from sluice.routes import Stream as StreamTarget

if TYPE_CHECKING:
    from infra.settings_adoption import Adopted

_DAY_SECONDS: Final = 86_400
_MB_OF_GB: Final = 1024


def streams(env: Environment, pipeline: Pipeline, main: str) -> dict[str, str]:
    """Return all streams of an environment: the name of each by its route, the main one's by no route."""
    adopted = env.settings.adopted.route_streams
    return {"": main} | {
        route.name: name_of(adopted[route.name]) if route.name in adopted else env.names.target(route.name)
        for route in pipeline.routes
        if isinstance(route.to, StreamTarget)
    }


def of_streams(env: Environment, named: Mapping[str, str], shared: Iterable[str]) -> Iterator[Alarm]:
    """Watch streams; `shared` are the names of those that somebody reads without a consumer of his own."""
    alarms, crowded = env.settings.alarms, frozenset(shared)
    for subject, stream in named.items():
        yield Alarm(
            kind=KINDS["stream-write-throttled"],
            subject=subject,
            about=f"the stream {stream}",
            looks_at=of_stream("WriteProvisionedThroughputExceeded", stream),
            threshold=alarms.write_throttles,
        )
        if stream in crowded:
            yield Alarm(
                kind=KINDS["stream-read-throttled"],
                subject=subject,
                about=f"the stream {stream}",
                looks_at=of_stream("ReadProvisionedThroughputExceeded", stream),
                threshold=alarms.read_throttles,
            )


def tables(env: Environment, *, metrics: bool) -> dict[str, str]:
    """Return the tables that are written to: the ledger, and with metrics the windows and claims."""
    adopted = env.settings.adopted
    given: dict[str, Adopted | None] = {"ledger": adopted.ledger}
    if metrics:
        given |= {"windows": adopted.windows, "claims": adopted.claims}
    return {
        thing: env.names.thing(thing) if table is None else name_of(table) for thing, table in given.items()
    }


def of_tables(env: Environment, *, metrics: bool) -> Iterator[Alarm]:
    """Watch the tables that are written to."""
    for thing, name in tables(env, metrics=metrics).items():
        yield Alarm(
            kind=KINDS["table-throttled"],
            subject=thing,
            about=f"the table {name}",
            looks_at=Formula(
                expression="FILL(reads, 0) + FILL(writes, 0)",
                metrics={
                    "reads": (of_table("ReadThrottleEvents", name), "Sum"),
                    "writes": (of_table("WriteThrottleEvents", name), "Sum"),
                },
            ),
            threshold=env.settings.alarms.table_throttles,
        )


def of_queues(env: Environment, pipeline: Pipeline) -> Iterator[Alarm]:
    """Watch the dead letters, and the queues of routes, whose readers are their owners'."""
    alarms, adopted = env.settings.alarms, env.settings.adopted.dead_letter_queue
    letters = name_of(adopted) if adopted is not None else env.names.thing("dead-letters")
    yield Alarm(
        kind=KINDS["dead-letters-waiting"],
        about=f"the queue {letters}",
        looks_at=of_queue("ApproximateNumberOfMessagesVisible", letters),
        threshold=alarms.waiting_letters,
        periods=alarms.waiting_periods,
    )
    queues = {"dead_letters": (letters, env.settings.dead_letters.retention_days)} | {
        route.name: (
            f"{env.names.target(route.name)}{FIFO if route.to.fifo else ''}",
            env.settings.route(route.name).queue.retention_days,
        )
        for route in pipeline.routes
        if isinstance(route.to, Queue)
    }
    for subject, (queue, days) in queues.items():
        yield Alarm(
            kind=KINDS["queue-expiring"],
            subject=subject,
            about=f"the queue {queue}",
            looks_at=of_queue("ApproximateAgeOfOldestMessage", queue),
            threshold=days * _DAY_SECONDS * alarms.retention_percent / HUNDRED,
        )


def of_search_domain(env: Environment) -> Iterator[Alarm]:
    """Watch the domain that the program makes; one that exists is watched by who made it."""
    domain = env.settings.search_domain
    free = domain.volume_gb * _MB_OF_GB * env.settings.alarms.disk_percent / HUNDRED
    for kind, metric, most in (
        ("search-red", "ClusterStatus.red", 0.0),
        ("search-blocked", "ClusterIndexWritesBlocked", 0.0),
        ("search-disk", "FreeStorageSpace", free),
    ):
        dimensions = {"DomainName": env.names.prefix, "ClientId": env.settings.aws_account_id}
        yield Alarm(
            kind=KINDS[kind],
            about=f"the domain {env.names.prefix}",
            sink=SEARCH if KINDS[kind].within else None,
            looks_at=Metric(namespace="AWS/ES", name=metric, dimensions=dimensions),
            threshold=most,
        )


def route_firehoses(env: Environment, pipeline: Pipeline) -> dict[str, str]:
    """Return the Firehoses that routes lead to, by the route's name."""
    return {
        route.name: env.names.target(route.name)
        for route in pipeline.routes
        if isinstance(route.to, Firehose)
    }


def of_route_firehoses(env: Environment, pipeline: Pipeline) -> Iterator[Alarm]:
    """Watch the Firehoses of routes; each delivers what its route's sink has put there."""
    for route, firehose in route_firehoses(env, pipeline).items():
        yield delivery_late(
            env,
            route,
            firehose,
            provider="extended_s3",
            buffered=env.settings.route(route).firehose.buffer_seconds,
            sink=route,
        )
