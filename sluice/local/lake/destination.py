"""Iceberg tables as a Firehose's destination: each row goes to the table that it names.

Documented (Amazon Data Firehose developer guide, "Route records to different Iceberg tables", "Handle errors"
of Apache Iceberg tables, read 2026-11): a transform answers `metadata.otfMetadata` with database, table and
operation beside a record's data; what cannot be written lies under the error prefix as `iceberg-failed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from sluice.local.lake.catalog import LakeCatalog
from sluice.local.lake.event import Failed, Row
from sluice.local.lake.faults import Faults
from sluice.local.lake.rows import RowError, RowReader

ICEBERG_FAILED = "iceberg-failed"
PIECE_ROWS = 1_000


class DeliveryError(Exception):
    """A table could not be committed, or nobody knows whether it was; the same is tried again."""


class Commit(Protocol):
    """Rows of one table, to be committed together."""

    rows: list[Row]

    def __call__(self) -> None:
        """Commit them; raises `DeliveryError`."""
        ...


class Destination(Protocol):
    """Where rows go."""

    def prepare(self, rows: Sequence[Row]) -> tuple[Sequence[Commit], list[Failed]]:
        """Sort rows by table, and those out that no table takes. May raise `DeliveryError`."""
        ...


@dataclass(slots=True)
class _TableCommit:
    table: Table
    data: pa.Table
    rows: list[Row]
    firehose: str
    faults: Faults

    def __call__(self) -> None:
        """Write Parquet files, and make them a snapshot.

        Raises:
            DeliveryError: it failed, or its answer was lost.
        """
        for kind in ("s3_fails", "commit_fails"):
            if self.faults.take(kind, self.firehose):
                raise DeliveryError(f"{kind}, as it was asked to")
        try:
            self.table.refresh()
            self.table.append(self.data)
        except Exception as error:
            raise DeliveryError(f"{'.'.join(self.table.name())}: {one_line(error)}") from error
        if self.faults.take("commit_unknown", self.firehose):
            raise DeliveryError("commit_unknown, as it was asked to")


@dataclass(slots=True)
class _Bound:
    """Rows for one table, and a reader for its schema; `pieces` and `read` hold what was read of them."""

    table: Table
    reader: RowReader
    rows: list[Row] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[pa.Table] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Take a row, or raise `RowError`. As Python's objects rows take ten times the room, so not long."""
        self.read.append(self.reader.read(row.data))
        self.rows.append(row)
        if len(self.read) >= PIECE_ROWS:
            self.data()

    def data(self) -> pa.Table:
        """All that was taken."""
        self.pieces.append(self.reader.table(self.read))
        self.read.clear()
        return pa.concat_tables(self.pieces)


class IcebergTables:
    """The tables of a catalog, as one Firehose writes them. Not safe for several threads."""

    def __init__(self, firehose: str, catalog: LakeCatalog, faults: Faults) -> None:
        self._firehose, self._catalog, self._faults = firehose, catalog, faults

    def prepare(self, rows: Sequence[Row]) -> tuple[list[Commit], list[Failed]]:
        """Sort rows by table, and those out that no table takes.

        Raises:
            DeliveryError: the catalog does not answer.
        """
        tables: dict[tuple[str, str], _Bound | None] = {}
        failed: list[Failed] = []
        for row in rows:
            try:
                place = _place(row.metadata)
                if place not in tables:
                    tables[place] = self._bind(*place)
                bound = tables[place]
                if bound is None:
                    failed.append(_failed(row, "Iceberg.NoSuchTable", f"no Iceberg table {'.'.join(place)}"))
                else:
                    bound.add(row)
            except RowError as error:
                failed.append(_failed(row, error.code, str(error)))
        commits: list[Commit] = []
        for bound in tables.values():
            if bound is not None and bound.rows:
                data = bound.data()
                commits.append(_TableCommit(bound.table, data, bound.rows, self._firehose, self._faults))
        return commits, failed

    def _bind(self, database: str, name: str) -> _Bound | None:
        try:
            table = self._catalog.load(database, name)
        except NoSuchTableError:
            return None
        except Exception as error:
            raise DeliveryError(f"{database}.{name}: {one_line(error)}") from error
        return _Bound(table, RowReader(table.schema()))


def _failed(row: Row, code: str, message: str) -> Failed:
    return Failed(ICEBERG_FAILED, row.entry, row.data, code, message, 1)


def _place(metadata: Any) -> tuple[str, str]:
    """Database and table of a row; only inserts are done here."""
    found = metadata.get("otfMetadata") if isinstance(metadata, dict) else None
    if not isinstance(found, dict):
        raise RowError("Iceberg.InvalidTableName", "the transform answered no metadata.otfMetadata")
    database, table = found.get("destinationDatabaseName"), found.get("destinationTableName")
    if not isinstance(database, str) or not isinstance(table, str) or not database or not table:
        raise RowError("Iceberg.InvalidTableName", "a null or empty database or table name")
    if found.get("operation", "insert") != "insert":
        raise RowError("Iceberg.InvalidOperation", "append only: the one operation is insert")
    return database, table


def one_line(error: BaseException) -> str:
    """What went wrong, short."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
