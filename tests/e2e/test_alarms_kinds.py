"""Every kind of alarm that the program can declare has been made to ring, or it is said why not."""

from infra.alarm_kinds import NAMES
from tests.e2e import test_alarms_lake, test_alarms_late, test_alarms_losing

NOT_HERE = {
    "firehose-behind": "the local Firehose reads whatever there is in one go, and is never behind",
}
FIRED = {kind for each in (test_alarms_lake, test_alarms_late, test_alarms_losing) for kind in each.FIRES}


def test_every_kind_of_alarm_is_made_to_ring_or_it_is_said_why_not() -> None:
    assert set(NAMES) == FIRED | NOT_HERE.keys()
    assert not FIRED & NOT_HERE.keys()
