"""How old a Firehose's oldest record is: what its alarms on freshness look at."""

from sluice.local.lake.faults import Fault
from tests.unit.local_cloud.test_lake_engine import Scene, StubStream


def test_the_oldest_record_ages_until_it_is_delivered_and_then_nothing_does() -> None:
    scene = Scene(StubStream(s=[b"one"]))
    scene.tables.refuses = 10
    scene.run(steps=20)
    age = scene.delivery.age_seconds
    assert age > 0
    scene.stream.records["s"].append(b"two")
    scene.run(steps=10)
    assert scene.delivery.age_seconds > age
    assert scene.delivery.counts.refusals > 0
    scene.tables.refuses = 0
    scene.run(steps=40)
    assert scene.delivery.age_seconds == 0
    assert (scene.delivery.counts.commits, scene.delivery.behind_ms()) == (scene.tables.commits, 0)


def test_what_is_read_again_after_a_restart_begins_to_age_then() -> None:
    scene = Scene(StubStream(s=[b"one"]))
    scene.tables.refuses = 100
    scene.run(steps=20)
    before = scene.delivery.age_seconds
    scene.faults.add(Fault(kind="restart", when="before"))
    scene.run(steps=3)
    assert 0 < scene.delivery.age_seconds < before
