"""For any filter and any event, the compiled filter takes the events that BigQuery's SQL is TRUE for."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.errors import ContractError
from sluice.local.bigquery.app import Server
from sluice.local.bigquery.errors import ApiError
from sluice.predicate import compile_predicate
from sluice.predicate.functions import PARTS
from tests.unit.predicate.bids import BID, CONTRACT, NOON, Bid, Channel, Place

LARGE = 2**63 - 1
words = st.sampled_from(["", "a", "b", "ab", "aB%", "a_b", "ä", "é", "😀a", "z\\", "a\nb", " a "]) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), max_size=4
)
wholes = st.sampled_from([0, 1, -1, 2, 3, LARGE, -LARGE - 1, 2**53, 2**53 + 1]) | st.integers(-9, 9)
reals = st.sampled_from([0.0, -0.0, 1.0, 1.5, -1.5, 0.1, 2.0**53, 9.2e18, 1e300]) | st.floats(-9, 9)
prices = st.sampled_from([Decimal(text) for text in ("0", "1", "1.5", "-1.5", "0.1", "0.000000001", "1e20")])
fines = prices | st.sampled_from([Decimal("1e-38"), Decimal("12345678901234567890.5")])
days = st.sampled_from([date(2024, 2, 29), date(2026, 11, 20), date(1, 1, 1), date(9999, 12, 31)])
times = st.sampled_from([
    NOON,
    datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 12, 30, 0, 0, 0, 1, UTC),
])  # fmt: skip
places = st.builds(Place, city=words, floor=st.none() | wholes, tags=st.lists(words, max_size=2))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": words, "title": words, "whole": wholes, "count": wholes, "price": prices, "fine": fines,
    "real": reals, "yes": st.booleans(), "firm": st.booleans(), "day": days, "seen_at": times,
    "channel": st.sampled_from(Channel), "level": st.sampled_from([1, 2, 3]), "place": places,
    "tags": st.lists(words, max_size=3), "steps": st.lists(wholes, max_size=3),
    "channels": st.lists(st.sampled_from(Channel), max_size=2), "date": words, "order": wholes,
}  # fmt: skip
events = st.fixed_dictionaries({}, optional=VALUES)


def literal(value: object) -> str:
    """A value as BigQuery's SQL writes it."""
    match value:
        case bool():
            return str(value).upper()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return f"BIGNUMERIC '{value:f}'" if value == Decimal("1e-38") else f"NUMERIC '{value:f}'"
        case datetime():
            return f"TIMESTAMP '{value.isoformat()}'"
        case date():
            return f"DATE '{value.isoformat()}'"
    return repr(value)


