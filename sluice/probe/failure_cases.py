"""What is tried of failures: partial answers, retries, bisecting, what is given up, keys side by side."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from sluice.probe.case import Case
from sluice.probe.findings import Finding, agrees_if, unclear
from sluice.probe.mappings import BY_NAME
from sluice.probe.orders import ALWAYS
from sluice.probe.trial import Trial, having, sequences

_POINTER: Final = (
    "shardId",
    "startSequenceNumber",
    "endSequenceNumber",
    "batchSize",
    "streamArn",
    "approximateArrivalOfFirstRecord",
    "approximateArrivalOfLastRecord",
)
_AGE_MARGIN_SECONDS: Final = 150.0
_KEYS: Final = 12


def partial(trial: Trial) -> Iterator[Finding]:
    """Ten records of which two are named as failures, the later one first."""
    failing = (6, 3)
    trial.send(*(trial.order(n, act="fail" if n in failing else "") for n in range(10)))
    seen = trial.until(lambda seen: len(having(seen, 9)) > 1)
    first = next(each for each in seen if set(failing) & set(each.numbers))
    lowest = min(trial.sent[n] for n in failing if n in first.numbers)
    again = [each for each in seen[seen.index(first) + 1 :] if each.records]
    if not again:
        yield agrees_if(holds=False, assumption="partial-from-lowest", saw="the batch did not come again")
        return
    wanted = [each for each in sequences(first) if each >= lowest]
    found = [number for each in again for number in sequences(each)]
    holds = sequences(again[0])[0] == lowest and found[: len(wanted)] == wanted and min(found) >= lowest
    place = sequences(first).index(lowest) + 1
    words = (
        f"the next batch began with number {len(sequences(first)) - len(wanted) + 1}"
        if holds
        else (
            f"the next batch had {len(again[0].records)} records, and "
            f"{sum(number < lowest for number in found)} from before it came again"
        )
    )
    saw = f"number {place} of {len(first.records)} was the lowest failure: {words}"
    yield agrees_if(holds, "partial-from-lowest", saw)


def empty(trial: Trial) -> Iterator[Finding]:
    """An empty list, then null in its place; each followed by a record that shows that the shard went on."""
    words = []
    for n, said in ((0, []), (2, None)):
        trial.send(trial.order(n, act="answer", times=ALWAYS, say={"batchItemFailures": said}))
        trial.until_seen(n)
        trial.send(trial.order(n + 1))
        seen = trial.until_seen(n + 1)
        if len(having(seen, n)) > 1:
            words.append("null" if said is None else "an empty list")
    saw = f"{' and '.join(words)} failed the batch" if words else "the shard went on after both"
    yield agrees_if(not words, "partial-empty", saw)


def misnamed(trial: Trial) -> Iterator[Finding]:
    """A batch answered with an identifier that is empty, and one with another's."""
    for start, identifier, assumption in ((0, "", "partial-blank"), (10, "1", "partial-unknown")):
        said = {"batchItemFailures": [{"itemIdentifier": identifier}]}
        numbers = range(start, start + 3)
        trial.send(*(trial.order(n, act="answer" if n == start else "", say=said) for n in numbers))
        trial.until_seen(*numbers)
        trial.send(trial.order(start + 5))  # shows that the shard went on, whatever became of the batch
        seen = trial.until_seen(start + 5)
        tries = having(seen, start)
        again = len(tries) > 1 and sequences(tries[1])[0] == sequences(tries[0])[0]
        saw = "the batch came again as a whole" if again else f"the batch came {len(tries)} times"
        yield agrees_if(again, assumption, saw)


def given_up(trial: Trial) -> Iterator[Finding]:
    """Five records that fail whatever happens, and one after them."""
    numbers = range(5)
    trial.send(*(trial.order(n, act="raise", times=ALWAYS) for n in numbers))
    trial.until_seen(0)
    messages = trial.until_given_up()
    seen = trial.seen()
    tries = [sequences(each) for each in having(seen, 0)]
    same = len(tries) > 1 and all(each == tries[0] for each in tries)
    saw = f"it came {len(tries)} times, {'always the same' if same else 'not always the same'} records"
    yield agrees_if(same, "redelivered-same", saw)
    limit = BY_NAME[trial.mapping].retries + 1
    yield agrees_if(len(tries) == limit, "retries-counted", f"tried {len(tries)} times of {limit}")
    if messages:
        yield _judged(trial, messages[0], tries[0] if tries else [])
    else:
        yield agrees_if(holds=False, assumption="pointer-shape", saw="no message came")
    trial.send(trial.order(9))
    seen = trial.until_seen(9)
    went_on = bool(having(seen, 9))
    saw = "the next record was taken" if went_on else "the next record did not come"
    yield agrees_if(went_on, "shard-goes-on", saw)


def _judged(trial: Trial, message: dict[str, Any], batch: list[int]) -> Finding:
    info = message.get("KinesisBatchInfo") or {}
    missing = [key for key in _POINTER if key not in info]
    condition = (message.get("requestContext") or {}).get("condition")
    right = (
        str(info.get("shardId")) == trial.shard.id
        and str(info.get("streamArn", "")).endswith(f"/{trial.stream}")
        and int(info.get("batchSize", 0)) == len(batch)
        and [int(info.get(key, 0)) for key in _POINTER[1:3]] == [batch[0], batch[-1]]
        if batch and not missing
        else False
    )
    if missing:
        saw = f"the message lacks {', '.join(missing)}"
    else:
        saw = f"{info['batchSize']} records, {condition}, {'as' if right else 'not as'} they were tried"
    return agrees_if(right and condition == "RetryAttemptsExhausted", "pointer-shape", saw)


