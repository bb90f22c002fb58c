"""The DuckDB instance behind the server: in memory, shut off from the file system, its settings locked."""

import contextlib
import threading
import weakref
from collections.abc import Iterator

import duckdb

from sluice.local.bigquery import bignumeric, sketches
from sluice.local.bigquery.sql.macros import MACROS

# Enough for some millions of events of 1 KB beside the 1.5 GB that the whole local cloud may take.
MEMORY_LIMIT = "700MB"


class Store:
    """A pool of DuckDB cursors over one database; each is used by one thread at a time."""

    def __init__(self, *, memory_limit: str = MEMORY_LIMIT, threads: int = 2) -> None:
        self._root = duckdb.connect(":memory:", config={"threads": threads, "memory_limit": memory_limit})
        self._root.execute("SET TimeZone = 'UTC'")
        # A second database, as the first one that DuckDB opens in memory cannot be compressed.
        self._root.execute("ATTACH ':memory:' AS data (COMPRESS)")
        for native in (*bignumeric.FUNCTIONS, *sketches.FUNCTIONS):
            native.register(self._root)
        for macro in MACROS:
            self._root.execute(macro)
        self._root.execute("SET temp_directory = ''")
        self._root.execute("SET enable_external_access = false")
        self._root.execute("SET lock_configuration = true")
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()
        # What an open database holds of Python's would be reported as leaked when the process ends.
        self._close = weakref.finalize(self, _close, self._root, self._idle)

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor; it goes back to the pool afterwards, unless something failed on it."""
        with self._lock:
            cursor = self._idle.pop() if self._idle else self._root.cursor()
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        with self._lock:
            self._idle.append(cursor)

    def run(self, sql: str) -> None:
        """Execute one statement that answers nothing."""
        with self.cursor() as cursor:
            cursor.execute(sql)

    def close(self) -> None:
        """Let go of the database; happens by itself when the process ends."""
        self._close()

    def count(self, table: str) -> int:
        """Return the number of rows of a DuckDB table."""
        with self.cursor() as cursor:
            row = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own name
        return int(row[0]) if row else 0


def _close(root: duckdb.DuckDBPyConnection, cursors: list[duckdb.DuckDBPyConnection]) -> None:
    for cursor in cursors:
        cursor.close()
    root.close()
