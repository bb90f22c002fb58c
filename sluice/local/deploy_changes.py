"""Changes AWS resources of the local cloud in place, by the calls that the provider would make.

What is not here, a stream's shards or a table's keys, is refused: nothing that holds data is put at risk.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sluice.local.declared import Declared
from sluice.local.deploy_result import Made

if TYPE_CHECKING:
    from collections.abc import Mapping

Change = Callable[[dict[str, Any], dict[str, Any]], None]
"""Takes a resource's inputs as they are now, and the outputs that it was made with."""


class AwsChanges:
    """Which inputs of which types change while all else stays as it is, and how."""

    def __init__(
        self, client: Callable[[str], Any], attributes: "Mapping[str, str]", retention_hours: dict[str, int]
    ) -> None:
        """Take clients of the local AWS, queues' attributes by input, and streams' retention by ARN."""
        self._client, self._attributes, self._retention = client, attributes, retention_hours
        self._by_type: dict[str, tuple[frozenset[str], Change]] = {
            "aws:sqs/queue:Queue": (frozenset(attributes) - {"fifoQueue"}, self._queue),
            "aws:cloudwatch/logGroup:LogGroup": (frozenset({"retentionInDays"}), self._logs),
            "aws:kinesis/stream:Stream": (frozenset({"retentionPeriod"}), self._stream),
            "aws:dynamodb/table:Table": (frozenset({"deletionProtectionEnabled"}), self._table),
            "aws:iam/role:Role": (
                frozenset({"assumeRolePolicy", "description", "permissionsBoundary"}),
                self._role,
            ),
        }

    def step(self, resource: Declared, made: Made, differing: set[str]) -> Callable[[], None] | None:
        """Return what changes a resource in place; None when that cannot be."""
        inputs, change = self._by_type.get(resource.type, (frozenset(), None))
        if change is None or not differing <= inputs:
            return None
        return lambda: change(resource.inputs, made.outputs)

    def _queue(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        wanted = {
            theirs: str(inputs[ours]).lower() if isinstance(inputs[ours], bool) else str(inputs[ours])
            for ours, theirs in self._attributes.items()
            if inputs.get(ours) is not None and ours != "fifoQueue"
        }
        self._client("sqs").set_queue_attributes(QueueUrl=outputs["url"], Attributes=wanted)

    def _logs(self, inputs: dict[str, Any], _: dict[str, Any]) -> None:
        self._client("logs").put_retention_policy(
            logGroupName=inputs["name"], retentionInDays=inputs["retentionInDays"]
        )

    def _stream(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        kinesis, name, hours = self._client("kinesis"), inputs["name"], inputs["retentionPeriod"]
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        if hours > summary["RetentionPeriodHours"]:
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        else:
            kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        self._retention[outputs["arn"]] = hours

    def _table(self, inputs: dict[str, Any], _: dict[str, Any]) -> None:
        protected = bool(inputs.get("deletionProtectionEnabled"))
        self._client("dynamodb").update_table(TableName=inputs["name"], DeletionProtectionEnabled=protected)

    def _role(self, inputs: dict[str, Any], _: dict[str, Any]) -> None:
        """Change who takes it; a boundary is the account's, which a laptop has none of."""
        iam, name = self._client("iam"), inputs["name"]
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=inputs["assumeRolePolicy"])
        iam.update_role(RoleName=name, Description=inputs.get("description", ""))
