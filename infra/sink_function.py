"""A sink: a function with a role of its own, and the mapping that feeds it from a stream.

An *enhanced* sink has a fan-out consumer of its own; a *shared* one reads what a shard gives to all readers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra import limits
from infra.adoption import WRITE_ITEMS
from infra.alias import alias
from infra.dead_letters import PREFIX, DeadLetters
from infra.environment import Environment, Network
from infra.function import Code, Function
from infra.ledger import Ledger
from infra.policy import allow
from infra.settings_functions import ConsumerSettings, SinkSettings
from infra.stream import Stream, reading

LEDGER_ACTIONS: Final = ("dynamodb:Query", "dynamodb:UpdateItem")


@dataclass(frozen=True, kw_only=True)
class Sink:
    """What a sink is made of.

    `key` is where its settings stand. `mapping` is what its event-source mapping has beyond the settings that
    all have, `patterns` what Lambda lets through (any of them; none: everything), `statements` what its role
    may do beyond what every sink does.
    """

    sink: str
    key: str
    function: str
    description: str
    settings: ConsumerSettings
    stream: Stream
    dead_letters: DeadLetters
    ledger: Ledger
    pipeline: str
    environment: Mapping[str, pulumi.Input[str]]
    mapping: Mapping[str, Any]
    parallelization: int = 1
    route: str | None = None
    patterns: Sequence[str] = ()
    ledger_actions: Sequence[str] = LEDGER_ACTIONS
    statements: Sequence[dict[str, Any]] = field(default=())
    after: Sequence[pulumi.Resource]
    role: aws.iam.Role | None = None
    network: Network | None = None

    @property
    def gives_up(self) -> bool:
        """Whether Lambda may give up a batch: then a pointer in the dead letters says so, and no ledger."""
        bounds = ("maximum_retry_attempts", "maximum_record_age_in_seconds")
        return any(self.mapping[bound] != -1 for bound in bounds)


def retried_in_parts(settings: SinkSettings) -> dict[str, Any]:
    """Mapping of a sink that answers per record: Lambda retries from the lowest one that failed."""
    return {
        "parallelization_factor": settings.parallelization,
        "maximum_retry_attempts": settings.retry_attempts,
        "maximum_record_age_in_seconds": settings.max_record_age_seconds,
        "bisect_batch_on_function_error": settings.bisect,
        "function_response_types": ["ReportBatchItemFailures"],
    }


def told(
    env: Environment, sink: str, parallelization: int, dead_letters: DeadLetters, ledger: Ledger
) -> dict[str, pulumi.Input[str]]:
    """Environment of every sink's function: who it is, and where its books and dead letters go."""
    return {
        "SLUICE_SINK": sink,
        "SLUICE_PARALLELIZATION": str(parallelization),
        "SLUICE_LEDGER_TABLE": ledger.table,
        "SLUICE_LEDGER_DAYS": str(env.settings.ledger.days),
        "SLUICE_DEAD_LETTER_QUEUE_URL": dead_letters.queue_url,
        "SLUICE_DEAD_LETTER_BUCKET": dead_letters.bucket,
    }


def keeping_books(
    sink: str, dead_letters: DeadLetters, ledger: Ledger, ledger_actions: Sequence[str] = LEDGER_ACTIONS
) -> list[dict[str, Any]]:
    """Let a sink's function send dead letters, and write its ledger."""
    payloads = pulumi.Output.concat(dead_letters.bucket_arn, f"/{PREFIX}/{sink}/*")
    return [
        allow("SendDeadLetters", ["sqs:SendMessage"], dead_letters.queue_arn),
        allow("KeepLargePayloads", ["s3:PutObject"], payloads),
        allow("KeepTheLedger", ledger_actions, ledger.table_arn),
        *dead_letters.queue_key.used_for("kms:Decrypt", "kms:GenerateDataKey"),
        *dead_letters.bucket_key.used_for("kms:Decrypt", "kms:GenerateDataKey"),
        *ledger.key.used_for(*WRITE_ITEMS),
    ]


