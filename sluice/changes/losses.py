"""What goes with a resource that is deleted or made anew, and what to do instead, if it holds something."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sluice.policies import kinds

CONSUMER: Final = "aws:kinesis/streamConsumer:StreamConsumer"
CATALOG_TABLE: Final = "aws:glue/catalogTable:CatalogTable"
POOL: Final = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"


class Loss(NamedTuple):
    """What is lost, and what to do instead."""

    lost: str
    instead: str


LOSSES: Final[Mapping[str, Loss]] = {
    kinds.STREAM: Loss(
        "all records that it still holds, and every checkpoint on it",
        "add another stream beside it, move the producers, and drop the old one when `sluice audit` shows"
        " nothing in flight",
    ),
    kinds.MAPPING: Loss(
        "its checkpoint: nobody knows any more how far its function had read",
        "let it come to the end of what its source holds first (`sluice audit`)",
    ),
    CONSUMER: Loss(
        "its ARN, which its mapping reads from: the mapping is made anew with it",
        "keep the name of sink and stream; docs/consumers.md says how to move",
    ),
    kinds.QUEUE: Loss("all messages in it", "empty it first: `sluice dlq redrive`, or its consumers"),
    kinds.BUCKET: Loss("all objects in it", "copy what is needed, and give the new one another name"),
    kinds.TABLE: Loss("all items in it", "add another table beside it and copy, or adopt this one"),
    kinds.DOMAIN: Loss(
        "all indices; the new domain is empty",
        "deploy it beside the old one, or replay the stream into it afterwards (docs/search-domain.md)",
    ),
    kinds.KEY: Loss(
        "what it encrypted, once its waiting time is over",
        "name the former key, so that what it encrypted can be read on (docs/security.md)",
    ),
    kinds.BIGQUERY_DATASET: Loss("all tables in it", "keep its name and location, or adopt it"),
    kinds.BIGQUERY_TABLE: Loss(
        "all rows in it", "`sluice contract check` says how to make the change in place"
    ),
    CATALOG_TABLE: Loss(
        "the table's entry in the catalog; its files stay in the bucket and nobody finds them",
        "add fields instead of changing them, or declare another event type (docs/lake.md)",
    ),
    kinds.FIREHOSE: Loss(
        "what waits in its buffer, and its place in the stream",
        "choose a new name, and drop the old one once it has delivered all (docs/deploy.md)",
    ),
    kinds.LOG_GROUP: Loss("all log lines in it", "export them if anybody still needs them"),
    POOL: Loss(
        "nobody gets into BigQuery until its roles are let in anew; the old id is taken for 30 days",
        "keep federation.pool_suffix; sinks wait with their records in the stream meanwhile",
    ),
}
"""By type. Deleted or replaced, they are spoken of first."""

_ANEW: Final[Mapping[str, Loss]] = {
    "TRIM_HORIZON": Loss(
        "its checkpoint: from TRIM_HORIZON it reads again all that its source still holds",
        "nothing is counted twice, but it takes its time and routes send once more; docs/consumers.md says"
        " how to move without that",
    ),
    "LATEST": Loss(
        "its checkpoint: from LATEST it begins once it is there, and what arrived before that is never read",
        "begin with AT_TIMESTAMP, a little before what `sluice audit` shows as settled (docs/consumers.md)",
    ),
}
_TIMED: Final = "AT_TIMESTAMP"


def mapping_anew(begins: str, moment: str) -> Loss:
    """Return what goes with a mapping that is made anew, by where the new one begins."""
    if begins != _TIMED:
        return _ANEW.get(begins, LOSSES[kinds.MAPPING])
    return Loss(
        f"its checkpoint: it reads from {moment} on, and what it had not read of before that it never will",
        "take a moment before all that `sluice audit` shows in flight (docs/consumers.md)",
    )
