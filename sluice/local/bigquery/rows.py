"""The fast path of a row: a table's schema compiled to a msgspec decoder and one DuckDB statement.

The decoder takes the forms that well-behaved writers send, in C. A row that it refuses goes through `coerce`,
which knows every form and every wording.
Both give the same compact JSON, of which DuckDB loads many rows at once.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from sluice.local.bigquery import values
from sluice.local.bigquery.coerce import RowError, coerce_row, normal_json
from sluice.local.bigquery.types import Field, quoted

_INT64 = Annotated[int, msgspec.Meta(ge=values.INT64_MIN, le=values.INT64_MAX)]
_FAST: Final[dict[str, Any]] = {
    "STRING": str,
    "INT64": _INT64,
    "FLOAT64": float,
    "BOOL": bool,
    "NUMERIC": Annotated[str, msgspec.Meta(pattern=r"\A-?[0-9]{1,29}(\.[0-9]{1,9})?\Z")],
    "BIGNUMERIC": Annotated[str, msgspec.Meta(pattern=r"\A(0|-?[1-9][0-9]{0,37}(\.[0-9]{0,37}[1-9])?)\Z")],
    "BYTES": bytes,
    "TIMESTAMP": dt.datetime,
    "DATE": dt.date,
    "DATETIME": Annotated[dt.datetime, msgspec.Meta(tz=False)],
    "TIME": Annotated[dt.time, msgspec.Meta(tz=False)],
    "JSON": str,
}
_LENGTH_CHECKED: Final = frozenset({"STRING", "BYTES"})
# The form in which DuckDB reads a kind out of the compact JSON; zoned, as it would drop an offset otherwise.
_READ: Final = {"TIMESTAMP": "TIMESTAMPTZ", "BYTES": "VARCHAR", "NUMERIC": "DECIMAL(38,9)"}
# What the decoder would take though BigQuery does not: more than six decimals of a second, and the years
# whose first or last hours an offset moves out of range.
_TOO_FINE: Final = re.compile(rb'\.\d{7,}[Zz+\-"]')
MAX_DIGITS: Final = 100
MAX_OFFSET: Final = dt.timedelta(hours=14)
_TEMPORAL: Final = frozenset({"TIMESTAMP", "DATETIME", "TIME"})


class Raw(msgspec.Struct):
    """One row of a tabledata.insertAll request, its content unread."""

    json: msgspec.Raw = msgspec.Raw(b"null")
    insertId: str | None = None  # noqa: N815 - the name in the request


class Compiled:
    """A table's schema, ready to validate rows and to load them.

    `normalise(raw, ignore_unknown)` returns the compact JSON of a row and the value of its partition column;
    it raises RowError.
    """

    def __init__(self, fields: tuple[Field, ...], partition_column: str | None) -> None:
        self.fields = fields
        self._partition = next((field for field in fields if field.name == partition_column), None)
        self._attribute = f"f{fields.index(self._partition)}" if self._partition else None
        self._strict = msgspec.json.Decoder(_struct(fields, forbid=True))
        self._lenient = msgspec.json.Decoder(_struct(fields, forbid=False))
        self._encode = msgspec.json.Encoder().encode
        self._finishers = _finishers(fields)
        self._temporal = _has(fields, _TEMPORAL)

    def normalise(self, raw: bytes, *, ignore_unknown: bool) -> tuple[str, Any]:
        """Validate a row. Returns its compact JSON and the partition column's value (naive UTC, or None)."""
        if self._temporal and (b'"0001-' in raw or b'"9999-' in raw or _TOO_FINE.search(raw)):
            return self._slow(raw, ignore_unknown=ignore_unknown)
        try:
            row = (self._lenient if ignore_unknown else self._strict).decode(raw)
            for finish in self._finishers:
                finish(row)
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError):
            return self._slow(raw, ignore_unknown=ignore_unknown)
        value = getattr(row, self._attribute) if self._attribute else None
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return self._encode(row).decode(), value

    def _slow(self, raw: bytes, *, ignore_unknown: bool) -> tuple[str, Any]:
        try:
            parsed = json.loads(raw, parse_int=_whole, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise RowError("", "Row is not a JSON object.") from None
        row = coerce_row(self.fields, parsed, ignore_unknown=ignore_unknown)
        value = row[self._partition.name] if self._partition else None
        if value is not None and self._partition is not None:
            value = _PARTITION_READERS[self._partition.kind](value)
        return self._encode(row).decode(), value

    def load_sql(self, table: str) -> str:
        """Return the statement that loads a list of compact JSON rows, its one parameter, into a table."""
        structure = json.dumps({field.name: _structure(field) for field in self.fields})
        columns = ", ".join(_loaded(field, f"r.{quoted(field.name)}") for field in self.fields)
        # By name: a column that was added to the middle of a schema is the table's last.
        names = ", ".join(quoted(field.name) for field in self.fields)
        literal = structure.replace("'", "''")
        return (
            f"INSERT INTO {table} ({names}) SELECT {columns} FROM "  # noqa: S608 - names are quoted
            f"(SELECT json_transform_strict(j, '{literal}') AS r FROM (SELECT unnest(?) AS j))"
        )


_PARTITION_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "TIMESTAMP": lambda text: values.parse_timestamp(text).replace(tzinfo=None),
    "DATETIME": values.parse_datetime,
    "DATE": values.parse_date,
    "INT64": int,
}


