"""The program: producers -> stream -> sinks -> BigQuery, windows and routes, with dead letters and books.

Run by `pulumi up` against the clouds, and by `sluice local`, `sluice demo` and `sluice graph` on a laptop.
"""

import pulumi

from infra.adoption import check_adopted
from infra.aggregator import SINK as WINDOWS
from infra.aggregator import Census, aggregator
from infra.alarms import Alarms
from infra.alarms_watched import Watched
from infra.auditor import Auditor
from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.exports import export
from infra.federation import Federation
from infra.firehoses import Firehoses, check_firehoses
from infra.google_apis import GoogleApis
from infra.ledger import Ledger
from infra.one_line_errors import one_line_errors
from infra.pipeline_file import chosen_pipeline
from infra.probe import Probe
from infra.readers import check_readers
from infra.report import Report
from infra.rollout import Rollout, check_rollout
from infra.routes import Routes, checked_routes
from infra.search import SINK as SEARCH
from infra.search import Search
from infra.secured import secured
from infra.sink_function import Sink, SinkFunction, retried_in_parts
from infra.stream import Stream
from infra.warehouse import Warehouse
from infra.window_publisher import WindowPublisher
from infra.windows import Windows

with one_line_errors():
    env = secured(Environment.load())
    path, pipeline = chosen_pipeline()
    patterns = checked_routes(env, pipeline)
    check_firehoses(env, pipeline)
    check_readers(env, pipeline)
    check_adopted(env, pipeline)
    check_rollout(env, pipeline)

    stream = Stream(
        "stream",
        env,
        called=env.names.thing("events"),
        settings=env.settings.stream,
        adopted=env.settings.adopted.stream,
    )
    dead_letters = DeadLetters("dead-letters", env)
    ledger = Ledger("ledger", env)
    windows = Windows("windows", env)

    bigquery_role, publisher_role = env.names.sink("bigquery"), env.names.publisher
    writers = [bigquery_role, publisher_role] if pipeline.metrics else [bigquery_role]
    apis = GoogleApis("google-apis", env)
    probing = [env.names.probe] if env.settings.probe.enabled else []
    federation = Federation("federation", env, roles=[*writers, *probing], after=[apis])
    warehouse = Warehouse(
        "warehouse",
        env,
        pipeline=pipeline,
        writers=[federation.writer(role) for role in writers],
        after=[apis],
    )
    to_bigquery: dict[str, dict[str, pulumi.Input[str]]] = {
        role: {
            "SLUICE_BIGQUERY_PROJECT": env.settings.google_project,
            "SLUICE_BIGQUERY_DATASET": warehouse.dataset,
            "SLUICE_GOOGLE_CREDENTIALS": federation.credentials(role),
        }
        for role in writers
    }

    sinks = {
        "bigquery": SinkFunction(
            "bigquery-sink",
            env,
            Sink(
                sink="bigquery",
                key="bigquery_sink",
                function="bigquery_sink",
                description="Delivers the stream's events to bigquery",
                settings=env.settings.bigquery_sink,
                stream=stream,
                dead_letters=dead_letters,
                ledger=ledger,
                pipeline=path,
                environment=to_bigquery[bigquery_role],
                parallelization=env.settings.bigquery_sink.parallelization,
                mapping=retried_in_parts(env.settings.bigquery_sink),
                after=[warehouse, federation],
            ),
        )
    }

    if pipeline.metrics:
        publisher = WindowPublisher(
            "window-publisher",
            env,
            windows=windows,
            pipeline=path,
            environment=to_bigquery[publisher_role],
            after=[warehouse, federation],
        )
        sinks[WINDOWS] = SinkFunction(
            "aggregator",
            env,
            aggregator(
                env,
                stream=stream,
                dead_letters=dead_letters,
                ledger=ledger,
                windows=windows,
                readers=[publisher.function],
                pipeline=pipeline,
                path=path,
            ),
        )
        Census("census", env, aggregator=sinks[WINDOWS])

    search = None
    if env.settings.search_sink.mode != "none":
        search = Search("search", env, pipeline=pipeline, path=path)
        sinks[SEARCH] = SinkFunction(
            "search-sink", env, search.sink(stream=stream, dead_letters=dead_letters, ledger=ledger)
        )

    routes = Routes(
        env=env,
        pipeline=pipeline,
        path=path,
        patterns=patterns,
        stream=stream,
        dead_letters=dead_letters,
        ledger=ledger,
    )
    routes.declare()
    sinks |= routes.sinks

    firehoses = Firehoses(
        env=env, pipeline=pipeline, path=path, stream=stream, dead_letters=dead_letters, ledger=ledger
    )
    firehoses.declare()

    if env.settings.auditor.enabled:
        Auditor(
            "auditor",
            env,
            dead_letters=dead_letters,
            ledger=ledger,
            sinks={**sinks, **firehoses.sinks},
            pipeline=path,
        )

    report = None
    if env.settings.report.auth != "none":
        report = Report(
            "report",
            env,
            stream=stream,
            dead_letters=dead_letters,
            ledger=ledger,
            windows=windows,
            sinks={**sinks, **firehoses.sinks},
            pipeline=path,
        )

    probe = None
    if probing:
        probe = Probe("probe", env, federation=federation, warehouse=warehouse, pipeline=path)

    alarms = None
    if env.settings.alarms.enabled:
        watched = Watched(env=env, pipeline=pipeline, stream=stream, sinks={**sinks, **firehoses.sinks})
        alarms = Alarms("alarms", env, watched=watched)

    rollout = None
    in_steps = {name: sink for name, sink in sinks.items() if sink.alias}
    if alarms and in_steps:
        rollout = Rollout("rollout", env, sinks=in_steps, guards=alarms.guards)

    export(
        env=env,
        stream=stream,
        dead_letters=dead_letters,
        ledger=ledger,
        windows=windows,
        warehouse=warehouse,
        sinks={**sinks, **firehoses.sinks},
        routes=routes.outputs,
        report=report,
        lake=firehoses.outputs or None,
        search=search.outputs if search else None,
        probe=probe.outputs if probe else None,
        alarms=alarms.outputs if alarms else None,
        rollout=rollout.outputs if rollout else None,
    )
