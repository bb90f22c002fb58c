"""The audit by the clock: a function that reads the books, and nothing that a sink holds."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pulumi

from infra.clock import every
from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.firehose_sink import FirehoseSink
from infra.function import Code, Function
from infra.ledger import Ledger
from infra.policy import allow, everywhere
from infra.sink_function import SinkFunction

TOLD: Final = (
    *("function", "stream", "parallelization", "mapping", "filtered"),
    *("firehose", "bucket", "errors"),
)
"""What the function is told of each sink: as the stack exports it."""

Sinks = Mapping[str, SinkFunction | FirehoseSink]


class Auditor(pulumi.ComponentResource):
    """The function, its rule, and rights to read: the ledger, streams, metrics, and what was given up."""

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        dead_letters: DeadLetters,
        ledger: Ledger,
        sinks: Sinks,
        pipeline: str,
    ) -> None:
        super().__init__("sluice:infra:Auditor", name, None, env.component)
        settings = env.settings.auditor
        fed_by_lambda = (each for each in sinks.values() if isinstance(each, SinkFunction))
        letters = dead_letters if any(each.args.gives_up for each in fed_by_lambda) else None
        function = Function(
            name,
            env,
            self,
            Code(
                called=env.names.thing("auditor"),
                folder="auditor",
                description="Audits the books",
                duty="auditor",
                settings=settings,
                pipeline=pipeline,
                statements=[
                    allow("ReadTheLedger", ["dynamodb:Query"], ledger.table_arn),
                    *ledger.key.used_for("kms:Decrypt"),
                    everywhere(
                        "ReadMetrics",
                        ["cloudwatch:GetMetricStatistics"],
                        because="metrics are the account's: the call takes no resource",
                    ),
                    *_reading_streams(sinks),
                    *_reading_failures(sinks),
                    *(_reading_letters(letters) if letters else ()),
                ],
                environment={
                    "SLUICE_LEDGER_TABLE": ledger.table,
                    "SLUICE_AUDIT_SINKS": pulumi.Output.json_dumps(
                        {
                            sink: {
                                key: each.outputs[key] for key in TOLD if each.outputs.get(key) is not None
                            }
                            for sink, each in sinks.items()
                        }
                    ),
                    "SLUICE_AUDIT_HOURS": str(settings.hours),
                    "SLUICE_AUDIT_GRACE_MINUTES": str(settings.grace_minutes),
                    **({"SLUICE_DEAD_LETTER_QUEUE_URL": letters.queue_url} if letters else {}),
                },
                after=(),
            ),
        )
        every(
            name,
            env,
            self,
            minutes=settings.minutes,
            function=function,
            called="auditor",
            target="auditor",
            description="Audits the books",
        )
        self.register_outputs({"function": function.name})


def _reading_streams(sinks: Sinks) -> Iterator[dict[str, Any]]:
    streams = list({id(sink.stream): sink.stream for sink in sinks.values()}.values())
    yield allow(
        "ReadStreams",
        [
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ],
        *(stream.arn for stream in streams),
    )
    for stream in streams:
        yield from stream.key.used_for("kms:Decrypt")


def _reading_failures(sinks: Sinks) -> Iterator[dict[str, Any]]:
    """Let it know since when Firehoses are there, and what they could not deliver."""
    fed = [sink for sink in sinks.values() if isinstance(sink, FirehoseSink)]
    if not fed:
        return
    yield allow("KnowFirehoses", ["firehose:DescribeDeliveryStream"], *(sink.firehose.arn for sink in fed))
    bucket = fed[0].args.bucket
    prefixes = [str(sink.outputs["errors"]) for sink in fed]
    yield {
        **allow("ListFailures", ["s3:ListBucket"], bucket.arn),
        "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
    }
    yield allow(
        "ReadFailures",
        ["s3:GetObject"],
        *(pulumi.Output.concat(bucket.arn, f"/{prefix}*") for prefix in prefixes),
    )


def _reading_letters(letters: DeadLetters) -> Iterator[dict[str, Any]]:
    """Let it peek at dead letters: each is put back into sight, and stays."""
    yield allow(
        "PeekAtDeadLetters",
        ["sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        letters.queue_arn,
    )
    yield from letters.queue_key.used_for("kms:Decrypt")
