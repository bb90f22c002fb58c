"""What a program uses that existed before, as if it had been declared: the drawing shows it too."""

from typing import Any, Final

from sluice.local.declared import Declared
from sluice.local.program import Program

_KINDS: Final = {
    "stream": ("aws:kinesis/stream:Stream", "name"),
    "route_streams": ("aws:kinesis/stream:Stream", "name"),
    "ledger": ("aws:dynamodb/table:Table", "name"),
    "windows": ("aws:dynamodb/table:Table", "name"),
    "claims": ("aws:dynamodb/table:Table", "name"),
    "dead_letter_queue": ("aws:sqs/queue:Queue", "name"),
    "dead_letter_bucket": ("aws:s3/bucket:Bucket", "bucket"),
    "tables": ("gcp:bigquery/table:Table", "tableId"),
}
"""By key of the export `adopted`, the type, and the input that holds the name."""


def adopted(program: Program) -> list[Declared]:
    """Return a stand-in for each thing that a program adopts; a dataset is drawn by its tables alone."""
    named: dict[str, str] = program.outputs.get("adopted", {})
    dataset = program.outputs.get("bigquery_dataset")
    found = []
    for key, given in named.items():
        kind, holds = _KINDS.get(key.partition(".")[0], ("", ""))
        if kind:
            within = {"datasetId": dataset} if holds == "tableId" else {}
            found.append(_stand_in(kind, key, {holds: given.rpartition(":")[2].rpartition("/")[2], **within}))
    return found


def _stand_in(kind: str, key: str, inputs: dict[str, Any]) -> Declared:
    return Declared(
        type=kind,
        name=f"adopted {key}",
        inputs=inputs,
        urn=f"adopted::{key}",
    )
