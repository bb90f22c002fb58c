"""Lambda may invoke a batch again, cut anew or not, while an earlier invocation of it is still at work."""

from collections.abc import Mapping
from typing import Any

import pytest

from sluice.audit.spans import settle
from sluice.audit.window import window
from tests.unit.delivery.aws import TABLE, Aws
from tests.unit.delivery.builders import batch, visit
from tests.unit.delivery.rig import Rig, failures, identity

RECORDS: Mapping[int, bytes] = {0: visit(0), 1: b"bad", 2: visit(2), 3: visit(3), 4: visit(4)}
STATES = ("delivered", "dead_lettered", "skipped")
CUTS = ([(0, 5)], [(0, 3), (3, 5)], [(0, 2)], [(2, 5)])


@pytest.mark.parametrize("cuts", CUTS)
def test_a_batch_in_hand_twice_is_counted_once_wherever_the_second_comes_in(
    aws: Aws, cuts: list[tuple[int, int]]
) -> None:
    moments = 0
    while True:
        seen = 0

        def meanwhile(_step: str, _about: Any, moment: int = moments) -> None:
            nonlocal seen
            seen += 1
            if seen == moment + 1:
                for start, end in cuts:
                    again = {n: RECORDS[n] for n in range(start, end)}
                    assert Rig(aws).invoke(batch(again)) == failures()

        rig = Rig(aws, hook=meanwhile)
        assert rig.invoke(batch(RECORDS)) == failures()
        assert set(rig.sink.held) == {identity(n) for n in (0, 2, 3, 4)}
        assert [letter.kind for letter in rig.letters().values()] == ["contract"]
        settled = settle(window(rig.entries(), None).spans)
        assert settled.torn == ()
        assert [sum(getattr(span, state) for span in settled.spans) for state in STATES] == [4, 1, 0]
        moments += 1
        if seen < moments:
            return
        for item in aws.dynamodb.scan(TableName=TABLE)["Items"]:
            aws.dynamodb.delete_item(TableName=TABLE, Key={"lane": item["lane"], "first": item["first"]})
