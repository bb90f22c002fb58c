"""Rows into tables, by streaming inserts: cut into requests, several at once, each seen through.

Limits (https://cloud.google.com/bigquery/quotas#streaming_inserts, seen in 2026): 10 MB a request, of which 9
are used; 500 rows a request recommended; 128 characters for an insertId.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from sluice.deadline import Deadline
from sluice.delivery import Outcome
from sluice.sinks.bigquery.inserts import SERVICE, Insert, Item, Row
from sluice.sinks.bigquery.transport import Transport
from sluice.sinks.requests import Results, see_through

REQUEST_ROWS = 500
REQUEST_BYTES = 9_000_000
INSERT_ID_CHARACTERS = 128

AT_ONCE = 8
"""Requests under way together."""


class Writer:
    """Writes rows to the dataset that `transport` reaches."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bigquery")

    def write(self, rows: Sequence[Row], deadline: Deadline) -> list[Outcome]:
        """Insert all rows, table by table, until the deadline; returns each row's outcome."""
        results = Results(len(rows), SERVICE, self._transport.tally)
        inserts = [
            Insert(self._transport, table, items, results, deadline) for table, items in _requests(rows)
        ]
        see_through(inserts, self._workers, deadline)
        return [results.outcome(index, row.table) for index, row in enumerate(rows)]


def insert_id(identity: str) -> str:
    """Return what BigQuery merges by: the identity, or its hash where that is too long."""
    if len(identity) <= INSERT_ID_CHARACTERS:
        return identity
    return sha256(identity.encode()).hexdigest()


def _requests(rows: Sequence[Row]) -> list[tuple[str, list[Item]]]:
    """Cut the rows into requests of one table each, those first that hold the earliest rows."""
    cuts: dict[str, tuple[list[Item], int]] = {}
    requests: list[tuple[str, list[Item]]] = []
    for index, row in enumerate(rows):
        items, size = cuts.get(row.table, ([], 0))
        size += len(row.body) + 1
        if items and (len(items) == REQUEST_ROWS or size > REQUEST_BYTES):
            requests.append((row.table, items))
            items, size = [], len(row.body) + 1
        items.append((index, row))
        cuts[row.table] = items, size
    requests += [(table, items) for table, (items, _) in cuts.items()]
    return sorted(requests, key=lambda request: request[1][0][0])
