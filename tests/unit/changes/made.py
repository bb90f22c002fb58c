"""Small graph documents to compare."""

from typing import Any

from sluice.changes.document import Document, Planned

STREAM = "aws:kinesis/stream:Stream"
CONSUMER = "aws:kinesis/streamConsumer:StreamConsumer"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
FUNCTION = "aws:lambda/function:Function"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
TABLE = "gcp:bigquery/table:Table"

_OWN = {"inputs", "protected", "depends_on", "aliases", "retained", "ignore_changes"}


def urn(kind: str, name: str, stack: str = "dev") -> str:
    return f"urn:pulumi:{stack}::shop::my:box:Box${kind}::{name}"


def planned(kind: str, name: str, /, *, stack: str = "dev", **more: Any) -> Planned:
    """Make a resource; what is no attribute of one is an input."""
    own = {key: more.pop(key) for key in tuple(more) if key in _OWN}
    inputs = {**own.pop("inputs", {}), **more}
    return Planned(urn=urn(kind, name, stack), type=kind, name=name, component="box", inputs=inputs, **own)


def document(*resources: Planned, **more: Any) -> Document:
    return Document(
        environment=more.pop("environment", "dev"),
        resources=resources,
        outputs=more.pop("outputs", {}),
        **more,
    )
