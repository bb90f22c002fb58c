"""A comment that GitHub takes, whatever is in it."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.changes.document import Broken, Document, nothing, read
from sluice.changes.markdown import LIMIT, MARK, code, markdown, prose
from sluice.changes.plan import Plan, Programs, Side, compare
from sluice.errors import SluiceError
from sluice.planner.load import Load
from tests.unit.changes.made import FUNCTION, QUEUE, document, planned

EVIL = "x`</details><img src=a onerror=b>|@everybody [l](http://e)\n# h"


def compared(before: dict[str, Document | str], after: dict[str, Document | str], tmp_path: Path) -> Plan:
    side = Side(called="main", commit="abc")
    old, new = (Programs(documents=each, root=tmp_path) for each in (before, after))
    return compare(old, new, base=side, head=side, load=Load())


def outside_code(text: str) -> str:
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_thousands_of_changes_fit_and_say_that_they_were_cut(tmp_path: Path) -> None:
    before = document(*(planned(QUEUE, f"queue-{n}", name="a" * 60) for n in range(600)))
    after = document(*(planned(QUEUE, f"queue-{n}", name="b" * 60) for n in range(600)))
    text = markdown(compared({"dev": before}, {"dev": after}, tmp_path))
    assert len(text.encode()) <= LIMIT
    assert text.startswith(MARK)
    assert re.search(r"and [0-9]+ more lines", text)
    assert text.count("<details>") == text.count("</details>")


def test_names_and_values_can_neither_break_out_nor_call_anybody(tmp_path: Path) -> None:
    before = document(planned(QUEUE, "q", name="a", tags={EVIL: "b"}))
    after = document(
        planned(QUEUE, EVIL, name=EVIL, tags={"c": EVIL}),
        violations=(Broken(rule=EVIL, name=EVIL, said=EVIL),),
    )
    text = markdown(compared({EVIL: before}, {EVIL: after}, tmp_path))
    plain = outside_code(text)
    assert "<img" not in plain
    assert "@everybody" not in plain
    assert "](http" not in plain
    assert "\n# h" not in text
    assert text.count("</details>") - text.count("`") <= text.count("<details>")


@given(st.text(min_size=1, max_size=40))
def test_a_code_span_ends_where_its_text_ends(text: str) -> None:
    span = code(text)
    assert "\n" not in span
    fence = re.match(r"`+", span)
    assert fence
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall(r"`+", inside)


@pytest.mark.parametrize("text", ["@team", "<b>", "[a](b)", "a & b"])
def test_prose_holds_no_markup_of_others(text: str) -> None:
    assert not re.search(r"@\w|<b>|\]\(", prose(text))


def test_an_environment_that_does_not_run_is_told_beside_those_that_do(tmp_path: Path) -> None:
    program = document(planned(QUEUE, "q", name="a"))
    plan = compared(
        {"dev": program, "old": "it needs another Python", "staging": nothing("staging")},
        {
            "dev": program,
            "old": program,
            "prod": "no such setting",
            "staging": document(environment="staging"),
        },
        tmp_path,
    )
    text = markdown(plan)
    assert "**old**: Not compared: the program of main does not run here: it needs another Python." in text
    assert "**prod**: Not compared: the program of main does not run: no such setting." in text
    assert "| `dev` | 0 | 0 | 0 | 0 | 0 | as before | no change |" in text
    assert [each.ours_failed for each in plan.environments] == [False, False, True, False]


def test_what_is_the_same_in_several_environments_is_said_once(tmp_path: Path) -> None:
    def program(stack: str, name: str) -> Document:
        return document(planned(QUEUE, "q", stack=stack, name=f"shop-{stack}-{name}"), environment=stack)

    stacks = ("dev", "prod")
    text = markdown(
        compared(
            {each: program(each, "a") for each in stacks},
            {each: program(each, "b") for each in stacks},
            tmp_path,
        )
    )
    assert (
        "- **dev, prod**: `q` (queue) is deleted and made anew: name changes. Lost: all messages in it."
        in text
    )


def test_what_bounds_roles_and_who_becomes_them_is_said_in_whole_sentences(tmp_path: Path) -> None:
    roles = "aws:iam/role:Role"

    def program(boundary: str | None, source: str) -> Document:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringLike": {"aws:SourceAccount": source}},
        }
        given = {"assumeRolePolicy": json.dumps({"Statement": [trust]}), "permissionsBoundary": boundary}
        function = planned(FUNCTION, "f", name="f", role=f"role-of-{source}")
        return document(*(planned(roles, each, name=each, inputs=given) for each in ("a", "b")), function)

    text = markdown(compared({"dev": program("old", "1")}, {"dev": program(None, "*")}, tmp_path))
    assert "- Roles `a`, `b` no longer have a permissions boundary (until now `old`)." in text
    assert "- `lambda.amazonaws.com` may now become the roles `a`, `b` by `sts:AssumeRole`" in text
    assert "- Function `f` now runs as `role-of-*` (until now `role-of-1`)." in text
    other = markdown(compared({"dev": program("old", "1")}, {"dev": program("new", "1")}, tmp_path))
    assert "- Roles `a`, `b` now have the permissions boundary `new` (until now `old`)." in other


def test_a_new_door_that_is_open_to_everybody_is_as_loud_as_one_that_opens(tmp_path: Path) -> None:
    door = planned("aws:lambda/functionUrl:FunctionUrl", "page", authorizationType="NONE")
    text = markdown(compared({"dev": nothing("dev")}, {"dev": document(door)}, tmp_path))
    loud, _, folded = text.partition("<details>")
    assert "Everybody may now `call` at `page`." in loud
    assert "may now" not in folded
    assert "**wider**" in loud


def test_a_document_of_another_kind_is_refused_in_one_line() -> None:
    with pytest.raises(SluiceError, match="cannot be compared by this version") as raised:
        read({"resources": [{"urn": 1}]})
    assert "\n" not in str(raised.value)


def test_a_revision_that_tells_no_metrics_costs_no_less_for_it(tmp_path: Path) -> None:
    """Else claims, which a metric asks for, would look like new."""
    function = planned(
        FUNCTION, "f", inputs={"name": "f", "environment": {"variables": {"SLUICE_CLAIMS_TABLE": "claims"}}}
    )
    resources = (planned("aws:dynamodb/table:Table", "claims", name="claims"), function)
    new = document(*resources, metrics={"revenue": {"dedupe": True}})
    plan = compared({"dev": document(*resources)}, {"dev": new}, tmp_path)
    assert plan.environments[0].cost is not None
    assert plan.environments[0].cost.more == 0
    assert plan.environments[0].cost.load_after > 100
    assert "metrics" in plan.pipeline.untold