class SinkFunction(pulumi.ComponentResource):
    """One sink, and how it is fed."""

    def __init__(self, name: str, env: Environment, args: Sink) -> None:
        super().__init__("sluice:infra:SinkFunction", name, None, env.component)
        self._resource, self._env, self.args = name, env, args
        self._warn_when_a_killer_would_hold_its_shard()
        self.stream = args.stream
        called, in_steps = env.names.sink(args.sink), env.settings.rollout.takes(args.sink)
        self.consumer = (
            args.stream.consumer(f"{name}-consumer", called=called, parent=self)
            if args.settings.consumer == "enhanced"
            else None
        )
        self.function = Function(
            name,
            env,
            self,
            Code(
                called=called,
                folder=args.function,
                description=args.description,
                duty=f"{args.sink} sink",
                settings=args.settings,
                pipeline=args.pipeline,
                statements=self._statements(),
                environment={
                    **told(env, args.sink, args.parallelization, args.dead_letters, args.ledger),
                    **args.environment,
                },
                after=args.after,
                role=args.role,
                network=args.network,
                publish=in_steps,
            ),
        )
        self.alias = alias(name, self, self.function.function) if in_steps else None
        self.mapping = self._mapping()
        self.outputs = {
            "function": self.function.name,
            "consumer": self.consumer.arn if self.consumer else None,
            "mapping": self.mapping.uuid,
            "parallelization": args.parallelization,
            "reads": args.settings.consumer,
            "stream": args.stream.name,
            "filtered": bool(args.patterns),
            "route": args.route,
            "alias": self.alias.name if self.alias else None,
        }
        self.register_outputs(self.outputs)

    def _warn_when_a_killer_would_hold_its_shard(self) -> None:
        batch = self.args.settings.batch_size
        if batch > limits.BATCH_FOR_A_MINUTE:
            pulumi.log.warn(
                f"{self.args.key}.batch_size is {batch}: to find a record that kills the function"
                " among so many may hold its shard for more than a minute;"
                f" {limits.BATCH_FOR_A_MINUTE} or less keeps it within one"
            )

    def _statements(self) -> list[dict[str, Any]]:
        args = self.args
        return [
            *reading([args.stream.arn], [self.consumer.arn] if self.consumer else []),
            *args.stream.key.used_for("kms:Decrypt"),
            *keeping_books(args.sink, args.dead_letters, args.ledger, args.ledger_actions),
            *args.statements,
        ]

    def _mapping(self) -> aws.lambda_.EventSourceMapping:
        """Feed the function; the mapping holds the checkpoint, so it is kept as data is.

        Another consumer or starting position replaces a mapping and loses its checkpoint. The old one goes
        first: Lambda refuses two mappings of one function on one consumer.

        What a filter drops shows in the mapping's own counts alone, which CloudWatch keeps when asked to.
        """
        args, settings = self.args, self.args.settings
        filtered: dict[str, Any] = (
            {
                "filter_criteria": {"filters": [{"pattern": pattern} for pattern in args.patterns]},
                "metrics_config": {"metrics": ["EventCount"]},
            }
            if args.patterns
            else {}
        )
        return aws.lambda_.EventSourceMapping(
            f"{self._resource}-mapping",
            event_source_arn=self.consumer.arn if self.consumer else args.stream.arn,
            function_name=self.alias.arn if self.alias else self.function.arn,
            enabled=settings.enabled,
            starting_position=settings.starting_position,
            starting_position_timestamp=settings.starting_position_timestamp,
            batch_size=settings.batch_size,
            maximum_batching_window_in_seconds=settings.batching_window_seconds,
            destination_config={"on_failure": {"destination_arn": args.dead_letters.queue_arn}},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._env.settings.protect,
                delete_before_replace=True,
                depends_on=[self.function.policy, *args.after],
            ),
            **filtered,
            **args.mapping,
        )
