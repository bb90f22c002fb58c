"""What demo and produce send, as their options say."""

import gzip
import io
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest

from sluice.cli.supply import Supply
from sluice.contract import Contract, ContractViolation, Event, field
from sluice.errors import UsageError


class Visit(Event, type="visit", id="id", time="at"):
    """A visit to a page."""

    id: Annotated[str, field("Unique id", pattern="^v[0-9]+$")]
    at: Annotated[datetime, field("When")]
    page: Annotated[str, field("Which page")]


class Ping(Event, type="ping", time="at"):
    """An event without an id of its own."""

    at: Annotated[datetime, field("When")]


CONTRACT = Contract([Visit, Ping])


def supply(**options: Any) -> Supply:
    return Supply(**({"contract": CONTRACT, "source": None, "count": None} | options))


def sent(**options: Any) -> list[tuple[str, bytes]]:
    return [record for record in supply(**options).records() if record is not None]


def accepted(data: bytes) -> bool:
    try:
        CONTRACT.decode(data)
    except ContractViolation:
        return False
    return True


def lines_of(path: Path, count: int = 40) -> list[bytes]:
    lines = [
        json.dumps(
            {"type": "visit", "id": f"v{n}", "at": f"2015-05-17T10:{n:02}:00Z", "page": f"/{n % 3}"}
        ).encode()
        for n in range(count)
    ]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return lines


def test_fakes_poison_and_duplicates_are_as_many_as_promised() -> None:
    options = {"count": 200, "poison": 10, "duplicates": 5, "seed": 3}
    records = sent(**options)
    assert supply(**options).total() == len(records) == 230
    verdicts = Counter(accepted(data) for _, data in records)
    assert verdicts[False] == 20
    events = Counter(data for _, data in records if accepted(data))
    assert len(events) == 200
    assert sum(events.values()) == 210


def test_the_same_seed_makes_the_same_fakes_at_another_time() -> None:
    def ids(seed: int | None) -> list[str]:
        return [json.loads(data).get("id", "") for _, data in sent(count=50, seed=seed)]

    assert ids(7) == ids(7)
    assert ids(7) != ids(8)
    assert ids(None) != ids(None)


def test_an_event_goes_by_its_id_or_by_the_field_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "events"
    lines_of(path)
    assert [key for key, _ in sent(source=str(path))] == [f"v{n}" for n in range(40)]
    assert {key for key, _ in sent(source=str(path), key="page")} == {"/0", "/1", "/2"}


def test_a_key_that_no_event_has_is_said_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match=r"--key name: no event type has this field; there are at, id, page"):
        supply(count=1, key="name").check()


def test_lines_are_sent_as_they_are_and_as_many_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "events"
    lines = lines_of(path)
    assert [data for _, data in sent(source=str(path))] == lines
    assert supply(source=str(path)).total() == 40
    assert [data for _, data in sent(source=str(path), count=7)] == lines[:7]
    assert supply(source=str(path), count=7).total() == 7
    assert sent(source=str(path), count=0) == []


def test_a_line_that_is_no_event_is_sent_too(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(b"no event\n\xff\n")
    assert [data for _, data in sent(source=str(path))] == [b"no event", b"\xff"]
    assert [data for _, data in sent(source=str(path), rebase_time=True)] == [b"no event", b"\xff"]


@pytest.mark.parametrize("piped", [False, True])
def test_rebased_times_end_now_and_keep_their_distances(
    *, piped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events"
    lines = lines_of(path)
    if piped:
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"\n".join(lines))))
        monkeypatch.setattr("sys.stdin", stdin)
    records = sent(source="-" if piped else str(path), rebase_time=True)
    times = [datetime.fromisoformat(json.loads(data)["at"]) for _, data in records]
    assert abs(times[-1] - datetime.now(UTC)) < timedelta(minutes=5)
    assert {after - before for before, after in itertools.pairwise(times)} == {timedelta(minutes=1)}
    assert [json.loads(data)["id"] for _, data in records] == [f"v{n}" for n in range(40)]


def test_how_much_a_pipe_will_give_is_not_known() -> None:
    assert supply(source="-").total() is None


def test_every_kind_of_poison_is_there_and_fits_a_record() -> None:
    records = sent(count=100, poison=100, seed=1)
    bad = [(key, data) for key, data in records if not accepted(data)]
    assert len(bad) == 100
    assert max(len(key) + len(data) for key, data in bad) <= 1024 * 1024
    assert max(len(data) for _, data in bad) > 1_000_000
    assert b"" in [data for _, data in bad]


def test_lines_that_are_no_events_are_sent_and_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'id,page\nv1,/0\n{"type": "ping", "at": "2026-11-20T08:00:00Z"}\n')
    given = supply(source=str(path))
    assert len(list(given.records())) == 3
    assert given.strays.count == 2
    assert given.strays.first.startswith("the record is not JSON")


def test_fakes_that_are_sent_at_a_rate_happen_as_they_are_sent() -> None:
    begun = datetime.now(UTC)
    times = [datetime.fromisoformat(json.loads(data)["at"]) for _, data in sent(count=300, rate=20, seed=1)]
    assert times == sorted(times)
    assert timedelta(seconds=-1) < times[0] - begun < timedelta(seconds=60)
    assert timedelta(seconds=14) < times[-1] - times[0] < timedelta(seconds=16)


def test_only_events_that_are_made_up_can_go_on() -> None:
    assert supply(count=1).is_fake
    assert not supply(count=0).is_fake
    assert not supply(count=5, source="-").is_fake
