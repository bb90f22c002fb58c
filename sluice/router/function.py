"""The Lambdas of routes, put together from their environment."""

import os
from collections.abc import Mapping
from typing import Any

from sluice.delivery import clients
from sluice.delivery.environment import required
from sluice.delivery.function import Handler, handler_of
from sluice.errors import SettingsError
from sluice.pipeline import Pipeline
from sluice.producer import put_record_batch, put_records
from sluice.router.queue import QueueTarget
from sluice.router.sink import RouteSink, Target
from sluice.router.streams import FirehoseTarget, KeyedRecord, Put, StreamTarget
from sluice.router.taking import Take, Taking
from sluice.routes import Firehose, Queue, Route, Stream


def routed(pipeline: Pipeline, take: Take, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler that hands the events of a route to `take`, in the order of the stream.

    It reads the pipeline's stream or the route's own. `take` gets events for which the route's SQL is TRUE,
    and returns None when it took them all, or for each event DELIVERED, SKIPPED, Rejected(...) or Retry(...).

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    route = _route(pipeline, environ)
    return _handler(pipeline, route, Taking(take), environ)


def router(pipeline: Pipeline, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler that feeds the stream, the queue or the Firehose of a route.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    route = _route(pipeline, environ)
    return _handler(pipeline, route, _target(route, environ), environ)


def _handler(pipeline: Pipeline, route: Route, target: Target[Any], environ: Mapping[str, str]) -> Handler:
    sink = RouteSink(environ.get("SLUICE_SINK") or route.name, route, target)
    return handler_of(pipeline.contract, sink, environ)


def _route(pipeline: Pipeline, environ: Mapping[str, str]) -> Route:
    name = required(environ, "SLUICE_ROUTE")
    for route in pipeline.routes:
        if route.name == name:
            return route
    known = ", ".join(route.name for route in pipeline.routes) or "none"
    raise SettingsError(f"SLUICE_ROUTE is {name!r}, and the routes of pipeline.py are: {known}; deploy again")


def _target(route: Route, environ: Mapping[str, str]) -> Target[Any]:
    match route.to:
        case Stream():
            return StreamTarget(_put(required(environ, "SLUICE_TARGET_STREAM")))
        case Queue(fifo=fifo):
            url = required(environ, "SLUICE_TARGET_QUEUE_URL")
            return QueueTarget(clients.sqs, url, route=route.name, fifo=fifo)
        case Firehose():
            return FirehoseTarget(_put_lines(required(environ, "SLUICE_TARGET_FIREHOSE")))
        case _:
            raise SettingsError(
                f"route {route.name!r} leads to functions/{route.to.folder}: deploy that folder for it, with"
                " a handler made by `routed(pipeline, take)`"
            )


def _put(stream: str) -> Put[KeyedRecord]:
    return lambda records, deadline: put_records(
        clients.kinesis(), stream, records, remaining=deadline.remaining
    )


def _put_lines(firehose: str) -> Put[bytes]:
    return lambda lines, deadline: put_record_batch(
        clients.firehose(), firehose, lines, remaining=deadline.remaining
    )
