"""The program: producers -> stream -> sinks -> BigQuery, with dead letters and books kept on the way.

Run by `pulumi up` against the clouds, and by `sluice local`, `sluice demo` and `sluice graph` on a laptop.
"""

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.exports import export
from infra.federation import Federation
from infra.google_apis import GoogleApis
from infra.ledger import Ledger
from infra.one_line_errors import one_line_errors
from infra.pipeline_file import chosen_pipeline
from infra.sink_function import Sink, SinkFunction
from infra.stream import Stream
from infra.warehouse import Warehouse

with one_line_errors():
    env = Environment.load()
    path, pipeline = chosen_pipeline()

    stream = Stream("stream", env)
    dead_letters = DeadLetters("dead-letters", env)
    ledger = Ledger("ledger", env)

    bigquery_role = env.names.sink("bigquery")
    apis = GoogleApis("google-apis", env)
    federation = Federation("federation", env, roles=[bigquery_role], after=[apis])
    warehouse = Warehouse(
        "warehouse", env, pipeline=pipeline, writers=[federation.principal(bigquery_role)], after=[apis]
    )

    bigquery_sink = SinkFunction(
        "bigquery-sink",
        env,
        Sink(
            sink="bigquery",
            function="bigquery_sink",
            settings=env.settings.bigquery_sink,
            stream=stream,
            dead_letters=dead_letters,
            ledger=ledger,
            pipeline=path,
            environment={
                "SLUICE_BIGQUERY_PROJECT": env.settings.google_project,
                "SLUICE_BIGQUERY_DATASET": warehouse.dataset,
                "SLUICE_GOOGLE_CREDENTIALS": federation.credentials,
            },
            after=[warehouse, federation],
        ),
    )

    export(
        env=env,
        stream=stream,
        dead_letters=dead_letters,
        ledger=ledger,
        warehouse=warehouse,
        sinks={"bigquery": bigquery_sink},
    )
