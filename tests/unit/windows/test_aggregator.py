"""What the aggregator does with the calls of one shard, one promise at a time."""

import json
from datetime import UTC, datetime

import pytest

from sluice.errors import DeliveryError
from sluice.windows import gathered, tumbling
from sluice.windows.keys import redriven_lane
from tests.property.aggregator_rig import AFTER
from tests.property.fake_kinesis import Shard
from tests.unit.delivery.builders import Killed
from tests.unit.windows.calls import SHARD, START, Bench, hit


def test_records_count_when_their_window_is_over_and_not_before() -> None:
    bench = Bench(*(hit(f"h{n}") for n in range(3)))
    state = bench.take([0, 1])
    assert bench.headers() == []
    assert bench.take([2], state) != {}
    state = bench.take([2], state)
    assert bench.close(state) == {"state": {}}
    assert bench.counts() == {"a": 3}
    assert [(one.delivered, one.skipped, one.dead_lettered) for one in bench.headers()] == [(3, 0, 0)]


def test_a_state_goes_on_in_a_process_that_has_never_seen_it() -> None:
    bench = Bench(*(hit(f"h{n}", page="ab"[n % 2]) for n in range(4)))
    state = bench.take([0, 1])
    bench.restart()
    state = bench.take([2, 3], json.loads(json.dumps(state)))
    bench.restart()
    bench.close(state)
    assert bench.counts() == {"a": 2, "b": 2}
    assert bench.runtime.reports[-1].recovered == 0


def test_a_tail_that_comes_again_counts_once_with_and_without_its_state() -> None:
    bench = Bench(*(hit(f"h{n}") for n in range(5)))
    first = bench.take([0, 1])
    second = bench.take([2, 3], first)
    assert bench.take([1, 2, 3], second) == second
    bench.close(second)
    assert bench.take([2, 3], first) == {}
    assert bench.take([0, 1, 2, 3]) == {}
    bench.close(bench.take([3, 4]))
    assert bench.counts() == {"a": 5}


def test_records_whose_state_was_lost_are_read_from_the_stream_again() -> None:
    bench = Bench(*(hit(f"h{n}") for n in range(6)))
    bench.take([3, 4], bench.take([0, 1, 2]))
    state = bench.take([5])
    assert bench.runtime.reports[-1].recovered == 5
    bench.close(state)
    assert bench.counts() == {"a": 6}


def test_a_final_call_without_state_or_records_recovers_its_window() -> None:
    bench = Bench(*(hit(f"h{n}") for n in range(3)))
    bench.take([0, 1, 2])
    bench.restart()
    assert bench.close() == {"state": {}}
    assert bench.counts() == {"a": 3}


def test_a_state_of_another_version_is_recovered_from_the_stream() -> None:
    bench = Bench(hit("h0"), hit("h1"))
    state = bench.take([0])
    bench.close(bench.take([1], {**state, "v": "0"}))
    assert bench.counts() == {"a": 2}


def test_records_that_have_left_the_stream_are_told_and_hold_nothing_up() -> None:
    bench = Bench(*(hit(f"h{n}") for n in range(3)))
    bench.take([0, 1])
    del bench.shard.arrivals[0:2]
    bench.shard.arrivals.insert(0, bench.shard.arrivals[0])
    bench.shard.arrivals.insert(0, bench.shard.arrivals[0])
    event = bench.event([2])
    del bench.shard.arrivals[0:2]
    state = bench.runtime.invoke(event)["state"]
    assert bench.runtime.reports[-1].lost
    bench.close(state)
    assert bench.counts() == {"a": 1}


def test_young_records_that_the_stream_does_not_give_are_waited_for() -> None:
    bench = Bench(hit("h0"))
    bench.take([0])
    event = bench.event([], isFinalInvokeForWindow=True)
    (kept,) = bench.shard.arrivals
    bench.shard.arrivals.clear()
    with pytest.raises(DeliveryError, match="does not give records"):
        bench.runtime.invoke(event)
    bench.shard.arrivals.append(kept)
    bench.close()
    assert bench.counts() == {"a": 1}


def test_a_deploy_in_the_middle_of_a_window_loses_and_mixes_nothing() -> None:
    bench = Bench(*(hit(f"h{n}") for n in range(3)))
    state = bench.take([0, 1])
    bench.restart(of=AFTER)
    bench.close(bench.take([2], state))
    assert bench.counts() == {"a": 3}
    assert bench.counts("grows") == {"all": 3}
    assert bench.counts("reshaped") == {"all": 1}
    assert bench.table.current().keys() == {"stays", "once", "reshaped", "grows"}
    versions = [one.version for one in bench.table.definitions() if one.name == "reshaped"]
    assert len(versions) == 2


