"""What becomes of events in the hands of a user's function, whatever it answers or raises."""

from collections.abc import Sequence
from typing import Any

import pytest

from sluice.delivery import DELIVERED, SKIPPED, Accepted, Outcome, Rejected, Retry
from sluice.errors import DeliveryError
from sluice.router import RoutedEvent
from sluice.router.taking import Taking
from tests.unit.delivery.builders import Time
from tests.unit.router.bills import accepted

EVENTS = [accepted(number) for number in range(4)]


def taken(take: Any, time: Time, events: Sequence[Accepted] = EVENTS) -> Sequence[Outcome]:
    taking = Taking(take)
    return taking.deliver([taking.prepare(event) for event in events], time.deadline(10))


class Failing:
    """Takes events, but for those whose id an error is given for; a list of what it saw, call by call."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.calls: list[list[str]] = []

    def __call__(self, events: Sequence[RoutedEvent]) -> None:
        self.calls.append([event.event_id for event in events])
        for event in events:
            if event.event_id in self.errors:
                raise self.errors[event.event_id]


def test_answering_nothing_takes_all_events_in_one_call_in_their_order(time: Time) -> None:
    take = Failing()
    assert taken(take, time) == [DELIVERED] * 4
    assert take.calls == [["b0", "b1", "b2", "b3"]]


def test_an_event_comes_with_its_type_its_id_and_its_record(time: Time) -> None:
    seen: list[RoutedEvent] = []
    taken(seen.extend, time)
    assert [(one.event_type.name, one.event_id, one.record.partition_key) for one in seen[:1]] == [
        ("bill", "b0", "key0")
    ]
    assert seen[0].event.amount == 1  # type: ignore[attr-defined]  # a Bill


def test_an_answer_for_each_event_is_its_outcome(time: Time) -> None:
    answer = [DELIVERED, SKIPPED, Rejected("no such customer"), Retry("busy")]
    assert taken(lambda _: answer, time) == answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([DELIVERED], "1 outcomes for 4 events"),
        ("done", "str for 4 events"),
        ([None] * 4, "NoneType for an event"),
        ([DELIVERED, True, DELIVERED, DELIVERED], "bool for an event"),
    ],
)
def test_any_other_answer_is_refused_with_what_is_accepted(answer: Any, said: str, time: Time) -> None:
    with pytest.raises(DeliveryError, match=said) as refused:
        taken(lambda _: answer, time)
    assert "Rejected(...)" in str(refused.value)


def test_an_event_that_the_code_cannot_bear_is_put_aside_and_the_others_are_taken(time: Time) -> None:
    take = Failing(b1=KeyError("secret"), b3=ZeroDivisionError())
    outcomes = taken(take, time)
    assert [outcomes[0], outcomes[2]] == [DELIVERED, DELIVERED]
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].reason.startswith("the function's code failed over this event with KeyError in test_")
    assert "secret" not in outcomes[1].reason, "an error's text may quote the event"
    assert isinstance(outcomes[3], Rejected)


def test_an_event_alone_is_not_tried_twice(time: Time) -> None:
    take = Failing(b0=ValueError())
    assert isinstance(taken(take, time, EVENTS[:1])[0], Rejected)
    assert take.calls == [["b0"]]


@pytest.mark.parametrize("error", [StopIteration(), RecursionError(), NotImplementedError()])
def test_a_bug_that_shows_as_another_error_holds_up_no_shard_either(error: Exception, time: Time) -> None:
    outcomes = taken(Failing(b1=error), time)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Delivered", "Rejected", "Delivered", "Delivered",
    ]  # fmt: skip


@pytest.mark.parametrize("error", [ConnectionError("down"), UnicodeError("x"), RuntimeError("busy")])
def test_trouble_of_the_world_outside_lets_all_events_come_again(error: Exception, time: Time) -> None:
    if isinstance(error, UnicodeError):
        error = type("HttpError", (OSError, ValueError), {})("an answer that is no JSON")
    take = Failing(b1=error)
    with pytest.raises(type(error)):
        taken(take, time)
    assert len(take.calls) == 1


def test_trouble_while_events_are_tried_one_by_one_stops_there(time: Time) -> None:
    take = Failing(b1=KeyError(), b2=ConnectionError("down"))
    outcomes = taken(take, time)
    assert outcomes[0] == DELIVERED
    assert isinstance(outcomes[1], Rejected)
    assert isinstance(outcomes[2], Retry)
    assert outcomes[2].reason.startswith("the function's code failed with ConnectionError in ")
    assert "down" not in outcomes[2].reason  # it may quote the event
    assert isinstance(outcomes[3], Retry)
    assert take.calls[-1] == ["b2"]


def test_events_for_which_no_time_is_left_come_again(time: Time) -> None:
    failing = Failing(b0=KeyError())

    def slow(events: Sequence[RoutedEvent]) -> None:
        time.sleep(4)
        failing(events)

    outcomes = taken(slow, time)
    assert isinstance(outcomes[0], Rejected)
    assert outcomes[1] == DELIVERED
    assert [type(outcome) for outcome in outcomes[2:]] == [Retry, Retry]


def test_memory_that_runs_out_is_left_to_the_batch(time: Time) -> None:
    with pytest.raises(MemoryError):
        taken(Failing(b0=KeyError(), b1=MemoryError()), time)
