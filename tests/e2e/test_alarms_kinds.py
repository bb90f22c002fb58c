"""Every kind of alarm that the program can declare has been made to ring."""

from infra.alarm_kinds import NAMES
from tests.e2e import test_alarms_lake, test_alarms_late, test_alarms_losing

FIRED = {kind for each in (test_alarms_lake, test_alarms_late, test_alarms_losing) for kind in each.FIRES}


def test_every_kind_of_alarm_is_made_to_ring() -> None:
    assert set(NAMES) == FIRED
