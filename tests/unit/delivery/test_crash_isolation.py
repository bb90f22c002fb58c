"""A record that kills the function is put aside after two crashes; nothing else is lost or refused for it."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sluice.delivery import DELIVERED, Accepted, Outcome, Retry
from sluice.delivery.entries import DELIVERY
from sluice.errors import DeliveryError
from tests.unit.delivery.aws import Aws, refusal
from tests.unit.delivery.builders import SHARD, Killed, Time, batch, sequence, visit
from tests.unit.delivery.rig import Rig


def identity(number: int) -> str:
    return f"{SHARD}/{sequence(number)}"


def killing(numbers: Iterable[int], step: str = "decode") -> Callable[[str, Any], None]:
    """Return a hook by which these records kill the runtime when they reach a step."""
    deadly = {visit(number) for number in numbers}

    def hook(name: str, about: Any) -> None:
        if name != step:
            return
        datas = [about] if isinstance(about, bytes) else [each.record.data for each in as_list(about)]
        if deadly.intersection(datas):
            raise Killed

    return hook


def as_list(about: Any) -> list[Any]:
    return list(about) if isinstance(about, list | tuple) else [about]


class Shard:
    """Lambda's retry loop over one batch: all of it after a crash, from the failure on after an answer."""

    def __init__(self, aws: Aws, numbers: Iterable[int]) -> None:
        self.aws = aws
        self.waiting = list(numbers)
        self.crashes = 0
        self.invocations = 0
        self.seconds = 0.0
        self.held: set[str] = set()
        self.marked = 0

    def run(
        self,
        hook: Callable[[str, Any], None] = lambda _step, _about: None,
        decide: Callable[[Accepted], Outcome] = lambda _accepted: DELIVERED,
        *,
        at_most: int = 100,
        mark_seconds: float = 0.0,
    ) -> Rig:
        """Invoke until the batch has passed, each time in a new runtime, but at most so often."""
        for _ in range(at_most):
            time = Time()
            rig = Rig(self.aws, hook=self._slowed(hook, time, mark_seconds), decide=decide, time=time)
            self.invocations += 1
            started = time.now
            try:
                answer = rig.invoke(batch({number: visit(number) for number in self.waiting}))
            except Killed:
                self.crashes += 1
                continue
            finally:
                self.seconds += time.now - started
                self.held |= set(rig.sink.held)
                self.marked += len(rig.marks)
            failed = [int(each["itemIdentifier"]) for each in answer["batchItemFailures"]]
            self.waiting = [n for n in self.waiting if failed and int(sequence(n)) >= failed[0]]
            if not self.waiting:
                break
        return Rig(self.aws)

    @staticmethod
    def _slowed(hook: Callable[[str, Any], None], time: Time, seconds: float) -> Callable[[str, Any], None]:
        def slowed(step: str, about: Any) -> None:
            if step == "update_item":
                time.sleep(seconds)
            hook(step, about)

        return slowed


def settled(rig: Rig) -> Counter[str]:
    totals: Counter[str] = Counter()
    for entry in rig.closed():
        totals.update(delivered=entry.delivered, dead_lettered=entry.dead_lettered)
    return totals


@pytest.mark.parametrize("killers", [[0], [9], [4], [0, 9], [3, 4, 5], list(range(10))])
def test_each_killer_is_put_aside_unread_and_everything_else_is_delivered(
    aws: Aws, killers: list[int]
) -> None:
    shard = Shard(aws, range(10))
    rig = shard.run(killing(killers))
    letters = rig.letters()
    assert set(letters) == {f"bigquery/{identity(n)}" for n in killers}
    assert {letter.kind for letter in letters.values()} == {"crash"}
    assert letters[f"bigquery/{identity(killers[0])}"].payload == visit(killers[0])
    assert "died twice" in letters[f"bigquery/{identity(killers[0])}"].reason
    assert shard.held == {identity(n) for n in range(10) if n not in killers}
    assert settled(rig) == Counter(delivered=10 - len(killers), dead_lettered=len(killers))


@pytest.mark.parametrize(("killers", "crashes"), [([4], 2), ([0, 9], 3), ([3, 4, 5], 4)])
def test_the_first_killer_costs_two_crashes_and_each_further_one_of_its_batch_one(
    aws: Aws, killers: list[int], crashes: int
) -> None:
    shard = Shard(aws, range(10))
    shard.run(killing(killers))
    assert (shard.crashes, shard.invocations) == (crashes, crashes + 1)


