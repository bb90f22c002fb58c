"""What one version stores the next one reads, and the one before too: docs/upgrades.md says why both ways.

During an upgrade, and all through a canary, two versions of the code work on one ledger, one queue of dead
letters and one table of windows. So a stored form only ever gains attributes that a reader can do without.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.deadletters.letter import DeadLetter
from sluice.deadletters.reading import parse
from sluice.delivery.entries import closed_values, entry_of
from sluice.metrics import Definition
from sluice.windows.items import Header, Watermark, pack_refs

LATER = {"of_a_later_version": {"S": "something"}}
NOW = datetime(2026, 11, 21, tzinfo=UTC)

LEDGER = {
    "lane": {"S": "bigquery#shardId-000000000000"},
    "first": {"S": "0" * 60 + "7"},
    "last": {"S": "0" * 60 + "9"},
    "state": {"S": "closed"},
    "delivered": {"N": "2"},
    "dead_lettered": {"N": "1"},
}
"""An item with what the audit cannot do without; attempts, times, latency and aggregates were added to it."""

HEADER: dict[str, Any] = {
    "pk": {"S": "segments#shardId-000000000000"},
    "sk": {"S": "00000003"},
    "segment": {"S": "abcdef"},
    "first": {"S": "0" * 60 + "7"},
    "last": {"S": "0" * 60 + "9"},
    "delivered": {"N": "3"},
    "skipped": {"N": "0"},
    "dead_lettered": {"N": "0"},
    "parts": {"B": pack_refs(())},
    "committed_at": {"S": NOW.isoformat()},
}
"""A segment as it was before `through` and `refused` were added."""

DEFINITION = {
    "name": "visits",
    "version": "0123456789ab",
    "window": 60,
    "lateness": 0,
    "types": ["visit"],
    "by": [],
    "measures": [{"name": "visits", "measure": "count", "signature": "count"}],
}
"""A metric with what every version wrote of it."""

LETTER = {
    "version": 1,
    "id": "bigquery/shardId-000000000000:7",
    "sink": "bigquery",
    "kind": "contract",
    "reason": "amount is no number",
    "field": "amount",
    "type": "order",
    "stream": "events",
    "shard": "shardId-000000000000",
    "sequence": "7",
    "sub_sequence": None,
    "partition_key": "k",
    "arrived_at": NOW.isoformat(),
    "failed_at": NOW.isoformat(),
    "size": 2,
    "payload_s3": None,
    "payload": "e30=",
}


@pytest.mark.parametrize("more", [{}, LATER], ids=["as it was", "as it may be"])
def test_books_of_another_version_count_the_same(more: dict[str, Any]) -> None:
    entry = entry_of({**LEDGER, **more})
    assert (entry.sink, entry.first, entry.last, entry.state) == ("bigquery", 7, 9, "closed")
    assert (entry.delivered, entry.dead_lettered, entry.records) == (2, 1, 3)


def test_what_this_version_closes_has_all_that_the_one_before_reads() -> None:
    written = closed_values(
        last="9",
        states={"delivered": 2, "dead_lettered": 1},
        latency={},
        arrived=(0.0, 1.0),
        packed=(0, 0),
        now=NOW,
        keep=timedelta(days=1),
    )
    assert LEDGER.keys() - {"lane", "first"} <= written.keys()
    assert (written["delivered"], written["dead_lettered"]) == (LEDGER["delivered"], LEDGER["dead_lettered"])


@pytest.mark.parametrize("more", [{}, LATER], ids=["as it was", "as it may be"])
def test_segments_and_watermarks_of_another_version_are_read(more: dict[str, Any]) -> None:
    header = Header.of({**HEADER, **more})
    assert (header.first, header.last, header.delivered, header.through) == (7, 9, 3, None)
    assert HEADER.keys() - {"pk", "sk"} <= header.item(expires_at=0).keys()
    watermark = Watermark.of({"through": {"N": "5"}, "taken_at": {"S": NOW.isoformat()}, **more})
    assert watermark.through == 5


@pytest.mark.parametrize("more", [{}, {"of_a_later_version": 1}], ids=["as it was", "as it may be"])
def test_metrics_of_another_version_are_known(more: dict[str, Any]) -> None:
    definition = Definition.parse({**DEFINITION, **more})
    assert (definition.name, definition.where, definition.dedupe) == ("visits", None, False)
    assert DEFINITION.keys() <= definition.as_dict().keys()


@pytest.mark.parametrize("more", [{}, {"of_a_later_version": 1}], ids=["as it was", "as it may be"])
def test_dead_letters_of_another_version_are_read(more: dict[str, Any]) -> None:
    letter = parse("m", json.dumps({**LETTER, **more}))
    assert isinstance(letter, DeadLetter)
    assert (letter.id, letter.payload) == (LETTER["id"], b"{}")
    assert json.loads(letter.message()).keys() >= LETTER.keys()


def test_a_dead_letter_of_another_form_is_kept_and_told_apart() -> None:
    assert not isinstance(parse("m", json.dumps({**LETTER, "version": 2})), DeadLetter)
