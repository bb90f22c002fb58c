"""For any condition and any event as any producer may write it, all who decide come to the same answer.

Those are BigQuery (the local one, on DuckDB), the compiled predicate, the pattern as the local cloud matches
it and, where there is a JDK, the pattern as AWS's own matcher does.
"""

import itertools
import json
import os
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contract import ContractViolation
from sluice.errors import ContractError
from sluice.local.bigquery.app import Server
from sluice.local.bigquery.errors import ApiError
from sluice.local.filters import compile_data_filters
from sluice.predicate import compile_predicate
from tests.judge.judge import absent, the_judge
from tests.property.sales_drawn import events, filters
from tests.unit.patterns.sales import CONTRACT, HEAD, SALE, Sale, compiled

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "100"))
SERVER = Server()
SERVER.catalog.create_dataset("p", {"datasetReference": {"datasetId": "d"}})
NUMBERED = itertools.count()


def accepted(given_events: Sequence[tuple[str, dict[str, str]]]) -> list[tuple[str, Sale]]:
    """Those that the contract accepts, as they were sent and as they are read."""
    found = []
    for number_, (amount, fields) in enumerate(given_events):
        parts = {"amount": amount} | fields
        head = HEAD.replace('"s"', f'"{number_}"')
        text = "{" + head + "".join(f",{json.dumps(name)}:{value}" for name, value in parts.items()) + "}"
        try:
            event = CONTRACT.decode(text.encode())
        except ContractViolation:
            continue
        assert isinstance(event, Sale)
        found.append((text, event))
    return found


def answers(sales: Sequence[Sale], sqls: Sequence[str]) -> list[set[str] | None]:
    """Per condition the ids of the rows that the local BigQuery answers; None for an error."""
    name = f"t{next(NUMBERED)}"
    body = {"tableReference": {"tableId": name}, "schema": {"fields": SALE.schema}}
    table = SERVER.catalog.create_table("p", "d", body)
    own = {"_event_id": "", "_arrived_at": "2026-11-20T12:00:00Z", "_shard": "s", "_sequence": "1"}
    rows = [{"json": json.loads(CONTRACT.encode_row(event)) | own} for event in sales]
    answer = SERVER.inserter.insert_all(table, json.dumps({"rows": rows}).encode(), None)
    assert "insertErrors" not in answer, answer
    try:
        return [_answered(name, sql) for sql in sqls]
    finally:
        SERVER.catalog.delete_table(("p", "d", name))


def _answered(table: str, where: str) -> set[str] | None:
    query = f"SELECT sale_id FROM (SELECT *, 'sale' AS type FROM `p.d.{table}`) WHERE {where}"  # noqa: S608 - drawn above, for a server in this process
    try:
        answer = SERVER.jobs.query("p", {"query": query, "useLegacySql": False})
    except ApiError:
        return None
    return None if answer.get("errors") else {row["f"][0]["v"] for row in answer.get("rows", [])}


def passed(patterns: Sequence[str], sent: Sequence[tuple[str, Sale]]) -> dict[str, set[str]]:
    """The ids of the events that patterns let pass, by who matched them."""
    wanted = compile_data_filters(patterns)
    found = {"local cloud": {event.sale_id for text, event in sent if wanted(text.encode())}}
    if absent() is None:
        wrapped = [f'{{"data":{text}}}' for text, _ in sent]
        verdicts = [the_judge().matches(pattern, wrapped) for pattern in patterns]
        matched = map(any, zip(*verdicts, strict=True))
        found["AWS"] = {event.sale_id for (_, event), one in zip(sent, matched, strict=True) if one}
    return found


@settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(given_events=st.lists(events, min_size=1, max_size=10), sqls=st.lists(filters, min_size=1, max_size=4))
def test_all_who_decide_agree(given_events: list[Any], sqls: list[str]) -> None:
    sent = accepted(given_events)
    usable = [sql for sql in sqls if _compiles(sql)]
    if not sent or not usable:
        return
    for sql, wanted in zip(usable, answers([event for _, event in sent], usable), strict=True):
        predicate = compile_predicate(sql, SALE)
        taken = {event.sale_id for _, event in sent if predicate(event)}
        assert wanted is None or taken == wanted, sql
        patterns = compiled(sql).patterns
        for who, ids in passed(patterns, sent).items() if patterns else ():
            assert ids == taken, (who, sql, patterns)


def _compiles(sql: str) -> bool:
    try:
        compiled(sql)
    except ContractError:
        return False
    return True
