"""The contract as a document that is committed beside `pipeline.py`, to compare later versions with."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import msgspec

from sluice.contract.bigquery import type_name
from sluice.contract.columns import Column
from sluice.contract.contract import Contract, EventType
from sluice.errors import ContractError

SNAPSHOT_FILE = "contract.lock.json"
VERSION = 1


def snapshot(contract: Contract) -> dict[str, Any]:
    """Everything about a contract that tables, views or producers depend on."""
    return {"version": VERSION, "types": {name: _type(kind) for name, kind in contract.types.items()}}


def render(document: dict[str, Any]) -> str:
    """Return the text to commit: one line per column, so that a difference reads well."""
    types = []
    for name, kind in document["types"].items():
        lines = [f"      {_line(key)}: {_line(value)}," for key, value in kind.items() if key != "columns"]
        columns = ",\n".join(f"        {_line(column)}" for column in kind["columns"])
        body = "\n".join((*lines, f'      "columns": [\n{columns}\n      ]'))
        types.append(f"    {_line(name)}: {{\n{body}\n    }}")
    inner = ",\n".join(types)
    return f'{{\n  "version": {document["version"]},\n  "types": {{\n{inner}\n  }}\n}}\n'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def snapshot_file(pipeline: Path) -> Path:
    """Where the snapshot of a pipeline file is kept."""
    if pipeline.name == "pipeline.py":
        return pipeline.with_name(SNAPSHOT_FILE)
    return pipeline.with_name(f"{pipeline.stem}.{SNAPSHOT_FILE}")


def read_snapshot(path: Path) -> dict[str, Any]:
    """Read a committed snapshot.

    Raises:
        ContractError: there is none, or it is not one that this version understands.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(f"no snapshot at {path}; `sluice contract snapshot` writes one") from None
    except (OSError, ValueError) as error:
        raise ContractError(f"{path} cannot be read as a snapshot: {error}") from None
    try:
        msgspec.convert(document, _Snapshot)
    except msgspec.ValidationError as error:
        raise ContractError(
            f"{path} is no snapshot of version {VERSION} ({error}); restore it from version control, or write"
            " it anew with `sluice contract snapshot --force`"
        ) from None
    return document


class _SnapshotColumn(TypedDict):
    """What is compared of a column; more may be noted."""

    name: str
    type: str
    mode: str
    optional: bool
    description: str | None
    choices: NotRequired[list[Any]]
    constraints: NotRequired[dict[str, Any]]
    retired: NotRequired[bool]
    columns: NotRequired[list["_SnapshotColumn"]]


class _SnapshotType(TypedDict):
    table: str
    description: str | None
    id: str | None
    version: NotRequired[str]
    time: str
    partition: str
    cluster: list[str]
    columns: list[_SnapshotColumn]


class _Snapshot(TypedDict):
    version: Literal[1]
    types: dict[str, _SnapshotType]


def _type(kind: EventType) -> dict[str, Any]:
    return {
        "table": kind.table,
        "description": kind.description,
        "id": kind.id_column,
        **({} if kind.version_column is None else {"version": kind.version_column}),
        "time": kind.time_column,
        "partition": kind.partition,
        "cluster": list(kind.cluster),
        "columns": [_column(column) for column in kind.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": column.name,
        "type": type_name(column),
        "mode": str(column.mode),
        "optional": column.optional,
        "description": column.spec.description,
    }
    if column.choices:
        document["choices"] = list(column.wire_choices)
    constraints = {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in column.spec.constraints().items()
        if name != "bignumeric"
    }
    if constraints:
        document["constraints"] = constraints
    if column.spec.retired:
        document["retired"] = True
    if column.columns:
        document["columns"] = [_column(inner) for inner in column.columns]
    return document
