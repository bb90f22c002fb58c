"""What a route may be, and what is said of one that may not."""

from datetime import datetime
from typing import Annotated, Any

import pytest

from sluice.contract import Event, field
from sluice.errors import ContractError
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream


class Payment(Event, type="payment", id="id", time="at"):
    """A payment."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    amount: Annotated[int, field("In cents")]


class Visit(Event, type="visit", id="id", time="at"):
    """A visit."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]


def route(name: Any = "refunds", where: Any = "amount < 0", **changes: Any) -> Route:
    given: dict[str, Any] = {"types": [Payment], "to": Function("refunds"), **changes}
    return Route(name, where, **given)


@pytest.mark.parametrize("to", [Function("a_folder"), Stream(), Queue(fifo=True), Firehose()])
def test_a_route_leads_to_any_target(to: Any) -> None:
    assert Pipeline(events=[Payment], routes=[route(to=to)]).routes[0].to == to


def test_a_stream_of_its_own_has_a_sink_for_each_consumer() -> None:
    found = route(to=Stream(consumers=[Function("mailer"), Function("fraud_check")]))
    assert found.sinks == ("refunds", "refunds-mailer", "refunds-fraud-check")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Refunds"}, "snake_case"),
        ({"name": "x" * 33}, "at most 32"),
        ({"name": "bigquery"}, "a sink of Sluice's own"),
        ({"where": " "}, "no condition"),
        ({"where": None}, "no condition"),
        ({"where": "a" * 4_001}, "4001 characters"),
        ({"types": []}, "no list of event classes"),
        ({"types": Payment}, r"types=Payment is no list of event classes; write types=\[Payment\]"),
        ({"types": ["payment"]}, r"types=\['payment'\] names no event class; write the class"),
        ({"types": [Payment, Payment]}, "there twice"),
        ({"types": [int]}, "no event type"),
        ({"to": "mailer"}, "leads nowhere"),
        ({"to": Queue}, "with parentheses"),
        ({"partition": 1}, "accepted are True and False"),
        ({"description": 1}, "no text"),
        ({"name": "a" * 20, "to": Stream(consumers=[Function("b" * 20)])}, "41 characters"),
    ],
)
def test_what_is_not_usable_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError, match=said) as refused:
        route(**changes)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Function("No Folder"), "snake_case"),
        (lambda: Function("x" * 33), "at most 32"),
        (lambda: Stream(consumers=["mailer"]), "reads no stream"),  # type: ignore[list-item]  # what a user may write
        (lambda: Stream(consumers=[Function("a"), Function("a")]), "there twice"),
    ],
)
def test_what_is_no_target_is_refused(make: Any, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        make()


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        (["refunds"], "is no route"),
        ([route(), route()], "a sink of the same name"),
        ([route("a_b"), route("a", to=Stream(consumers=[Function("b")]))], "a sink of the same name"),
        ([route(types=[Visit])], "which this pipeline does not have"),
    ],
)
def test_routes_that_do_not_fit_their_pipeline_are_refused(routes: Any, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        Pipeline(events=[Payment], routes=routes)
