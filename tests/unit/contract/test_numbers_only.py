"""A Decimal with strings=False is a JSON number wherever it stands, and is sent as one."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import pytest

from sluice.contract import Contract, ContractViolation, Event, Nested, field
from sluice.contract.evolution import check
from sluice.contract.fake import fake_events
from sluice.contract.json_schema import json_schema
from sluice.contract.poison import make
from sluice.contract.snapshot import snapshot
from sluice.errors import ContractError


class Line(Nested):
    price: Annotated[Decimal, field("Price", strings=False)]
    note: Annotated[Decimal | None, field("Kept as text")] = None


class Bill(Event, type="bill", id="bill_id", time="billed_at"):
    """A bill."""

    bill_id: str
    billed_at: datetime
    total: Annotated[Decimal, field("Total", scale=2, ge=-100, le=100, strings=False)]
    tip: Annotated[Decimal | None, field("Tip", strings=False)] = None
    parts: Annotated[list[Decimal], field("Parts", strings=False)] = []  # noqa: RUF012 - msgspec copies a list default
    lines: Annotated[list[Line], field("Lines")] = []  # noqa: RUF012 - same
    first: Annotated[Line | None, field("The first line")] = None


CONTRACT = Contract([Bill])
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def bill(rest: str) -> bytes:
    return f'{{"type":"bill","bill_id":"b","billed_at":"2026-11-20T12:00:00Z",{rest}}}'.encode()


def test_events_are_sent_with_numbers_and_read_back_digit_by_digit() -> None:
    line = Line(price=Decimal("0.123456789"), note=Decimal("1.5"))
    parts = [Decimal("1E+2"), Decimal(0)]
    event = Bill(bill_id="b", billed_at=NOON, total=Decimal("-12.50"), parts=parts, lines=[line], first=line)
    data = CONTRACT.encode(event)
    found = json.loads(data, parse_float=str)
    assert (found["total"], found["tip"]) == ("-12.50", None)
    assert found["lines"] == [{"price": "0.123456789", "note": "1.5"}]
    assert b'"total":-12.50,' in data
    assert b'"note":"1.5"' in data
    assert CONTRACT.decode(data) == event


@pytest.mark.parametrize(
    ("rest", "where"),
    [
        ('"total":"1.5"', "total"),
        ('"total":1,"tip":"2"', "tip"),
        ('"total":1,"parts":[1,"2"]', "parts"),
        ('"total":1,"lines":[{"price":"1"}]', "lines[0].price"),
        ('"total":1,"first":{"price":"1"}', "first.price"),
    ],
)
def test_a_number_in_quotes_is_refused_by_its_place(rest: str, where: str) -> None:
    with pytest.raises(ContractViolation) as refused:
        CONTRACT.decode(bill(rest))
    assert (refused.value.field, refused.value.type) == (where, "bill")
    assert refused.value.reason == f"`{where}` must be a JSON number, without quotes"


@pytest.mark.parametrize("number", ["1", "1.50", "15e-1", "1.5000000000000000000000", "-0", "-0.0", "1E1"])
def test_any_spelling_of_a_number_is_taken(number: str) -> None:
    event = CONTRACT.decode(bill(f'"total":{number}'))
    assert isinstance(event, Bill)
    assert event.total == Decimal(number)


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "0.001", "101"])
def test_what_the_contract_refuses_stays_refused(number: str) -> None:
    with pytest.raises(ContractViolation):
        CONTRACT.decode(bill(f'"total":{number}'))


@pytest.mark.parametrize("total", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), "1.5", None, [1]])
def test_what_breaks_the_contract_is_not_sent(total: object) -> None:
    with pytest.raises(ContractViolation):
        CONTRACT.encode(Bill(bill_id="b", billed_at=NOON, total=total))  # type: ignore[arg-type] # built wrongly on purpose


def test_rows_for_bigquery_keep_decimals_as_strings() -> None:
    event = Bill(bill_id="b", billed_at=NOON, total=Decimal("1.50"))
    assert json.loads(CONTRACT.encode_row(event))["total"] == "1.50"


def test_fake_events_hold_to_it_and_poison_puts_numbers_in_quotes() -> None:
    for event in fake_events(CONTRACT, seed=1, start=NOON, count=50):
        assert CONTRACT.decode(CONTRACT.encode(event)) == event
    rng = random.Random(3)  # noqa: S311 - poison, no secret
    assert any(b'"total":"' in make(CONTRACT, rng, "wrong type") for _ in range(60))


def test_the_json_schema_takes_numbers_alone() -> None:
    columns = json_schema(CONTRACT)["$defs"]["bill"]["properties"]
    assert columns["total"] == {"type": "number", "minimum": -100, "maximum": 100, "description": "Total"}


def test_turning_it_on_is_a_note_that_events_with_strings_become_dead_letters() -> None:
    class Loose(Event, type="bill", id="bill_id", time="billed_at"):
        bill_id: str
        billed_at: datetime
        total: Annotated[Decimal, field("Total")]

    class Strict(Event, type="bill", id="bill_id", time="billed_at"):
        bill_id: str
        billed_at: datetime
        total: Annotated[Decimal, field("Total", strings=False)]

    (finding,) = check(snapshot(Contract([Loose])), snapshot(Contract([Strict])))
    assert (finding.severity, finding.what) == ("note", "strings changes from none to False")
    assert "dead letters" in finding.why


def test_it_is_for_decimals_alone() -> None:
    with pytest.raises(ContractError, match="strings= is for NUMERIC"):

        class _Wrong(Event, type="wrong", time="at"):
            at: datetime
            count: Annotated[int, field("Count", strings=False)]

    with pytest.raises(ContractError, match="strings=None must be True or False"):

        class _Odd(Event, type="odd", time="at"):
            at: datetime
            price: Annotated[Decimal, field("Price", strings=None)]
