"""What is tried of batches: what they look like, and how they are cut."""

from collections.abc import Iterator
from typing import Final

from sluice.probe.case import Case
from sluice.probe.findings import Finding, agrees_if, unclear
from sluice.probe.mappings import BY_NAME
from sluice.probe.trial import Trial, each_once, having, sequences

PAYLOAD_BYTES: Final = 6 * 1024 * 1024
_LARGE: Final = 900_000
_LARGE_RECORDS: Final = 7
_MANY: Final = 25
_APART_SECONDS: Final = 0.5
_SHAPE: Final = frozenset(
    {
        *("awsRegion", "eventID", "eventName", "eventSource", "eventSourceARN", "eventVersion"),
        *("invokeIdentityArn", "kinesis", "kinesis.approximateArrivalTimestamp", "kinesis.data"),
        *("kinesis.kinesisSchemaVersion", "kinesis.partitionKey", "kinesis.sequenceNumber"),
    }
)


def shape(trial: Trial) -> Iterator[Finding]:
    """One plain record."""
    trial.send(trial.order(0))
    seen = trial.until_seen(0)[0]
    (record,) = seen.records
    missing = sorted(_SHAPE - set(seen.shape))
    whole = isinstance(record.arrived, int | float) and int(record.sequence) == trial.sent[0]
    named = seen.shard == trial.shard.id and record.key == "key-0"
    saw = f"it lacks {', '.join(missing)}" if missing else f"all of {len(_SHAPE)} fields are there"
    yield agrees_if(not missing and whole and named, "event-shape", saw)


def no_json(trial: Trial) -> Iterator[Finding]:
    """Bytes that are no JSON, and a record after them."""
    trial.send_no_json(0)
    trial.send(trial.order(1))
    seen = trial.until_seen(1)
    came = any(record.kind == "other" for record in each_once(seen))
    yield agrees_if(
        came, "unfiltered-anything", "it came" if came else "the record after it came, it did not"
    )


def aggregate(trial: Trial) -> Iterator[Finding]:
    """An aggregate of three, which fails once by its sequence number."""
    trial.send_aggregate(*(trial.order(n, act="fail" if n == 0 else "") for n in range(3)))
    seen = trial.until(lambda seen: len(having(seen, 0)) > 1)
    first = seen[0].records[0]
    whole = first.kind == "aggregate" and first.inside == [0, 1, 2]
    words = "as one record" if whole else f"as {len(seen[0].records)} records of {first.kind}"
    yield agrees_if(whole, "aggregates-whole", f"three events in an aggregate came {words}")
    again = having(seen, 0)[1:]
    headed = bool(again) and sequences(again[0])[0] == trial.sent[0]
    saw = "it came again at the head of a batch" if headed else "it did not come again"
    yield agrees_if(headed, "aggregate-identifier", saw)


def payload(trial: Trial) -> Iterator[Finding]:
    """More than 6 MB that wait while a batch is held."""
    numbers = range(1, _LARGE_RECORDS + 1)
    trial.send(trial.order(0, act="hold"))
    trial.until_seen(0)
    trial.send(*(trial.order(n, pad="x" * _LARGE) for n in numbers))
    trial.journal.release(trial.case)
    seen = trial.until_seen(*numbers)
    sizes = [each.size for each in seen if set(each.numbers) & set(numbers)]
    missing = set(numbers) - {n for each in seen for n in each.numbers}
    together = max((len(each.records) for each in seen), default=0) > 1
    megabytes = ", ".join(f"{size / 1024 / 1024:.1f}" for size in sizes)
    saw = f"{_LARGE_RECORDS} records of 1.2 MB came in batches of {megabytes} MB"
    if missing:
        saw += f"; {len(missing)} did not come"
    elif not together:
        yield unclear("payload-cut", f"{saw}: they did not wait for one another")
        return
    holds = not missing and len(sizes) > 1 and max(sizes) <= PAYLOAD_BYTES
    yield agrees_if(holds, "payload-cut", saw)


def size(trial: Trial) -> Iterator[Finding]:
    """More records than a batch may have, which wait while a batch is held."""
    most = BY_NAME[trial.mapping].batch_size
    numbers = range(1, _MANY + 1)
    trial.send(trial.order(0, act="hold"))
    trial.until_seen(0)
    trial.send(*(trial.order(n) for n in numbers))
    trial.journal.release(trial.case)
    seen = trial.until_seen(*numbers)
    sizes = [each.batch for each in seen[1:]]
    saw = f"{_MANY} waiting records came in batches of {', '.join(map(str, sizes))}; the mapping says {most}"
    if sum(sizes) == len(sizes):
        yield unclear("batch-size", f"{saw}: they did not wait for one another")
        return
    yield agrees_if(max(sizes) <= most, "batch-size", saw)


def batching(trial: Trial) -> Iterator[Finding]:
    """Two records shortly one after the other, well within the batching window."""
    trial.send(trial.order(0))
    trial.sleep(_APART_SECONDS)
    trial.send(trial.order(1))
    seen = trial.until_seen(0, 1)
    together = seen[0].numbers == [0, 1]
    words = "together" if together else "in batches of their own"
    window = BY_NAME[trial.mapping].batching_seconds
    saw = f"two records {_APART_SECONDS} s apart came {words}, within a window of {window} s"
    yield agrees_if(together, "batching-window", saw)


CASES: Final = (
    Case(name="shape", mapping="plain", about=("event-shape",), play=shape),
    Case(name="no-json", mapping="plain", about=("unfiltered-anything",), play=no_json),
    Case(
        name="aggregate",
        mapping="plain",
        about=("aggregates-whole", "aggregate-identifier"),
        play=aggregate,
    ),
    Case(name="payload", mapping="plain", about=("payload-cut",), play=payload),
    Case(name="size", mapping="parts", about=("batch-size",), play=size),
    Case(name="batching", mapping="parts", about=("batching-window",), play=batching),
)
