"""A search index held against the other sinks: it keeps one document per event, however often that came."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sluice.audit import differences
from sluice.audit.books import SinkBooks
from sluice.audit.evidence import Evidence
from sluice.errors import EnvironmentProblem


def against_others(
    sinks: Sequence[SinkBooks], evidence: Mapping[str, Evidence], *, keeping: Collection[str]
) -> tuple[SinkBooks, ...]:
    """Say what a search index holds too much or too little of.

    Its documents are at most the events delivered to it. Of the distinct ids that a sink with rows of the
    same stream holds (`keeping` names them) it may lack no more than it refused, or has still before it. Ids
    and not events: one that is used again, with another event time of the same period, is one document.
    """
    rows = [sink for sink in sinks if sink.sink in keeping]
    return tuple(_compared(sink, evidence[sink.sink].documents, _ids(sink, rows, evidence)) for sink in sinks)


def documents_of(
    sink: str, count: Callable[[datetime | None], int] | None, since: datetime | None
) -> tuple[int | None, tuple[str, ...]]:
    """Count the documents; where the index cannot be reached from here, as a private one, say so instead."""
    if count is None:
        return None, ()
    try:
        return count(since), ()
    except EnvironmentProblem as problem:
        return None, (f"{sink}: its documents are not compared: {problem}",)


def _ids(
    sink: SinkBooks, rows: Sequence[SinkBooks], evidence: Mapping[str, Evidence]
) -> Iterator[tuple[str, int]]:
    """Return how many ids each sink with rows of the same stream holds, where that is known."""
    for other in rows:
        ids = evidence[other.sink].ids
        if other.stream == sink.stream and ids is not None:
            yield other.sink, ids


def _compared(sink: SinkBooks, documents: int | None, others: Iterable[tuple[str, int]]) -> SinkBooks:
    if documents is None:
        return sink
    problems = []
    if documents > sink.delivered + sink.in_flight:
        problems.append(differences.documents_differ(sink.sink, documents, sink.delivered))
    for other, ids in others:
        lacking = ids - documents - sink.dead_lettered - sink.skipped - sink.in_flight
        if lacking > 0:
            problems.append(differences.documents_lack(sink.sink, lacking, other, ids))
    duplicates = max(sink.delivered - documents, 0) if not sink.in_flight else sink.duplicates
    return replace(sink, duplicates=duplicates, problems=(*sink.problems, *problems))
