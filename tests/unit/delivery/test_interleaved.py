"""Above parallelization 1 several invocations have batches of one shard in hand, whose records interleave."""

from typing import Any

from sluice.delivery import DELIVERED, Accepted, Outcome, Retry
from tests.unit.delivery.aws import Aws
from tests.unit.delivery.builders import Killed, batch, sequence, visit
from tests.unit.delivery.rig import Rig, by_number, counts, failures, identity

ODD, EVEN = batch({n: visit(n) for n in (1, 3, 5, 7)}), batch({n: visit(n) for n in (2, 4, 6)})


def test_a_neighbour_that_is_still_at_work_is_no_crash(aws: Aws) -> None:
    neighbour = Rig(aws, disjoint=False)

    def meanwhile(step: str, _about: Any) -> None:
        if step == "deliver":
            assert neighbour.invoke(EVEN) == failures()

    rig = Rig(aws, disjoint=False, hook=meanwhile)
    assert rig.invoke(ODD) == failures()
    assert (rig.marks, neighbour.marks) == ([], [])
    assert counts(rig) == [(4, 0, 0), (3, 0, 0)]


def test_what_a_neighbour_reads_with_care_is_no_killer(aws: Aws) -> None:
    def dies(step: str, about: Any) -> None:
        if step == "decode" and about == visit(1):
            raise Killed

    assert Rig(aws, disjoint=False, hook=dies).killed(ODD)

    def meanwhile(step: str, about: Any) -> None:
        if step == "decode" and about == visit(3):
            busy = Rig(aws, disjoint=False, decide=by_number({2: Retry("busy")}))
            assert busy.invoke(EVEN) == failures(2)  # while record 3 is the suspect of the other batch

    def busy(accepted: Accepted) -> Outcome:
        return Retry("busy") if accepted.record.sequence == sequence(3) else DELIVERED

    careful = Rig(aws, disjoint=False, hook=meanwhile, decide=busy)
    assert careful.invoke(ODD) == failures(3)
    rest = Rig(aws, disjoint=False)
    assert rest.invoke(batch({n: visit(n) for n in (3, 5, 7)})) == failures()
    assert rest.letters() == {}
    assert identity(3) in rest.sink.held


def test_a_killer_is_put_aside_among_interleaved_batches_too(aws: Aws) -> None:
    def dies(step: str, about: Any) -> None:
        if step == "decode" and about == visit(3):
            raise Killed

    crashes = 0
    rig = Rig(aws, disjoint=False, hook=dies)
    while rig.killed(ODD):
        crashes += 1
        assert Rig(aws, disjoint=False).invoke(EVEN) == failures()
        rig = Rig(aws, disjoint=False, hook=dies)
    assert crashes == 2
    assert [letter.kind for letter in rig.letters().values()] == ["crash"]
    assert set(rig.sink.held) == {identity(1), identity(5), identity(7)}