def test_a_killer_alone_in_its_batch_does_not_hold_the_shard(aws: Aws) -> None:
    shard = Shard(aws, [7])
    rig = shard.run(killing([7]))
    assert (shard.crashes, shard.waiting) == (2, [])
    assert set(rig.letters()) == {f"bigquery/{identity(7)}"}


def test_a_record_that_kills_while_it_is_prepared_is_found_too(aws: Aws) -> None:
    shard = Shard(aws, range(5))
    rig = shard.run(killing([2], "prepare"))
    assert (shard.crashes, set(rig.letters())) == (2, {f"bigquery/{identity(2)}"})


def test_a_record_that_kills_while_it_is_delivered_is_found_after_three_crashes(aws: Aws) -> None:
    shard = Shard(aws, range(8))
    rig = shard.run(killing([5], "deliver"))
    assert (shard.crashes, set(rig.letters())) == (3, {f"bigquery/{identity(5)}"})
    assert settled(rig) == Counter(delivered=7, dead_lettered=1)


def test_a_record_that_memory_does_not_hold_is_refused_once_it_is_the_first(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "decode" and about == visit(2):
            raise MemoryError

    shard = Shard(aws, range(4))
    rig = shard.run(hook)
    assert (shard.crashes, shard.invocations) == (0, 2)
    (letter,) = rig.letters().values()
    assert (letter.id, letter.kind) == (f"bigquery/{identity(2)}", "crash")
    assert settled(rig) == Counter(delivered=3, dead_lettered=1)


def test_memory_that_other_records_filled_is_no_records_fault(aws: Aws) -> None:
    read: list[bytes] = []

    def hook(step: str, about: Any) -> None:
        if step == "decode":
            read.append(about)
            if len(read) % 4 == 0:
                raise MemoryError

    rig = Shard(aws, range(9)).run(hook)
    assert rig.letters() == {}
    assert settled(rig) == Counter(delivered=9, dead_lettered=0)


def test_a_delivery_that_memory_does_not_hold_is_halved(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "deliver" and (len(about) > 3 or visit(5) in [each.record.data for each in about]):
            raise MemoryError

    shard = Shard(aws, range(10))
    rig = shard.run(hook)
    assert shard.crashes == 0
    assert set(rig.letters()) == {f"bigquery/{identity(5)}"}
    assert settled(rig) == Counter(delivered=9, dead_lettered=1)


def test_a_crash_that_no_record_is_to_blame_for_refuses_nothing(aws: Aws) -> None:
    for step in ("query", "update_item", "deliver", "delivered", "query done", "update_item done"):
        shard = Shard(aws, range(10))
        crashed: list[int] = []

        def hook(name: str, _about: Any, step: str = step, crashed: list[int] = crashed) -> None:
            if name == step and not crashed:
                crashed.append(1)
                raise Killed

        rig = shard.run(hook)
        assert (shard.crashes, shard.waiting, rig.letters()) == (1, [], {})
        assert settled(rig) == Counter(delivered=10, dead_lettered=0)


def test_an_ordinary_batch_names_no_suspects(aws: Aws) -> None:
    shard = Shard(aws, range(10))
    shard.run()
    assert shard.marked == 0


def test_after_a_careful_batch_the_next_one_is_an_ordinary_one_again(aws: Aws) -> None:
    Shard(aws, range(10)).run(killing([4]))
    after = Shard(aws, range(10, 20))
    after.run()
    assert after.marked == 0


def test_a_killer_is_found_while_the_sink_is_down_and_stays_known(aws: Aws) -> None:
    """The outage lasts through it all: nothing is settled above the first record until the sink is back."""
    shard = Shard(aws, range(6))
    down = shard.run(killing([3]), lambda _: Retry("down"), at_most=12)
    assert (shard.crashes, down.letters(), len(shard.waiting)) == (2, {}, 6)
    rig = shard.run(killing([3]))
    assert (shard.crashes, shard.waiting) == (2, [])
    assert set(rig.letters()) == {f"bigquery/{identity(3)}"}
    assert settled(rig) == Counter(delivered=5, dead_lettered=1)


def test_records_that_were_read_without_harm_are_not_suspected_again_while_the_sink_is_down(aws: Aws) -> None:
    shard = Shard(aws, range(6))
    shard.run(killing([3]), lambda _: Retry("down"), at_most=3)
    before = shard.marked
    shard.run(killing([3]), lambda _: Retry("down"), at_most=5)
    assert shard.marked == before


def test_a_killer_whose_dead_letter_cannot_be_sent_stays_known_and_unread(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "send_message_batch":
            raise refusal("RequestThrottled")
        killing([3])(step, about)

    shard = Shard(aws, range(6))
    shard.run(hook, at_most=6)
    assert (shard.crashes, shard.waiting) == (2, [3, 4, 5])
    rig = shard.run(killing([3]))
    assert shard.crashes == 2
    assert set(rig.letters()) == {f"bigquery/{identity(3)}"}
    assert settled(rig) == Counter(delivered=5, dead_lettered=1)


def test_after_a_bisection_the_half_with_the_killer_is_read_with_care_at_once(aws: Aws) -> None:
    deadly = killing([7])
    assert Shard(aws, range(10)).run(deadly, at_most=1).letters() == {}
    first, second = Shard(aws, range(5)), Shard(aws, range(5, 10))
    first.run(deadly)
    second.run(deadly)
    assert (first.crashes, second.crashes) == (0, 1)
    assert set(Rig(aws).letters()) == {f"bigquery/{identity(7)}"}
    assert settled(Rig(aws)) == Counter(delivered=9, dead_lettered=1)


def test_a_mapping_created_anew_finds_what_the_old_one_knew(aws: Aws) -> None:
    Shard(aws, range(5, 10)).run(killing([7]), at_most=2)
    shard = Shard(aws, range(3, 9))
    rig = shard.run(killing([7]))
    assert shard.crashes == 0
    assert set(rig.letters()) == {f"bigquery/{identity(7)}"}


def test_a_careful_reading_that_runs_out_of_time_goes_on_with_care_in_the_next_invocation(aws: Aws) -> None:
    """At 0.2 s for each suspect named, 100 records need two careful invocations, with no crash between."""
    shard = Shard(aws, range(100))
    rig = shard.run(killing([90]), mark_seconds=0.2)
    assert (shard.crashes, shard.waiting) == (2, [])
    assert set(rig.letters()) == {f"bigquery/{identity(90)}"}
    assert settled(rig) == Counter(delivered=99, dead_lettered=1)
    assert shard.invocations > 3


def test_delivering_one_by_one_goes_on_where_time_ran_out(aws: Aws) -> None:
    shard = Shard(aws, range(60))
    rig = shard.run(killing([50], "deliver"), mark_seconds=0.3)
    assert (shard.crashes, shard.waiting) == (3, [])
    assert set(rig.letters()) == {f"bigquery/{identity(50)}"}


def test_a_ledger_that_falls_silent_under_a_careful_reading_refuses_nothing_unread(aws: Aws) -> None:
    shard = Shard(aws, range(6))
    shard.run(killing([5]), at_most=1)

    def hook(step: str, about: Any) -> None:
        suspect = step == "update_item" and about["ExpressionAttributeValues"].get(":suspect", {}).get("S")
        if suspect == sequence(3):
            raise refusal("InternalServerError")

    shard.run(hook, at_most=1)
    assert shard.waiting == [0, 1, 2, 3, 4, 5]
    rig = shard.run(killing([5]))
    assert set(rig.letters()) == {f"bigquery/{identity(5)}"}
    assert settled(rig) == Counter(delivered=5, dead_lettered=1)


def test_a_ledger_that_keeps_going_away_under_a_process_that_lives_costs_only_delay(aws: Aws) -> None:
    """Open, name suspects, then nothing goes through any more: again and again, in the same process."""
    mine: dict[str, int] = {"calls": 0, "until": 0}

    def hook(step: str, _about: Any) -> None:
        if step == "update_item":
            mine["calls"] += 1
            if mine["calls"] > mine["until"]:
                raise refusal("InternalServerError")

    Shard(aws, range(6)).run(killing([5]), at_most=1)
    event = batch({number: visit(number) for number in range(6)})
    rig = Rig(aws, hook=hook)
    for until in (1, 3, 5, 1, 2, 4, 7):
        mine.update(calls=0, until=until)
        with pytest.raises(DeliveryError):
            rig.invoke(event)
    mine.update(calls=0, until=100)
    assert rig.invoke(event) == {"batchItemFailures": []}
    assert rig.letters() == {}
    assert settled(rig) == Counter(delivered=6, dead_lettered=0)


def test_while_the_whole_batch_is_delivered_no_single_record_is_the_suspect(aws: Aws) -> None:
    shard = Shard(aws, range(3))
    shard.run(killing([1]), at_most=2)
    suspects: list[list[str]] = []
    rig = Rig(aws, hook=lambda step, _about: suspects.append(list(rig.marks)) if step == "deliver" else None)
    rig.invoke(batch({number: visit(number) for number in range(3)}))
    assert suspects[0][-1] == DELIVERY
