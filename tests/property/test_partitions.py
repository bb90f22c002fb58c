"""For any conditions, what is said of them as a partition holds for any event."""

import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contract import ContractViolation
from sluice.errors import ContractError
from sluice.patterns.partition import Counterexample, partition
from sluice.predicate import check
from sluice.predicate.compiled import compiled
from tests.property.sales_drawn import events, filters
from tests.unit.patterns.sales import CONTRACT, SALE, Sale, sale

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "150"))
OTHER_HALF = st.sampled_from(["({a}) IS NOT TRUE", "NOT ({a})", "({a}) IS NULL OR NOT ({a})", "{b}"])


def halves(first: str, second: str, form: str) -> list[str]:
    """A condition, and another that may be what is left of it."""
    return [first, form.format(a=first, b=second)]


conditions = st.builds(halves, filters, filters, OTHER_HALF)


@settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(sqls=conditions, sent=st.lists(events, min_size=1, max_size=10))
def test_a_proof_holds_for_every_event_and_a_counterexample_is_one(sqls: list[str], sent: list[Any]) -> None:
    try:
        trees = [check(sql, SALE) for sql in sqls]
    except ContractError:
        return
    found = partition(SALE, trees)
    tests = [compiled(tree) for tree in trees]
    if isinstance(found, Counterexample):
        event = CONTRACT.decode(completed(found.fragment).encode())
        assert tuple(at for at, test in enumerate(tests) if test(event)) == found.taken_by, (sqls, found)
        assert len(found.taken_by) != 1
    if found is None:
        for event in accepted(sent):
            assert sum(test(event) for test in tests) == 1, (sqls, event)


def accepted(sent: list[tuple[str, dict[str, str]]]) -> list[Sale]:
    """The events that the contract takes."""
    found = []
    for amount, fields in sent:
        rest = ",".join(
            f"{json.dumps(name)}:{value}" for name, value in ({"amount": amount} | fields).items()
        )
        try:
            event = CONTRACT.decode(sale(rest).encode())
        except ContractViolation:
            continue
        assert isinstance(event, Sale)
        found.append(event)
    return found


def completed(fragment: str) -> str:
    """The event that a fragment is part of, with what else must be there."""
    document = json.loads(fragment)
    shop = document.get("shop")
    for around, name in ((document, "place"), (document, "home"), (shop or {}, "place")):
        if around.get(name) is not None:
            around[name] = {"city": "somewhere"} | around[name]
    return sale(json.dumps(document, ensure_ascii=False)[1:-1])