def _whole(text: str) -> int | Decimal:
    """Read a whole number; one that is too long for any column stays a Decimal, which no column takes."""
    return int(text) if len(text) < MAX_DIGITS else Decimal(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _struct(fields: tuple[Field, ...], *, forbid: bool) -> type[msgspec.Struct]:
    definitions: list[Any] = []
    for index, field in enumerate(fields):
        name = f"f{index}"
        if field.mode == "REPEATED":
            definitions.append((name, list[_fast(field, forbid=forbid)], msgspec.field(default_factory=list)))  # type: ignore[misc]  # built at run time
        elif field.mode == "REQUIRED":
            definitions.append((name, _fast(field, forbid=forbid)))
        else:
            definitions.append((name, _fast(field, forbid=forbid) | None, None))
    return msgspec.defstruct(
        "Row",
        definitions,
        kw_only=True,
        rename={f"f{index}": field.name for index, field in enumerate(fields)},
        forbid_unknown_fields=forbid,
    )


def _fast(field: Field, *, forbid: bool) -> Any:
    if field.kind == "STRUCT":
        return _struct(field.fields, forbid=forbid)
    if field.max_length is not None and field.kind in _LENGTH_CHECKED:
        return Annotated[_FAST[field.kind], msgspec.Meta(max_length=field.max_length)]
    return _FAST[field.kind]


def _structure(field: Field) -> Any:
    if field.kind == "STRUCT":
        inner: Any = {nested.name: _structure(nested) for nested in field.fields}
    else:
        inner = _READ.get(field.kind, field.element.duck)
    return [inner] if field.mode == "REPEATED" else inner


def _loaded(field: Field, value: str, depth: int = 0) -> str:
    """Return the DuckDB expression that turns what was read out of JSON into what is stored."""
    if not _has((field,), frozenset({"BYTES", "TIMESTAMP"})):
        return value
    if field.mode == "REPEATED":
        item = f"v{depth}"
        return f"list_transform({value}, lambda {item}: {_element(field, item, depth + 1)})"
    return _element(field, value, depth)


def _element(field: Field, value: str, depth: int) -> str:
    if field.kind == "BYTES":
        return f"from_base64({value})"
    if field.kind == "TIMESTAMP":
        return f"CAST({value} AS TIMESTAMP)"
    if field.kind == "STRUCT":
        parts = ", ".join(
            f"{quoted(nested.name)} := {_loaded(nested, f'{value}.{quoted(nested.name)}', depth)}"
            for nested in field.fields
        )
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({parts}) END"
    return value


def _has(fields: tuple[Field, ...], kinds: frozenset[str]) -> bool:
    return any(field.kind in kinds or _has(field.fields, kinds) for field in fields)


def _finishers(fields: tuple[Field, ...]) -> list[Callable[[Any], None]]:
    """Return a function per column that holds JSON or TIMESTAMP anywhere, for what the decoder leaves to do.

    JSON text is rewritten in place; a time zone beyond 14 hours raises ValueError.
    """
    found: list[Callable[[Any], None]] = []
    for index, field in enumerate(fields):
        if field.kind == "JSON":
            found.append(_json_normaliser(f"f{index}", repeated=field.mode == "REPEATED"))
        elif field.kind == "TIMESTAMP":
            found.append(_zone_check(f"f{index}", repeated=field.mode == "REPEATED"))
        elif inner := _finishers(field.fields):
            found.append(_descend(f"f{index}", inner))
    return found


def _json_normaliser(attribute: str, *, repeated: bool) -> Callable[[Any], None]:
    def single(row: Any) -> None:
        text = getattr(row, attribute)
        if text is not None:
            setattr(row, attribute, normal_json(text))

    def many(row: Any) -> None:
        setattr(row, attribute, [normal_json(text) for text in getattr(row, attribute)])

    return many if repeated else single


def _zone_check(attribute: str, *, repeated: bool) -> Callable[[Any], None]:
    def single(row: Any) -> None:
        value = getattr(row, attribute)
        if value is not None and value.tzinfo is not None and value.tzinfo is not dt.UTC:
            check(value)

    def many(row: Any) -> None:
        for value in getattr(row, attribute):
            check(value)

    def check(value: dt.datetime) -> None:
        if abs(value.utcoffset() or MAX_OFFSET) > MAX_OFFSET:
            raise ValueError(value)

    return many if repeated else single


def _descend(attribute: str, inner: list[Callable[[Any], None]]) -> Callable[[Any], None]:
    def descend(row: Any) -> None:
        value = getattr(row, attribute)
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            for normaliser in inner:
                normaliser(item)

    return descend