def bisect(trial: Trial) -> Iterator[Finding]:
    """Eight records of which one fails whatever happens."""
    bad, numbers = 5, range(8)
    trial.send(*(trial.order(n, act="raise" if n == bad else "", times=ALWAYS) for n in numbers))
    trial.until_seen(0)
    messages = trial.until_given_up()
    seen = trial.until_seen(*numbers)
    alone = bool(messages) and [each.get("KinesisBatchInfo", {}).get("batchSize") for each in messages] == [1]
    taken = {n for each in seen if each.answer != "raise" for n in each.numbers}
    lost = sorted(set(numbers) - taken - {bad})
    sizes = [len(each.records) for each in having(seen, bad)]
    cuts = ", ".join(map(str, sizes))
    saw = f"the bad one came in batches of {cuts}" + (
        f"; {len(lost)} good ones were not taken" if lost else ""
    )
    yield agrees_if(alone and not lost, "bisect-finds", saw)
    limit = BY_NAME[trial.mapping].retries + 1
    saw = f"tried {len(sizes)} times, {sizes.count(1)} of them alone, with {limit - 1} retry"
    yield agrees_if(len(sizes) > limit and sizes[-1:] == [1], "bisect-free", saw)


def bisect_partial(trial: Trial) -> Iterator[Finding]:
    """Eight records of which the sixth is named as a failure once."""
    bad, numbers = 5, range(8)
    trial.send(*(trial.order(n, act="fail" if n == bad else "") for n in numbers))
    seen = trial.until(lambda seen: len(having(seen, 7)) > 1)
    tries = having(seen, bad)
    if len(tries) == 1:
        yield agrees_if(holds=False, assumption="bisect-partial", saw="the batch did not come again")
        return
    headed = sequences(tries[1])[0] == trial.sent[bad]
    before = sum(trial.sent[n] < trial.sent[bad] for n in tries[1].numbers)
    words = "began with it" if headed else f"had {before} records before it"
    yield agrees_if(headed, "bisect-partial", f"the next batch with the failure {words}")


def age(trial: Trial) -> Iterator[Finding]:
    """Three records that fail whatever happens, on a mapping with an age limit and without one of retries."""
    trial.send(*(trial.order(n, act="raise", times=ALWAYS) for n in range(3)))
    trial.until_seen(0)
    limit = BY_NAME[trial.mapping].oldest_seconds
    messages = trial.until_given_up(limit + _AGE_MARGIN_SECONDS)
    tries = having(trial.seen(), 0)
    if not messages:
        saw = f"not given up {limit + _AGE_MARGIN_SECONDS:.0f} s later"
        yield agrees_if(holds=False, assumption="age-limit", saw=saw)
        return
    condition = (messages[0].get("requestContext") or {}).get("condition")
    lasted = tries[-1].at - tries[0].at
    saw = f"{condition}; last tried {lasted:.0f} s after the first time, with a limit of {limit} s"
    yield agrees_if(condition == "RecordAgeExceeded", "age-limit", saw)


def keys(trial: Trial) -> Iterator[Finding]:
    """A key whose record is held, and others with two records each."""
    trial.send(trial.order(0, act="hold"), key="held")
    trial.until_seen(0)
    by_key = {f"other-{key}": (2 * key + 1, 2 * key + 2) for key in range(_KEYS)}
    for key, pair in by_key.items():
        trial.send(*(trial.order(n) for n in pair), key=key)
    seen = trial.until(lambda seen: len(seen) > 1, trial.patience.seconds / 3)
    beside = len({record.key for each in seen for record in each.records} - {"held"})
    trial.journal.release(trial.case)
    saw = f"records of {beside} of {_KEYS} other keys came while one key was held"
    yield agrees_if(beside, "keys-apart", saw)
    seen = trial.until_seen(*(n for pair in by_key.values() for n in pair))
    orders: defaultdict[str, list[int]] = defaultdict(list)
    for each in seen:
        for record in each.records:
            if record.n not in orders[record.key]:
                orders[record.key].append(record.n)
    wrong = [key for key, pair in by_key.items() if orders[key] != list(pair)]
    missing = [key for key, pair in by_key.items() if len(orders[key]) < len(pair)]
    if missing:
        yield unclear("keys-in-order", f"records of {len(missing)} keys did not come")
        return
    saw = f"{len(wrong)} of {_KEYS} keys came out of order" if wrong else f"{_KEYS} keys came in order"
    yield agrees_if(not wrong, "keys-in-order", saw)


CASES: Final = (
    Case(name="partial", mapping="parts", about=("partial-from-lowest",), play=partial),
    Case(name="empty", mapping="plain", about=("partial-empty",), play=empty),
    Case(name="misnamed", mapping="plain", about=("partial-blank", "partial-unknown"), play=misnamed),
    Case(
        name="given-up",
        mapping="parts",
        about=("redelivered-same", "retries-counted", "pointer-shape", "shard-goes-on"),
        play=given_up,
    ),
    Case(name="bisect", mapping="halves", about=("bisect-finds", "bisect-free"), play=bisect),
    Case(name="bisect-partial", mapping="halves", about=("bisect-partial",), play=bisect_partial),
    Case(name="age", mapping="aged", about=("age-limit",), play=age, slow=True),
    Case(name="keys", mapping="keyed", about=("keys-apart", "keys-in-order"), play=keys),
)
