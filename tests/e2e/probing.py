"""`sluice probe` against a local cloud of a test."""

import time
from collections.abc import Sequence

from sluice.cli.probe import clients_of, ground_of, patience_of, probed
from sluice.probe.findings import Finding
from sluice.probe.rows import RowTrial
from sluice.probe.tables import Tables
from tests.e2e.conftest import Running

INSERTS_BEFORE_THE_BAD_ROW = 2
"""Requests for the table before the one with a bad row among good ones."""


def found_by_probe(run: Running) -> Sequence[Finding]:
    """What the command finds, all but what takes minutes."""
    target = run.target
    patience = patience_of(target)
    return probed(clients_of(target), ground_of(target), patience, slow=False, quiet=True)[0]


def found_of_another_bigquery(run: Running) -> Sequence[Finding]:
    """What is found of a BigQuery that refuses a whole request for one bad row."""
    target = run.target
    tables = Tables(clients_of(target), ground_of(target), "otherwise", patience_of(target), sleep=time.sleep)
    tables.make()
    try:
        refusal = {"error": {"message": "Something is not right", "errors": [{"reason": "other"}]}}
        run.cloud.faults.add(
            match="insertAll",
            kind="status",
            status=400,
            body=refusal,
            after=INSERTS_BEFORE_THE_BAD_ROW,
            count=1,
            table=tables.name,
        )
        return list(RowTrial(tables).play())
    finally:
        tables.drop()


def what_the_probe_left(run: Running) -> dict[str, int]:
    """How many things of a run that has ended are still there."""
    ground, target = ground_of(run.target), run.target
    queue = target.sqs.get_queue_attributes(
        QueueUrl=ground.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return {
        "items": len(target.dynamodb.scan(TableName=ground.journal)["Items"]),
        "messages": int(queue["Attributes"]["ApproximateNumberOfMessages"]),
        "tables": len(
            list(target.bigquery.list_tables(f"{target.outputs.bigquery_project}.{ground.dataset}"))
        ),
    }
