"""The classic, on one of its shards: 8,000 events a second of 1 KB over 10 shards, for three consumers."""

from statistics import mean

import pytest

from sluice.local.fan_out import FanOut, Scene


def scene(**changes: object) -> Scene:
    settled = {"shards": 1, "events_per_second": 800, "seconds": 60, "enhanced": False} | changes
    return Scene(**settled)  # type: ignore[arg-type]  # of the scene's own kinds


def test_the_classic_wants_24_megabytes_a_second_of_20() -> None:
    assert (Scene(enhanced=False).wanted, Scene(enhanced=False).given) == (24_000_000, 20_000_000)
    assert Scene(enhanced=True).given == 60_000_000


@pytest.mark.parametrize("retry_seconds", [0.1, 1])
@pytest.mark.parametrize("seed", [1, 2])
def test_three_shared_readers_fall_behind_however_soon_they_try_again(
    retry_seconds: float, seed: int
) -> None:
    found = FanOut(scene(retry_seconds=retry_seconds, seed=seed)).run()
    lags = [consumer.seconds[59].lag for consumer in found.consumers]
    assert mean(lags) > 60 / 6 * 0.9  # all three together get at most 20 of 24
    assert all(consumer.seconds[59].lag > consumer.seconds[29].lag for consumer in found.consumers)
    assert all(sum(second.refused for second in consumer.seconds) for consumer in found.consumers)
    read = sum(second.read for consumer in found.consumers for second in consumer.seconds)
    assert read <= 2_000_000 * 61


def test_three_enhanced_consumers_keep_up_and_nobody_is_refused() -> None:
    found = FanOut(scene(enhanced=True)).run()
    for consumer in found.consumers:
        assert max(second.lag for second in consumer.seconds[5:]) < 0.3
        assert sum(second.refused for second in consumer.seconds) == 0
        assert sum(second.read for second in consumer.seconds) >= 800 * 1_000 * 59
        assert mean(consumer.latencies) < 0.2


def test_two_shared_readers_keep_up() -> None:
    found = FanOut(scene(consumers=2)).run()
    for consumer in found.consumers:
        assert max(second.lag for second in consumer.seconds[5:60]) < 1.5
        assert sum(second.refused for second in consumer.seconds) == 0


def test_a_consumer_is_pushed_two_megabytes_a_second_of_a_shard_and_no_more() -> None:
    hungry = FanOut(scene(enhanced=True, consumers=1, events_per_second=3_000, seconds=20)).run()
    (consumer,) = hungry.consumers
    assert sum(second.read for second in consumer.seconds[5:15]) == pytest.approx(20_000_000, rel=0.02)
    assert consumer.seconds[19].lag > 5
