"""The row rules of the local BigQuery: its fast path and its slow path are one set of rules."""

import datetime as dt
import itertools
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.bigquery.app import Server
from sluice.local.bigquery.catalog import Table
from sluice.local.bigquery.coerce import RowError
from sluice.local.bigquery.rows import Compiled
from sluice.local.bigquery.types import parse_fields

KINDS = (
    "STRING", "INT64", "FLOAT64", "BOOL", "NUMERIC", "BIGNUMERIC", "BYTES", "DATE", "DATETIME", "TIME",
    "TIMESTAMP", "JSON",
)  # fmt: skip
SCALARS = [{"name": f"c_{kind}", "type": kind} for kind in KINDS]
SCHEMA: list[dict[str, Any]] = [
    *SCALARS,
    *({"name": f"r_{kind}", "type": kind, "mode": "REPEATED"} for kind in KINDS),
    {
        "name": "record",
        "type": "RECORD",
        "fields": [*SCALARS, {"name": "must", "type": "INT64", "mode": "REQUIRED"}],
    },
    {"name": "records", "type": "RECORD", "mode": "REPEATED", "fields": SCALARS},
]
FIELDS = parse_fields(SCHEMA)
COMPILED = Compiled(FIELDS, None)


def _server() -> tuple[Server, Table]:
    server = Server()
    server.catalog.create_dataset("p", {"datasetReference": {"datasetId": "d"}})
    body = {"tableReference": {"tableId": "t"}, "schema": {"fields": SCHEMA}}
    return server, server.catalog.create_table("p", "d", body)


SERVER, TABLE = _server()
NUMBERS = itertools.count()

zones = st.sampled_from(
    ["", "Z", "z", " UTC", "+00:00", "+02:00", "-07", "+05:30", "+14:00", "+15:00", " Europe/Rome"]
)
moments = st.builds(
    lambda moment, separator, zone: moment.isoformat(sep=separator) + zone,
    st.datetimes(),
    st.sampled_from(["T", " ", "t"]),
    zones,
)
texts = st.one_of(
    st.text(max_size=8),
    moments,
    st.dates().map(str),
    st.times().map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.integers(-(10**40), 10**40).map(str),
    st.floats().map(str),
    st.from_regex(r"[0-9]{1,31}\.[0-9]{0,11}", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,8})?)?", fullmatch=True
    ),
    st.from_regex(r"[A-Za-z0-9+/_-]{0,8}={0,2}", fullmatch=True),
    st.sampled_from(
        ["true", "False", "NaN", "-inf", "Infinity", "{}", '{"a":[1,{"b":null}]}', "[", "0001-01-01", ""]
    ),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.dictionaries(st.text(max_size=3), scalars, max_size=2)
)
inner = st.dictionaries(
    st.sampled_from([f"c_{kind}" for kind in KINDS] + ["must", "other"]), scalars, max_size=4
)
rows = st.one_of(
    st.dictionaries(st.sampled_from([field.name for field in FIELDS]), values, max_size=3),
    st.builds(lambda kind, value: {f"c_{kind}": value}, st.sampled_from(KINDS), scalars),
    st.builds(
        lambda kind, found: {f"r_{kind}": found}, st.sampled_from(KINDS), st.lists(scalars, max_size=3)
    ),
    st.builds(lambda found: {"record": {"must": 1, **found}}, inner),
    st.builds(lambda found: {"records": found}, st.lists(inner, max_size=2)),
    st.dictionaries(st.text(max_size=5), values, max_size=2),
)


def _loaded(text: str) -> Any:
    """Return what DuckDB holds after loading a row."""
    with SERVER.store.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(TABLE.load_sql, [[text]])
        found = cursor.execute(f"SELECT * FROM {TABLE.store_name}").fetchall()  # noqa: S608 - its own name
        cursor.execute("ROLLBACK")
    return repr(found)


@settings(deadline=None, max_examples=600)
@given(row=rows, ignore_unknown=st.booleans())
def test_the_fast_path_takes_and_stores_exactly_what_the_slow_path_does(
    row: dict[str, Any], *, ignore_unknown: bool
) -> None:
    raw = json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return
    slow = _outcome(COMPILED._slow, raw, ignore_unknown)
    fast = _outcome(COMPILED.normalise, raw, ignore_unknown)
    if isinstance(slow, tuple) or isinstance(fast, tuple):
        assert fast == slow
    else:
        assert _loaded(fast) == _loaded(slow)


def _outcome(path: Callable[..., tuple[str, Any]], raw: bytes, ignore_unknown: bool) -> str | tuple[str, str]:  # noqa: FBT001 - the option under test
    """Return the row that is loaded, or where and why it is refused."""
    try:
        return path(raw, ignore_unknown=ignore_unknown)[0]
    except RowError as error:
        return error.location, error.message


def _exact(kind: str) -> st.SearchStrategy[Any]:
    micro = st.datetimes(timezones=st.just(dt.UTC))
    places, whole = (9, 29) if kind == "NUMERIC" else (38, 38)
    return {
        "STRING": st.text(),
        "INT64": st.integers(-(2**63), 2**63 - 1),
        "FLOAT64": st.floats(allow_nan=False, allow_infinity=False),
        "BOOL": st.booleans(),
        "NUMERIC": st.decimals(places=places, min_value=-(10**whole) + 1, max_value=10**whole - 1),
        "BIGNUMERIC": st.decimals(places=places, min_value=-(10**whole) + 1, max_value=10**whole - 1),
        "DATE": st.dates(),
        "DATETIME": st.datetimes(),
        "TIME": st.times(),
        "TIMESTAMP": micro,
    }[kind]


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if isinstance(value, str | int | float | bool) else value.isoformat()


_FROM_ISO: dict[str, Callable[[str], Any]] = {
    "DATE": dt.date.fromisoformat,
    "DATETIME": dt.datetime.fromisoformat,
    "TIME": dt.time.fromisoformat,
}


def _read(kind: str, wire: str) -> Any:
    if kind == "TIMESTAMP":
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(wire))
    if kind in _FROM_ISO:
        return _FROM_ISO[kind](wire)
    if kind == "BOOL":
        return wire == "true"
    return {"STRING": str, "INT64": int, "FLOAT64": float}.get(kind, Decimal)(wire)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), kind=st.sampled_from([kind for kind in KINDS if kind not in {"JSON", "BYTES"}]))
def test_a_value_comes_back_as_it_went_in(data: st.DataObject, kind: str) -> None:
    value = data.draw(_exact(kind))
    text = _written(value)
    if isinstance(text, str) and any("\ud800" <= character <= "\udfff" for character in text):
        return
    name = f"v{next(NUMBERS)}"
    fields = [{"name": "v", "type": kind}, {"name": "l", "type": kind, "mode": "REPEATED"}]
    table = SERVER.catalog.create_table(
        "p", "d", {"tableReference": {"tableId": name}, "schema": {"fields": fields}}
    )
    body = json.dumps({"rows": [{"json": {"v": text, "l": [text, text]}}]}).encode()
    assert "insertErrors" not in SERVER.inserter.insert_all(table, body)
    options = {"formatOptions": {"useInt64Timestamp": True}, "useLegacySql": False}
    answer = SERVER.jobs.query("p", {"query": f"SELECT v, l FROM d.{name}", **options})  # noqa: S608 - its own name
    single, many = (cell["v"] for cell in answer["rows"][0]["f"])
    for wire in (single, *(item["v"] for item in many)):
        found = _read(kind, wire)
        assert found == value
        assert not isinstance(found, float) or math.copysign(1, found) == math.copysign(1, value)
    SERVER.catalog.delete_table(table.path)