def written(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return values.map(literal)


TEXTS = st.sampled_from(["text", "title", "channel", "place.city", "date", "type"]) | written(words)
WHOLES = st.sampled_from(["whole", "count", "level", "place.floor", "`order`"]) | written(wholes)
PRICES = st.just("price") | written(prices) | st.sampled_from(["1.5", "0.1"])
REALS = st.just("real") | written(reals)
NUMBERS = WHOLES | PRICES | REALS
FINES = st.just("fine")
MOMENTS = st.sampled_from(["bid_at", "seen_at"]) | written(times)
DAYS = st.just("day") | written(days) | MOMENTS.map("DATE({})".format)
PART = st.sampled_from(PARTS)


def form(template: str, **parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(parts).map(lambda found: template.format(**found))


def deeper(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    size = st.sampled_from(["0", "1", "2", "3", "-1", "-2", "-9", "count"])
    return st.one_of(
        form("TRIM({a})", a=texts), form("SUBSTR({a}, {n})", a=texts, n=size),
        form("SUBSTR({a}, {n}, {m})", a=texts, n=size, m=st.sampled_from(["0", "1", "2"])),
        form("LEFT({a}, 2)", a=texts), form("RIGHT({a}, 1)", a=texts), form("({a} || {b})", a=texts, b=texts),
        form("COALESCE({a}, {b})", a=texts, b=texts), form("NULLIF({a}, {b})", a=texts, b=texts),
        form("LTRIM({a}, {b})", a=texts, b=texts),
    )  # fmt: skip


def computed(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sign = st.sampled_from("+-*")
    return st.one_of(
        form("({a} {s} {b})", a=numbers, s=sign, b=numbers), form("(-({a}))", a=numbers),
        form("ABS({a})", a=numbers), form("SAFE_DIVIDE({a}, {b})", a=NUMBERS, b=NUMBERS),
        form("IFNULL({a}, {b})", a=numbers, b=numbers),
        form("COALESCE({a}, {b}, NULL)", a=numbers, b=numbers),
        form("CASE {a} WHEN {b} THEN 1 WHEN {c} THEN {b} END", a=numbers, b=numbers, c=numbers),
    )  # fmt: skip


needles = st.sampled_from(["text", "date"]) | written(words.filter(bool))
"""DuckDB says of STARTS_WITH(NULL, '') that it is TRUE where it believes that there are no NULLs."""
texts_ = st.recursive(TEXTS, deeper, max_leaves=3)
numbers_ = st.recursive(NUMBERS, computed, max_leaves=3)
wholes_ = st.one_of(
    WHOLES, form("LENGTH({a})", a=texts_), form("BYTE_LENGTH({a})", a=texts_),
    form("ARRAY_LENGTH({a})", a=st.sampled_from(["tags", "steps"])),
    form("EXTRACT({p} FROM {a})", p=PART, a=MOMENTS), form("MOD({a}, {b})", a=WHOLES, b=WHOLES),
    form("STRPOS({a}, {b})", a=texts_, b=needles),
)  # fmt: skip
SAME = (texts_, numbers_, wholes_, DAYS, MOMENTS, FINES)
operator = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">="])
pattern = st.text(st.sampled_from("ab%_ä"), max_size=4) | st.sampled_from(["a\\_b", "%\\%", "\\\\%", "%a%b%"])


def leaf(kind: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        form("{a} {o} {b}", a=kind, o=operator, b=kind),
        form("{a} IN ({b}, {c})", a=kind, b=kind, c=kind),
        form("{a} NOT IN ({b}, NULL)", a=kind, b=kind),
        form("{a} BETWEEN {b} AND {c}", a=kind, b=kind, c=kind),
        form("{a} IS NULL", a=kind),
        form("IF({a} > {b}, {b}, {a}) = {b}", a=kind, b=kind),
    )


leaves = st.one_of(
    *map(leaf, SAME),
    st.sampled_from(["yes", "firm", "TRUE", "NULL", "place IS NULL", "place IS NOT NULL", "yes = firm"]),
    form("{a} {n}LIKE {p}", a=texts_, n=st.sampled_from(["", "NOT "]), p=written(pattern)),
    form("STARTS_WITH({a}, {b})", a=texts_, b=needles), form("ENDS_WITH({a}, {b})", a=texts_, b=needles),
    form("{a} IN UNNEST({l})", a=texts_, l=st.sampled_from(["tags", "place.tags"])),
    form("{a} NOT IN UNNEST(steps)", a=WHOLES),
    form("LOWER({a}) = LOWER({b})", a=st.sampled_from(["'aB'", "type"]), b=st.sampled_from(["'Ab'", "text"])),
)  # fmt: skip


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        form("({a} AND {b})", a=inner, b=inner), form("({a} OR {b})", a=inner, b=inner),
        form("(NOT {a})", a=inner), form("(({a}) IS {w})", a=inner, w=st.sampled_from(["TRUE", "NOT FALSE"])),
        form("(({a}) IS NULL)", a=inner), form("(({a}) = ({b}))", a=inner, b=inner),
        form("IF({a}, {b}, {a})", a=inner, b=inner), form("COALESCE(({a}), ({b}))", a=inner, b=inner),
    )  # fmt: skip


filters = st.recursive(leaves, conditions, max_leaves=5)
SERVER = Server()
SERVER.catalog.create_dataset("p", {"datasetReference": {"datasetId": "d"}})
NUMBERED = itertools.count()


def made(given: Sequence[dict[str, Any]]) -> list[Bid]:
    """Events as they are read from records."""
    found = []
    for number, fields in enumerate(given):
        event = CONTRACT.decode(CONTRACT.encode(Bid(bid_id=str(number), bid_at=NOON, **fields)))
        assert isinstance(event, Bid)
        found.append(event)
    return found


def matching(bids: Sequence[Bid], sqls: Sequence[str]) -> list[set[str] | None]:
    """Per filter the ids of the rows that the local BigQuery answers; None where it answers with an error."""
    name = f"t{next(NUMBERED)}"
    body = {"tableReference": {"tableId": name}, "schema": {"fields": BID.schema}}
    table = SERVER.catalog.create_table("p", "d", body)
    own = {"_event_id": "", "_arrived_at": NOON.isoformat(), "_shard": "s", "_sequence": "1"}
    rows = [{"json": json.loads(CONTRACT.encode_row(event)) | own} for event in bids]
    answer = SERVER.inserter.insert_all(table, json.dumps({"rows": rows}).encode(), None)
    assert "insertErrors" not in answer, answer
    try:
        return [_answered(f"SELECT bid_id FROM `p.d.{name}` WHERE {sql}") for sql in sqls]  # noqa: S608 - drawn above, for a server in this process
    finally:
        SERVER.catalog.delete_table(("p", "d", name))


def _answered(query: str) -> set[str] | None:
    try:
        answer = SERVER.jobs.query("p", {"query": query, "useLegacySql": False})
    except ApiError:
        return None
    if answer.get("errors"):
        return None
    return {row["f"][0]["v"] for row in answer.get("rows", [])}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(given_events=st.lists(events, min_size=1, max_size=8), sqls=st.lists(filters, min_size=1, max_size=4))
def test_a_filter_takes_the_events_that_bigquery_answers(
    given_events: list[dict[str, Any]], sqls: list[str]
) -> None:
    bids = made(given_events)
    for sql, wanted in zip(sqls, matching(bids, sqls), strict=True):
        try:
            predicate = compile_predicate(sql, BID)
        except ContractError:
            continue
        taken = {event.bid_id for event in bids if predicate(event)}
        assert wanted is None or taken == wanted, sql
