"""A query run: resolved, translated, and answered by DuckDB over one snapshot of each table."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import duckdb
from duckdb.func import ARROW, SPECIAL

from sluice.local.athena.json_paths import SCALAR, scalars
from sluice.local.athena.kinds import answered_type
from sluice.local.athena.refusals import QueryRefused
from sluice.local.athena.resolved import Catalog, resolve
from sluice.local.athena.translated import translate
from sluice.local.athena.wire import json_of, text_of

MEMORY_LIMIT: Final = "400MB"
MOST_ROWS: Final = 200_000
"""Rows of an answer that are kept for its reader; Athena keeps any number of them in S3."""

_CLASS: Final = re.compile(r"^[A-Z][\w ]+ Error: ")

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives: columns, their types in Athena's words, values as text, and the bytes read."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[Row, ...]
    bytes_scanned: int


class _Scan:
    """One table at the snapshot that it was loaded with; DuckDB asks for a stream for each time it reads it.

    pyiceberg puts columns that a file does not have yet in their place, by their field ids.
    """

    def __init__(self, table: Any) -> None:
        self._scan = table.scan()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._scan.to_arrow_batch_reader().__arrow_c_stream__(requested_schema)

    @property
    def size(self) -> int:
        """Return the bytes of the data files."""
        return sum(task.file.file_size_in_bytes for task in self._scan.plan_files())


def run(sql: str, catalog: Catalog, database: str, stopping: Callable[[Callable[[], None]], None]) -> Answer:
    """Answer a query; `stopping` is told how to interrupt it.

    Raises:
        QueryRefused: the query is at fault, or is not known to mean the same in DuckDB.
    """
    resolved = resolve(sql, catalog, database)
    text, as_json = translate(resolved.query)
    scans = {name: _Scan(table) for name, table in resolved.tables.items()}
    scanned = sum(scan.size for scan in scans.values())
    config: dict[str, Any] = {
        "threads": 1,
        "memory_limit": MEMORY_LIMIT,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.create_function(
            SCALAR, scalars, ["VARCHAR", "VARCHAR"], "VARCHAR", type=ARROW, null_handling=SPECIAL
        )
        stopping(connection.interrupt)
        for name, scan in scans.items():
            connection.register(name, scan)
        try:
            found = connection.sql(text)
            types = tuple(
                "json" if json else answered_type(str(kind))
                for kind, json in zip(found.types, as_json, strict=True)
            )
            return Answer(tuple(found.columns), types, tuple(_rows(found, as_json)), scanned)
        except duckdb.InterruptException:
            raise QueryRefused("Query cancelled") from None
        except duckdb.Error as error:
            raise QueryRefused(_words(error)) from None
    finally:
        connection.close()


def _rows(found: Any, as_json: list[bool]) -> Iterator[Row]:
    writers = [json_of if json else text_of for json in as_json]
    count = 0
    for batch in found.to_arrow_reader(2048):
        columns = [column.to_pylist() for column in batch.columns]
        count += batch.num_rows
        if count > MOST_ROWS:
            raise QueryRefused(
                f"the answer has more than the {MOST_ROWS:,} rows that the local Athena keeps: add a LIMIT"
            )
        for values in zip(*columns, strict=True):
            yield tuple(write(value) for write, value in zip(writers, values, strict=True))


def _words(error: Exception) -> str:
    """Return DuckDB's complaint without its drawing of the SQL, which is not the user's own."""
    first = str(error).split("\n\n", maxsplit=1)[0].split("\nLINE", maxsplit=1)[0]
    words = _CLASS.sub("", " ".join(first.split()))
    return words.partition(" Use TRY(")[0]
