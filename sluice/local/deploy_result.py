"""What a deployment leaves to the local runtime: functions, mappings and schedules, as plain data."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sluice.errors import SettingsError
from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.filters import compile_data_filters, compile_filters
from sluice.local.google.configuration import at_home
from sluice.local.identities import Identity
from sluice.local.mapping_types import MappingConfig, Start, StartKind
from sluice.local.runtime_worker import Function
from sluice.local.schedule import Schedule
from sluice.local.versions import LATEST

LONGEST_WINDOW_SECONDS = 900
STREAM_POLL_SECONDS = 0.1
TABLE_POLL_SECONDS = 0.25
"""Lambda asks a table's stream four times a second (developer guide, with-ddb, read 2026-11)."""

INVOCATION = "aws:lambda/invocation:Invocation"

Outputs = tuple[str, dict[str, Any]]
"""A resource's id and outputs."""


class Made(msgspec.Struct):
    """A resource as it was created: what a later deployment finds in its place."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


class Deployment(msgspec.Struct, kw_only=True):
    """Functions and mappings by their declared inputs, schedules, the program's outputs, what nobody has.

    `aliases` of functions and deployment `groups` are CodeDeploy's, by their declared inputs.

    `made` has the resources of the local servers by their URN. `firehoses` and `lake_tables` are, by their
    declared inputs, what the lake's process runs and has; `invocations` are those that are still to be made,
    before the mappings begin. `search_url` is where the local OpenSearch answers for the declared `domains`.
    `account` is the one that the program is pinned to, whose roles its functions have.
    """

    region: str
    account: str = ACCOUNT
    functions: list[dict[str, Any]]
    mappings: list[dict[str, Any]]
    aliases: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    outputs: dict[str, Any]
    schedules: list[Schedule] = []
    stand_ins: list[str] = []
    warnings: list[str] = []
    retention_hours: dict[str, int] = {}
    invocations: list[dict[str, Any]] = []
    search_url: str | None = None
    domains: list[str] = []
    firehoses: list[dict[str, Any]] = []
    lake_tables: list[dict[str, Any]] = []
    made: dict[str, Made] = {}

    def told(self) -> dict[str, Any]:
        """It as plain data, as far as servers need it."""
        found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, made={}))
        return found

    def encoded(self) -> bytes:
        """The same as JSON."""
        return msgspec.json.encode(msgspec.structs.replace(self, made={}))

    def but_made(self, later: "Deployment") -> "Deployment":
        """It, which goes on, with what a later one has made before an invocation of its failed.

        Those are still to be made: the next deployment must not take them for done.
        """
        kept = {urn: made for urn, made in later.made.items() if INVOCATION not in urn}
        invoked = {urn: made for urn, made in self.made.items() if INVOCATION in urn}
        return msgspec.structs.replace(self, made={**kept, **invoked})


def has_search(deployment: Deployment) -> bool:
    """Whether anything in a deployment speaks to OpenSearch."""
    return any(
        "SLUICE_SEARCH_ENDPOINT" in ((inputs.get("environment") or {}).get("variables") or {})
        for inputs in deployment.functions
    )


def identity(account: str, role_arn: str, session: str) -> Identity:
    """A role of an account at work; a role's path is no part of that (IAM user guide, "IAM identifiers")."""
    return Identity(account, role_arn.rpartition("/")[2], session, role_arn.split(":")[1])


def function(inputs: dict[str, Any], endpoints: dict[str, str], account: str) -> Function:
    """A function for the runtime, with the local cloud's endpoints among its variables."""
    variables = (inputs.get("environment") or {}).get("variables") or {}
    return Function(
        name=inputs["name"],
        arn=inputs["arn"],
        code=Path(inputs["code"]["archive"]),
        handler=inputs["handler"],
        timeout_seconds=inputs.get("timeout", 3),
        memory_mb=inputs.get("memorySize", 128),
        variables=at_home({**variables, **endpoints}),
        identity=identity(account, inputs["role"], inputs["name"]),
        version=str(inputs.get("version") or LATEST),
    )


def mapping(inputs: dict[str, Any], retention_hours: int = 24) -> MappingConfig:
    """A mapping for the engine; refuses what the engine does not do, rather than leaving it out."""
    source = inputs["eventSourceArn"]
    failure = (inputs.get("destinationConfig") or {}).get("onFailure") or {}
    arn = failure.get("destinationArn")
    if arn and arn.split(":")[2] != "sqs":
        raise SettingsError(f"on-failure destination {arn}: the local cloud takes SQS queues only")
    table = source.split(":")[2] == "dynamodb"
    if not table and source.split(":")[2] != "kinesis":
        raise SettingsError(f"event source {source}: the local cloud reads Kinesis and DynamoDB streams only")
    if table and inputs["startingPosition"] == StartKind.AT_TIMESTAMP.value:
        raise SettingsError("a mapping on a table's stream starts at TRIM_HORIZON or LATEST")
    parallelization, tumbling = _tumbling(inputs)
    function, _, qualifier = inputs["functionName"].rpartition(":function:")[2].partition(":")
    return MappingConfig(
        uuid=inputs["uuid"],
        function=function,
        qualifier=qualifier,
        source_arn=source,
        stream_arn=source.partition("/consumer/")[0],
        batch_size=inputs.get("batchSize", 100),
        window_seconds=inputs.get("maximumBatchingWindowInSeconds", 0),
        parallelization=parallelization,
        tumbling_seconds=tumbling,
        filters=_filters(inputs, table=table),
        enabled=inputs.get("enabled", True),
        counts_events="EventCount" in ((inputs.get("metricsConfig") or {}).get("metrics") or []),
        poll_seconds=TABLE_POLL_SECONDS if table else STREAM_POLL_SECONDS,
        retry_attempts=inputs.get("maximumRetryAttempts", -1),
        max_age_seconds=inputs.get("maximumRecordAgeInSeconds", -1),
        bisect=inputs.get("bisectBatchOnFunctionError", False),
        report_failures="ReportBatchItemFailures" in (inputs.get("functionResponseTypes") or []),
        on_failure_arn=arn,
        start=Start(
            StartKind(inputs["startingPosition"]), _timestamp(inputs.get("startingPositionTimestamp"))
        ),
        retention_seconds=retention_hours * 3600,
    )


def _tumbling(inputs: dict[str, Any]) -> tuple[int, int]:
    """The parallelization factor and the tumbling window in seconds."""
    parallelization = inputs.get("parallelizationFactor") or 1
    seconds = inputs.get("tumblingWindowInSeconds") or 0
    if not 0 <= seconds <= LONGEST_WINDOW_SECONDS:
        raise SettingsError(f"tumbling window of {seconds} s: Lambda takes 0 to {LONGEST_WINDOW_SECONDS}")
    if seconds and parallelization > 1:
        raise SettingsError(
            f"tumbling window with a parallelization factor of {parallelization}: Lambda keeps one state per "
            "shard, so it must be 1"
        )
    return parallelization, seconds


def _filters(inputs: dict[str, Any], *, table: bool) -> tuple[str, ...]:
    declared = (inputs.get("filterCriteria") or {}).get("filters") or []
    patterns = tuple(one["pattern"] for one in declared)
    if patterns:
        (compile_filters if table else compile_data_filters)(patterns)
    return patterns


def _timestamp(value: Any) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    return datetime.fromisoformat(value).timestamp()
