"""What does not agree, each in one sentence: which sink, both figures, and what may be behind it."""

from datetime import timedelta

from sluice.audit.spans import Span


def torn(sink: str, spans: tuple[Span, ...]) -> str:
    """Say that batches overlap newer ones in part."""
    shards = ", ".join(sorted({span.shard for span in spans}))
    records = sum(span.records for span in spans)
    return (
        f"{sink}: {len(spans)} batches of {shards} ({records} records) overlap newer ones in part, as after "
        "a mapping was created anew; wait until it has read past them, then audit again"
    )


def sink_differs(sink: str, found: int, ledger: int) -> str:
    """Say that the sink holds more or fewer events than the ledger says."""
    if found < ledger:
        return (
            f"{sink}: the ledger says {ledger} delivered, the sink holds {found}: {ledger - found} records "
            "were removed from it (an expired partition, a deletion) or lost"
        )
    return (
        f"{sink}: the sink holds {found} records, the ledger says {ledger} delivered: {found - ledger} were "
        "written by an invocation that never closed its books, or by something else"
    )


def queue_differs(sink: str, letters: int, ledger: int) -> str:
    """Say that the queue holds more or fewer dead letters than the ledger says."""
    if letters < ledger:
        return (
            f"{sink}: the ledger says {ledger} dead-lettered, the queue holds {letters}: {ledger - letters} "
            "dead letters were deleted, have expired, or are held by another reader"
        )
    return (
        f"{sink}: the queue holds {letters} dead letters, the ledger says {ledger}: {letters - ledger} come "
        "from before the time that was audited, or from an invocation that never closed its books"
    )


def between(sink: str, missing: int) -> str:
    """Say that records between settled batches may be late, and count as in flight."""
    return (
        f"{sink}: {missing} records between settled batches count as in flight: it works on several batches "
        "of a shard at once, and is behind"
    )


def too_many_behind(sink: str, behind: int) -> str:
    """Say that what is in flight was not counted to its end."""
    return (
        f"{sink}: more than {behind} records are in flight, too many to count: "
        "audit again when it has caught up"
    )


def total_differs(sink: str, records: int, produced: tuple[int, int]) -> str:
    """Say that more or fewer records are accounted for than the stream took in."""
    if records < produced[0]:
        return (
            f"{sink}: {produced[0] - records} of the {produced[0]} records that the stream "
            "accepted are in no state: not in the sink, not dead-lettered, not skipped, not in flight"
        )
    return (
        f"{sink}: {records - produced[1]} records more are accounted for than the stream's "
        f"{produced[1]}: its metric is some minutes late, or leaves out what arrived before the time audited"
    )


def filter_differs(sink: str, missing: int, events: int) -> str:
    """Say that what a mapping has filtered and handed over is not what the stream took in, by `missing`."""
    if missing > 0:
        return (
            f"{sink}: {missing} of the {events} events that the stream accepted are in no state: neither "
            "handed over nor dropped by its filter"
        )
    return (
        f"{sink}: {-missing} events more are accounted for than the {events} that the stream accepted: its "
        "filter dropped some that were handed over as well"
    )


def filter_unsure(sink: str, doubt: str, missing: int, events: int) -> str:
    """Say how far off a count of what a filter dropped is that is not exact."""
    about = "is" if not missing else f"is {abs(missing)} {'below' if missing > 0 else 'above'}"
    return (
        f"{sink}: what its filter dropped is {doubt}; with it the sum {about} "
        f"the {events} events that the stream accepted"
    )


def documents_differ(sink: str, documents: int, delivered: int) -> str:
    """Say that a search index holds more documents than events were delivered to it."""
    return (
        f"{sink}: the index holds {documents} documents, the ledger says {delivered} events delivered: "
        f"{documents - delivered} were written by an invocation that never closed its books, or by others"
    )


def documents_lack(sink: str, lacking: int, other: str, ids: int) -> str:
    """Say that a search index lacks events, told apart by id, that another sink holds."""
    return (
        f"{sink}: the index lacks {lacking} of the {ids} distinct ids that {other} holds, and did not "
        "refuse them: they were deleted (by the retention, or by hand) or lost"
    )


def stream_differs(sink: str, delivered: int, stream: str, taken_in: int) -> str:
    """Say that a route's own stream took in less than the route delivered."""
    return (
        f"{sink}: the ledger says {delivered} delivered, its stream {stream} took in {taken_in}: "
        f"{delivered - taken_in} are not there, or the stream was created anew"
    )


def overdue(sink: str, records: int, patience: timedelta) -> str:
    """Say that records have been on their way through a Firehose for too long."""
    hours = patience / timedelta(hours=1)
    return (
        f"{sink}: {records} records that arrived more than {hours:g} hours ago are in no state: they are"
        " lost, or its Firehose is that far behind (its metric KinesisMillisBehindLatest says so)"
    )
