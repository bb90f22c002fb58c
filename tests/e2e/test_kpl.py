"""A KPL producer into a whole local cloud: every sink sees each event once, and the books balance exactly."""

from typing import Any

import pytest

from sluice.cli.redrive import redrive
from sluice.contract.fake import fake_events
from sluice.deadletters import DeadLetter, hold
from sluice.pipeline import load_pipeline
from sluice.records.aggregate import Aggregate
from tests.e2e.conftest import ROOT, of_sink, running

pytestmark = pytest.mark.e2e

PIPELINE = ROOT / "pipeline.py"
EVENTS, EACH = 1200, 20


def packed(*records: tuple[str, bytes]) -> bytes:
    aggregate = Aggregate()
    for key, data in records:
        aggregate.add(key, data)
    return aggregate.encode()


def test_aggregates_reach_every_sink_event_by_event_and_the_books_balance() -> None:
    contract = load_pipeline(PIPELINE).contract
    events = [(f"user-{n}", event) for n, event in enumerate(fake_events(contract, seed=5, count=EVENTS))]
    encoded = [(key, contract.encode(event)) for key, event in events]
    plain, rest = encoded[:200], encoded[200:]
    aggregates = [packed(*rest[at : at + EACH]) for at in range(0, len(rest), EACH)]
    nonsense = packed(encoded[0], ("bad", b"nonsense"), ("nested", aggregates[0]))
    sent = [
        *plain,
        *((f"outer-{n}", data) for n, data in enumerate([*aggregates, nonsense, aggregates[0][:-1]])),
    ]
    amounts = [event.amount for _, event in [*events, events[0]] if hasattr(event, "amount")]

    with running(PIPELINE) as it:
        for at in range(0, len(sent), 100):
            entries: Any = [{"PartitionKey": key, "Data": data} for key, data in sent[at : at + 100]]
            it.target.kinesis.put_records(StreamName=it.target.outputs.stream_name, Records=entries)
        books = it.books()

        assert books.sentences == []
        assert books.produced == len(sent)
        for sink in books.sinks:
            assert (sink.total, sink.records, sink.in_flight) == (EVENTS + 4, len(sent), 0), sink.sink
        for name in ("bigquery", "windows"):
            sink = of_sink(books, name)
            assert (sink.delivered, sink.dead_lettered) == (EVENTS + 1, 3)
        assert of_sink(books, "payments").delivered == sum(amount >= 0 for amount in amounts)
        assert of_sink(books, "refunds").delivered == sum(amount < 0 for amount in amounts)

        target = it.target
        with hold(target.sqs, target.outputs.dead_letter_queue_url, wait_seconds=0) as held:
            own = [each for each in held.letters if isinstance(each.letter, DeadLetter)]
            own = [each for each in own if each.letter.sink == "bigquery"]  # type: ignore[union-attr]  # just asked
            reasons = sorted(each.letter.reason for each in own)  # type: ignore[union-attr]  # just asked
            assert reasons[0].startswith("an aggregate inside an aggregate")
            assert reasons[1].startswith("an aggregate whose checksum is wrong")
            result = redrive(target, held, "bigquery", own)
        assert (result.refused_again, result.not_placed, result.troubles) == (3, 0, [])
        assert it.books().sentences == []

        (row,) = it.rows("SELECT COUNT(*) AS n, COUNTIF(_sequence LIKE '%:%') AS inside FROM transaction")
        once = [event for _, event in events if hasattr(event, "amount")]
        alone = [event for _, event in events[: len(plain)] if hasattr(event, "amount")]
        assert (row["n"], row["inside"]) == (len(once), len(once) - len(alone))
