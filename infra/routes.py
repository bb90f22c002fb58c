"""Routes: a function for each on the stream, what it leads to, and who reads a route's own stream.

A function's predicate decides; a filter on its mapping only keeps what cannot match from costing invocations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import pulumi

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.function_locks import functions
from infra.ledger import Ledger
from infra.names import dashed
from infra.policy import allow
from infra.route_firehose import RouteFirehose, RoutesBucket
from infra.route_queue import RouteQueue
from infra.settings_functions import RouteSettings, SinkSettings, StreamReaderSettings
from infra.sink_function import Sink, SinkFunction, retried_in_parts
from infra.stream import Stream
from sluice.errors import ContractError, SettingsError
from sluice.patterns import compile_route
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route
from sluice.routes import Stream as StreamTarget

ROUTER: Final = "router"
"""The folder of the function that sends events on: to a stream, a queue or a Firehose."""

_OWN: Final = frozenset(
    {
        "aggregator",
        "auditor",
        "bigquery_sink",
        "firehose_sink",
        "lake_setup",
        "probe",
        "report",
        ROUTER,
        "search_setup",
        "search_sink",
        "window_publisher",
    }
)
"""Folders under functions/ that are not for routes to lead to."""

_SECTIONS: Final = {"stream": StreamTarget, "consumers": StreamTarget, "queue": Queue, "firehose": Firehose}
"""Sections of a route's settings, and the target that each is about."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a route leads to: what its function is told, may do and waits for, and what is exported."""

    outputs: Mapping[str, pulumi.Input[Any]]
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    statements: Sequence[dict[str, Any]] = ()
    after: Sequence[pulumi.Resource] = ()
    stream: Stream | None = None


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Declares the routes of a pipeline; `sinks` and `outputs` are complete afterwards."""

    env: Environment
    pipeline: Pipeline
    path: str
    patterns: Mapping[str, Sequence[str]]
    stream: Stream
    dead_letters: DeadLetters
    ledger: Ledger
    sinks: dict[str, SinkFunction] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, pulumi.Input[Any]]] = field(default_factory=dict)

    def declare(self) -> None:
        """Declare functions, targets and consumers, route by route."""
        objects = self._bucket()
        for route in self.pipeline.routes:
            target = self._target(route, objects)
            settings = _hurried(route, self.env.settings.route(route.name))
            folder = route.to.folder if isinstance(route.to, Function) else ROUTER
            # What reads the route's stream has its new code before what writes to it: it would refuse the
            # fields that it does not know yet.
            readers = [
                self._sink(
                    route,
                    sink=route.consumer(consumer),
                    key=f"routes.{route.name}.consumers.{consumer.folder}",
                    function=consumer.folder,
                    description=f"Reads the stream of the route {route.name}",
                    settings=settings.consumers.get(consumer.folder, StreamReaderSettings()),
                    stream=target.stream,
                    environment={},
                    after=[],
                ).function.function
                for consumer in (route.consumers if target.stream is not None else ())
            ]
            sink = self._sink(
                route,
                sink=route.name,
                key=f"routes.{route.name}",
                function=folder,
                description=f"Takes the events of the route {route.name}",
                settings=settings,
                stream=self.stream,
                environment=target.environment,
                statements=target.statements,
                patterns=self.patterns[route.name],
                after=[*target.after, *readers],
            )
            for name in route.sinks:  # the route itself is told of first
                self.sinks[name] = self.sinks.pop(name)
            self.outputs[route.name] = {"name": sink.function.name, **target.outputs}

    def _sink(
        self,
        route: Route,
        *,
        sink: str,
        settings: SinkSettings,
        environment: Mapping[str, pulumi.Input[str]],
        **more: Any,
    ) -> SinkFunction:
        self.sinks[sink] = SinkFunction(
            f"route-{dashed(sink)}",
            self.env,
            Sink(
                sink=sink,
                route=route.name,
                settings=settings,
                dead_letters=self.dead_letters,
                ledger=self.ledger,
                pipeline=self.path,
                environment={"SLUICE_ROUTE": route.name, **environment},
                parallelization=settings.parallelization,
                mapping=retried_in_parts(settings),
                **more,
            ),
        )
        return self.sinks[sink]

    def _bucket(self) -> RoutesBucket | None:
        days = {
            route.name: self.env.settings.route(route.name).firehose.object_days
            for route in self.pipeline.routes
            if isinstance(route.to, Firehose)
        }
        return RoutesBucket("routes", self.env, days=days) if days else None

    def _target(self, route: Route, objects: RoutesBucket | None) -> Target:
        name, env, settings = f"target-{dashed(route.name)}", self.env, self.env.settings.route(route.name)
        called = env.names.target(route.name)
        match route.to:
            case StreamTarget():
                adopted = env.settings.adopted.route_streams.get(route.name)
                stream = Stream(name, env, called=called, settings=settings.stream, adopted=adopted)
                return Target(
                    outputs={"target": "stream", "name": stream.name},
                    environment={"SLUICE_TARGET_STREAM": stream.name},
                    statements=[
                        allow("SendToTheStream", ["kinesis:PutRecords"], stream.arn),
                        *stream.target_key.used_for("kms:GenerateDataKey"),
                    ],
                    after=[stream],
                    stream=stream,
                )
            case Queue(fifo=fifo):
                box: RouteQueue | RouteFirehose = RouteQueue(
                    name, env, called=called, fifo=fifo, settings=settings.queue
                )
            case Firehose() if objects is not None:
                box = RouteFirehose(
                    name, env, route=route.name, called=called, objects=objects, settings=settings.firehose
                )
            case _:
                return Target(outputs={"target": "function"})
        return Target(
            outputs=box.outputs, environment=box.environment, statements=box.statements, after=[box]
        )


def _hurried(route: Route, settings: RouteSettings) -> RouteSettings:
    """Let what is only half-way, to a stream that others read, wait for no more records unless told to."""
    if not isinstance(route.to, StreamTarget) or "batching_window_seconds" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"batching_window_seconds": 0})


def checked_routes(env: Environment, pipeline: Pipeline) -> dict[str, Sequence[str]]:
    """Compile the filter patterns of all routes, before anything is declared.

    Raises:
        SettingsError: the settings name a route, a consumer or a target that the pipeline does not have.
        ContractError: a route leads to no folder of the user's, or its patterns are beyond Lambda's limits.
    """
    _check_settings(env, pipeline)
    _check_folders(pipeline)
    kinds = {route.name: env.settings.route(route.name).consumer for route in pipeline.routes}
    return {
        route.name: compile_route(route, pipeline.contract, enhanced=kinds[route.name] == "enhanced").patterns
        for route in pipeline.routes
    }


def _check_settings(env: Environment, pipeline: Pipeline) -> None:
    routes = {route.name: route for route in pipeline.routes}
    for name, settings in env.settings.routes.items():
        if name not in routes:
            raise _refusal(env, f"routes.{name}", "no route of the pipeline", name, list(routes))
        route = routes[name]
        for section in settings.model_fields_set & _SECTIONS.keys():
            if not isinstance(route.to, _SECTIONS[section]):
                raise SettingsError(
                    f"{pulumi.get_project()}:routes.{name}.{section} is set, and the route leads to a"
                    f" {type(route.to).__name__}: drop it from Pulumi.{env.stack}.yaml, or lead the route to"
                    f" a {_SECTIONS[section].__name__} in the pipeline"
                )
        folders = [each.folder for each in route.consumers]
        for folder in settings.consumers:
            if folder not in folders:
                key = f"routes.{name}.consumers.{folder}"
                raise _refusal(env, key, "no consumer of the route's stream", folder, folders)


def _check_folders(pipeline: Pipeline) -> None:
    yours = sorted(set(functions()) - _OWN)
    for route in pipeline.routes:
        for to in (route.to, *route.consumers):
            if isinstance(to, Function) and to.folder not in yours:
                what = "is Sluice's own" if to.folder in _OWN else "has no handler.py"
                there = f"there are {', '.join(yours)}" if yours else "there are none yet"
                raise ContractError(
                    f"route {route.name!r}: functions/{to.folder} {what}: lead it to a folder of yours"
                    f" ({there}), or make it as docs/routes.md shows"
                )


def _refusal(env: Environment, key: str, what: str, given: str, there: Sequence[str]) -> SettingsError:
    near = get_close_matches(given, there, n=1)
    known = f"there are {', '.join(there)};" if there else "there are none;"
    hint = f"did you mean {near[0]}?" if near else known
    return SettingsError(
        f"{pulumi.get_project()}:{key} is {what}: {hint} change it in Pulumi.{env.stack}.yaml"
    )
