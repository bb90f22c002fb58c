"""Fake events hold to any contract, and look like what their fields' names say."""

import re
import types
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import pytest

from sluice.contract import Contract, Event, field
from sluice.contract.fake import fake_events
from sluice.errors import ContractError
from sluice.pipeline import load_pipeline

ROOT = Path(__file__).parents[3]
START = datetime(2026, 1, 1, tzinfo=UTC)


def default_contract() -> Contract:
    return load_pipeline(ROOT / "pipeline.py").contract


def fakes(contract: Contract, count: int, **more: Any) -> list[Any]:
    return list(fake_events(contract, **({"seed": 1, "start": START, "count": count} | more)))


@pytest.mark.parametrize("file", ["pipeline.py", "tests/pipelines/web_requests.py"])
def test_every_fake_of_the_pipelines_here_is_accepted(file: str) -> None:
    contract = load_pipeline(ROOT / file).contract
    for event in fakes(contract, 3_000):
        assert contract.decode(contract.encode(event)) == event


def test_fakes_are_as_large_as_real_events() -> None:
    contract = default_contract()
    sizes = [len(contract.encode(event)) for event in fakes(contract, 2_000)]
    assert 850 < sum(sizes) / len(sizes) < 1_200


def test_the_same_seed_gives_the_same_events() -> None:
    contract = default_contract()
    assert fakes(contract, 300) == fakes(contract, 300)
    assert fakes(contract, 300) != fakes(contract, 300, seed=2)


def test_types_come_by_their_weights() -> None:
    contract = default_contract()
    found = Counter(contract.type_of(event).name for event in fakes(contract, 5_000))
    assert found["page_view"] > found["search"] > found["map_move"] > found["transaction"] > 0


def test_one_type_alone_can_be_asked_for() -> None:
    contract = default_contract()
    assert {contract.type_of(event).name for event in fakes(contract, 50, only="map_move")} == {"map_move"}


def test_ids_are_never_made_twice() -> None:
    contract = default_contract()
    ids = [contract.type_of(event).event_id(event) for event in fakes(contract, 5_000)]
    assert len(set(ids)) == len(ids)


def test_event_times_go_forward_from_the_start() -> None:
    contract = default_contract()
    times = [contract.type_of(event).event_time(event) for event in fakes(contract, 200, step=1)]
    assert times[0] == START
    assert times == sorted(times)
    assert times[-1] - times[0] < timedelta(seconds=201)


def test_without_a_start_the_last_event_is_now() -> None:
    contract = default_contract()
    events = list(fake_events(contract, seed=1, count=1_000, step=60))
    newest = max(contract.type_of(event).event_time(event) for event in events)
    assert abs((datetime.now(UTC) - newest).total_seconds()) < 300


def test_without_a_count_they_never_end() -> None:
    assert len(list(islice(fake_events(default_contract(), seed=1), 500))) == 500


def test_amounts_are_sometimes_negative_where_they_may_be() -> None:
    amounts = [event.amount for event in fakes(default_contract(), 1_000, only="transaction")]
    negative = sum(amount < 0 for amount in amounts)
    assert 20 < negative < 150
    assert all(amount == round(amount, 2) for amount in amounts)


class Hard(Event, type="hard", id="code", time="day"):
    day: date
    code: Annotated[str, field(pattern="^[a-c]{2}-[0-9]{5}$")]
    tiny: Annotated[int, field(ge=2**62, le=2**62 + 3)]
    step: Annotated[int, field(ge=-50, le=50, multiple_of=7)]
    edge: Annotated[int, field(gt=-3, lt=-1)]
    ratio: Annotated[float, field(gt=0, lt=1e-9)]
    wide: Annotated[float, field(ge=-1e308, le=1e308)]
    half: Annotated[float, field(ge=0, multiple_of=0.5)]
    price: Annotated[Decimal, field(gt=0, lt=Decimal("0.0001"))]
    big: Annotated[Decimal, field(bignumeric=True, ge=Decimal(10) ** 37)]
    text: Annotated[str, field(min_length=3_000, max_length=3_000)]
    short: Annotated[str, field(max_length=1)]
    nothing: Annotated[str, field(max_length=0)]
    url: Annotated[str, field(pattern=r"^https?://([a-z]+\.)+(com|org)/[\w\-]{3,}$")]
    look: Annotated[str, field(pattern=r"(?=.*\d)x", min_length=10)]
    again: Annotated[str, field(pattern=r"^(\w+)-\1$")]
    many: Annotated[list[int], field(min_items=30, max_items=40)]
    sku: Annotated[str, field(examples=["A-1", "B-2"])] = "A-1"
    gone: Annotated[str | None, field(retired=True)] = None


def test_hard_rules_are_kept() -> None:
    contract = Contract([Hard])
    events = fakes(contract, 300)
    for event in events:
        assert contract.decode(contract.encode(event)) == event
    assert {event.edge for event in events} == {-2}
    assert len({event.step for event in events}) > 3
    assert {event.sku for event in events} == {"A-1", "B-2"}
    assert {event.gone for event in events} == {None}
    assert len({event.code for event in events}) == len(events)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[str, field(pattern="^a$", min_length=3)], "min_length"),
        (Annotated[str, field(pattern="(?!)")], "examples"),
        (Annotated[int, field(ge=8, le=13, multiple_of=7)], "no multiple of 7"),
        (Annotated[float, field(ge=0.05, le=0.06, multiple_of=0.7)], "multiple"),
        (Annotated[Decimal, field(gt=0, lt=Decimal("0.01"), scale=2)], "no decimal"),
    ],
)
def test_what_cannot_be_made_is_said_at_once(annotation: Any, words: str) -> None:
    body = {"__annotations__": {"at": datetime, "value": annotation}}
    cls = types.new_class("Made", (Event,), {"type": "made", "time": "at"}, lambda space: space.update(body))
    with pytest.raises(ContractError, match=words):
        next(fake_events(Contract([cls]), seed=1))


def test_strings_look_like_what_their_fields_are_called() -> None:
    class Person(Event, type="person", time="at"):
        at: datetime
        email: str
        client_ip: str
        user_agent: str
        country_code: Annotated[str, field(max_length=2)]

    for event in fakes(Contract([Person]), 50):
        assert re.fullmatch(r"[^@\s]+@example\.(com|org)", event.email)
        assert re.fullmatch(r"(\d+\.){3}\d+", event.client_ip)
        assert event.user_agent.startswith("Mozilla/5.0")
        assert re.fullmatch("[A-Z]{2}", event.country_code)