def test_more_groups_than_the_state_holds_are_committed_early(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gathered, tumbling):
        monkeypatch.setattr(module, "STATE_LIMIT", 4000)
    bench = Bench(*(hit(f"h{n}", page=f"page{n}") for n in range(60)))
    state = bench.take(range(10))
    for start in range(10, 60, 10):
        state = bench.take(range(start, start + 10), state)
        assert len(json.dumps(state)) <= 4000
    assert bench.close(state) == {"state": {}}
    assert sum(report.spilled for report in bench.runtime.reports) >= 1
    assert bench.counts() == {f"page{n}": 1 for n in range(60)}


def test_the_state_warns_before_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(hit("h0"), hit("h1", page="b"))
    state = bench.take([0])
    assert not bench.runtime.reports[-1].near_limit
    monkeypatch.setattr("sluice.windows.tumbling.STATE_LIMIT", len(json.dumps(state)) * 3 // 2)
    bench.take([0])
    assert bench.runtime.reports[-1].near_limit


def test_a_segment_of_thousands_of_windows_fits_its_header() -> None:
    far = [hit(f"h{n}", at=START / 1000 - 60 * n) for n in range(5000)]
    bench = Bench(*far)
    bench.close(bench.take(range(5000)))
    assert len(bench.headers()) >= 2
    assert bench.counts() == {"a": 5000}


def test_all_parts_of_a_window_expire_together_and_before_their_header() -> None:
    bench = Bench(hit("h0"), hit("h1"), hit("h2", at=START / 1000 + 5))
    bench.close(bench.take([0]))
    bench.close(bench.take([1, 2]))
    items = [item for (_, _), item in bench.outside.dynamodb.tables["windows"].items()]
    parts = [item for item in items if item["pk"]["S"].startswith("window#stays#")]
    starts = {part["sk"]["S"].partition("#")[0] for part in parts}
    expiries = {(part["sk"]["S"].partition("#")[0], part["expires_at"]["N"]) for part in parts}
    assert len(parts) > len(starts) == len(expiries)
    headers = [item for item in items if item["pk"]["S"].startswith("segments#")]
    latest = max(int(part["expires_at"]["N"]) for part in parts)
    assert all(int(header["expires_at"]["N"]) > latest for header in headers)
    assert min(int(expiry) for _, expiry in expiries) > START / 1000 + 402 * 86_400


def test_what_would_land_in_an_expired_window_is_a_dead_letter_and_what_no_metric_wants_is_not() -> None:
    old = START / 1000 - 401 * 86_400
    aside = json.dumps({"type": "aside", "at": datetime.fromtimestamp(old, UTC).isoformat()}).encode()
    bench = Bench(hit("h0", at=old), aside, hit("h1", at=START / 1000 + 367 * 86_400), hit("h2"))
    bench.close(bench.take([0, 1, 2, 3]))
    letters = bench.outside.letterbox.held.values()
    assert [(letter.kind, letter.field) for letter in letters] == [("rejected", "at"), ("rejected", "at")]
    assert [letter.reason.split(",")[0] for letter in letters] == [
        "the event is 401 days older than its record",
        "the event lies 367 days after its record's arrival",
    ]
    (header,) = bench.headers()
    assert (header.delivered, header.skipped, header.dead_lettered) == (1, 1, 2)


def test_an_event_id_counts_once_where_the_metric_says_so_and_its_retry_is_no_duplicate() -> None:
    bench = Bench(hit("same"), hit("other"), hit("same"), hit("same"))
    bench.take([0, 1, 2])
    bench.restart()
    bench.close(bench.take([0, 1, 2, 3]))
    assert bench.counts("once") == {"a": 2}
    assert bench.counts("stays") == {"a": 4}


def test_a_call_without_a_tumbling_window_is_committed_at_once() -> None:
    bench = Bench(hit("h0"))
    event = {"Records": [bench.record(0)]}
    assert bench.runtime.invoke(event) == {"state": {}}
    assert bench.counts() == {"a": 1}


def test_an_event_that_no_mapping_wrote_is_refused_with_what_to_do() -> None:
    with pytest.raises(DeliveryError, match="invoke the function through its event-source mapping"):
        Bench(hit("h0")).runtime.invoke({"Records": []})


def test_a_record_that_kills_the_function_is_put_aside_and_nothing_else() -> None:
    bench = Bench(hit("h0"), hit("killer"), hit("h1"))
    for _ in range(2):
        with pytest.raises(Killed):
            bench.restart().invoke(bench.event([0, 1, 2]))
    bench.restart()
    bench.close(bench.take([0, 1, 2]))
    assert bench.counts() == {"a": 2}
    assert [letter.kind for letter in bench.outside.letterbox.held.values()] == ["crash"]


def test_a_record_that_cannot_be_counted_is_put_aside_in_the_next_attempt() -> None:
    bench = Bench(hit("h0"), hit("h1", page="touchy"), hit("h2"))
    with pytest.raises(DeliveryError, match="ArithmeticError"):
        bench.take([0, 1, 2])
    bench.close(bench.take([0, 1, 2]))
    assert bench.counts() == {"a": 2}
    assert [letter.kind for letter in bench.outside.letterbox.held.values()] == ["crash"]


def test_a_careful_attempt_that_ended_well_blames_nobody_when_its_records_come_again() -> None:
    bench = Bench(hit("h0"), hit("killer"), hit("h1"))
    for _ in range(2):
        with pytest.raises(Killed):
            bench.restart().invoke(bench.event([0, 1, 2]))
    bench.restart()
    bench.take([0, 1, 2])
    assert not {"suspect", "attempts", "careful_until"} & bench.lane().keys()
    bench.restart()
    bench.close(bench.take([0, 1, 2]))
    assert bench.counts() == {"a": 2}
    assert len(bench.outside.letterbox.held) == 1
    bench.add(hit("h3"))
    bench.take([3])
    assert not bench.runtime.reports[-1].careful


def test_redriven_records_count_once_and_only_what_was_refused() -> None:
    bench = Bench(hit("h0"), b"not json", hit("h1"))
    bench.close(bench.take([0, 1, 2]))
    bench.shard.arrivals[1].data = hit("mended", page="mended")
    for _ in range(2):
        outcomes = bench.redrive(0, 1, 2)["outcomes"]
        assert set(outcomes.values()) == {"delivered"}
    assert bench.counts() == {"a": 2, "mended": 1}
    assert [one.number for one in bench.headers(redriven_lane(SHARD))] == [0]


def test_a_redrive_into_a_window_that_is_still_in_hand_waits_for_its_end() -> None:
    bench = Bench(hit("h0"), b"not json")
    state = bench.take([0, 1])
    bench.shard.arrivals[1].data = hit("mended", page="mended")
    assert bench.redrive(1) == {
        "batchItemFailures": [{"itemIdentifier": bench.shard.arrivals[1].sequence}],
        "outcomes": {},
    }
    bench.close(state)
    assert bench.redrive(1)["outcomes"] == {f"{SHARD}/{bench.shard.arrivals[1].sequence}": "delivered"}
    assert bench.counts() == {"a": 1, "mended": 1}


def test_the_right_segment_is_found_among_many() -> None:
    bench = Bench(*(b"not json" if n % 3 == 0 else hit(f"h{n}") for n in range(40)))
    for number in range(40):
        bench.close(bench.take([number]))
    for number in range(40):
        bench.shard.arrivals[number].data = hit(f"h{number}", page="again")
    assert set(bench.redrive(*range(40))["outcomes"].values()) == {"delivered"}
    assert bench.counts() == {"a": 26, "again": 14}


def test_a_shard_that_was_split_holds_no_watermark_back_once_its_end_is_counted() -> None:
    bench = Bench(hit("h0"))
    bench.kinesis.shards.append(Shard("parent", START - 60_000, closed=START - 30_000))
    bench.kinesis.now = START + 10_500
    bench.close(bench.take([0]))
    watermark = bench.table.watermark()
    assert watermark is not None
    assert watermark.through == START + 10_000


def test_the_watermark_waits_for_shards_that_are_in_hand_or_unknown_and_asks_those_at_rest() -> None:
    bench = Bench(hit("h0"))
    assert bench.census() is None
    state = bench.take([0])
    assert bench.census() is None
    bench.kinesis.now = START + 11_000
    bench.close(state)
    watermark = bench.table.watermark()
    assert watermark is not None
    assert watermark.through == START + 10_000
    bench.kinesis.now = START + 60_000
    assert bench.census() == START + 55_000
    bench.shard.closed = START + 61_000
    bench.kinesis.now = START + 120_000
    assert bench.census() == START + 119_750
    assert bench.table.lanes()[SHARD].ended


def test_an_early_end_does_not_say_that_its_window_is_complete() -> None:
    bench = Bench(hit("h0"), hit("h1"))
    bench.kinesis.now = START + 12_000
    bench.close(bench.take([0, 1]), early=True)
    watermark = bench.table.watermark()
    assert watermark is not None
    assert watermark.through <= START + 1000


def test_an_aggregate_comes_again_as_a_whole_when_a_dead_letter_within_it_cannot_be_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(hit("h0"))
    bench.shard.arrivals[0].join(b"not json")
    with monkeypatch.context() as broken:
        broken.setattr(
            bench.outside.letterbox, "send", lambda letters, _: {letter.id: "no" for letter in letters}
        )
        with pytest.raises(DeliveryError, match="its dead letter could not be sent: no"):
            bench.take([0])
    bench.close(bench.take([0]))
    assert bench.counts() == {"a": 1}
    assert len(bench.outside.letterbox.held) == 1
