"""What a deployed table could not follow is refused, with the reason and a way round it; all else passes."""

import types
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest

from sluice.contract import Contract, Event, Json, Nested, field
from sluice.contract.evolution import Finding, Severity, check
from sluice.contract.snapshot import snapshot


class Narrow(Nested):
    a: int


class Wide(Nested):
    a: int
    b: int | None = None


class Stricter(Nested):
    a: int
    b: int


class Retyped(Nested):
    a: str


class Renamed(Nested):
    b: int


class Few(Enum):
    A = "a"


class Many(Enum):
    A = "a"
    B = "b"


Large = Annotated[Decimal, field(bignumeric=True)]
MISSING = object()


def taken(fields: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A snapshot of one event type; a field is an annotation, or an annotation and its default."""
    body: dict[str, Any] = {"__annotations__": {"at": datetime, "other_at": datetime, "number": int}}
    for name, given in fields.items():
        annotation, default = given if isinstance(given, tuple) else (given, MISSING)
        body["__annotations__"][name] = annotation
        if default is not MISSING:
            body[name] = default
    options = {"type": "made", "time": "at"} | options
    return snapshot(Contract([types.new_class("Made", (Event,), options, lambda space: space.update(body))]))


def findings(old: dict[str, Any], new: dict[str, Any]) -> list[Finding]:
    return check(taken(old), taken(new))


def refused(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.severity is Severity.REFUSE]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"x": (int | None, None)}),
        ({}, {"x": (int, 0)}),
        ({}, {"x": (list[int], [])}),
        ({}, {"x": (Json | None, None)}),
        ({}, {"x": (Stricter | None, None)}),
        ({}, {"x": (list[Stricter], [])}),
        ({"x": int}, {"x": (int | None, None)}),
        ({"x": int}, {"x": (int, 0)}),
        ({"x": (int | None, None)}, {"x": (Annotated[int | None, field(retired=True)], None)}),
        ({"x": int}, {"x": (Annotated[int | None, field(retired=True)], None)}),
        ({"x": int}, {"x": Annotated[int, field("Now with a description")]}),
        ({"x": Narrow}, {"x": Wide}),
        ({"x": Narrow}, {"x": (Narrow | None, None)}),
        ({"x": (list[Narrow], [])}, {"x": (list[Wide], [])}),
        ({"x": list[int]}, {"x": (list[int], [])}),
        ({"x": str}, {"x": Annotated[str, field(max_length=5)]}),
        ({"x": str}, {"x": Few}),
        ({"x": Few}, {"x": Many}),
        ({"x": Many}, {"x": Few}),
        ({"x": Few}, {"x": Literal["a"]}),
        ({"x": Few}, {"x": str}),
        ({"x": int, "y": int}, {"y": int, "x": int}),
    ],
)
def test_what_bigquery_changes_in_place_passes(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert refused(findings(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "words", "instead"),
    [
        ({}, {"x": int}, "made.x", "not optional", "`... | None = None`"),
        ({}, {"x": list[int]}, "made.x", "not optional", "`= []`"),
        ({"x": int}, {}, "made.x", "is gone", "retired=True"),
        ({"x": (list[int], [])}, {}, "made.x", "is gone", "`= []` and field(..., retired=True)"),
        ({"x": int}, {"y": (int, 0)}, "made.x", "is gone", "COALESCE"),
        ({"x": int}, {"X": int}, "made.x", "renamed to `X`", "keep the name `x`"),
        ({"x": int}, {"x": str}, "made.x", "INTEGER to STRING", "another under a new name"),
        ({"x": int}, {"x": Decimal}, "made.x", "INTEGER to NUMERIC", "made ALTER COLUMN x SET DATA"),
        ({"x": int}, {"x": float}, "made.x", "INTEGER to FLOAT", "SET DATA TYPE FLOAT64"),
        ({"x": Decimal}, {"x": Large}, "made.x", "to BIGNUMERIC", "refresh"),
        ({"x": Decimal}, {"x": int}, "made.x", "NUMERIC to INTEGER", "new name"),
        ({"x": list[int]}, {"x": list[Decimal]}, "made.x", "INTEGER to NUMERIC", "new name"),
        ({"x": (int | None, None)}, {"x": int}, "made.x", "NULLABLE to REQUIRED", "keep the default"),
        ({"x": int}, {"x": list[int]}, "made.x", "REQUIRED to REPEATED", "new name"),
        ({"x": (list[int], [])}, {"x": (int, 0)}, "made.x", "REPEATED to NULLABLE", "new name"),
        ({"x": (list[int], [])}, {"x": list[int]}, "made.x", "no longer optional", "default"),
        ({"x": Narrow}, {"x": Stricter}, "made.x.b", "not optional", "None"),
        ({"x": Wide}, {"x": Narrow}, "made.x.b", "is gone", "retired"),
        ({"x": Narrow}, {"x": Retyped}, "made.x.a", "INTEGER to STRING", "new name"),
        ({"x": Narrow}, {"x": Renamed}, "made.x.a", "is gone", "retired"),
        ({"x": Narrow}, {"x": Json}, "made.x", "RECORD to JSON", "new name"),
    ],
)  # fmt: skip
def test_what_bigquery_cannot_change_in_place_is_refused(
    old: dict[str, Any], new: dict[str, Any], where: str, words: str, instead: str
) -> None:
    found = [one for one in refused(findings(old, new)) if one.where == where]
    assert len(found) == 1
    assert words in found[0].what
    assert found[0].why
    assert instead in found[0].instead


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (int, Decimal, "With the lake or the search sink on"),
        (int, float, "With the lake or the search sink on"),
        (Decimal, Large, "With the lake on"),
        (Decimal, float, "With the lake on"),
    ],
)
def test_a_widened_number_says_where_it_cannot_be_widened(old: Any, new: Any, words: str) -> None:
    (found,) = refused(findings({"x": old}, {"x": new}))
    assert f"{words}, retire the field and add another instead" in found.instead


def test_a_removal_says_whether_the_column_or_the_whole_table_would_go() -> None:
    alone = refused(findings({"x": int}, {}))[0]
    with_addition = refused(findings({"x": int}, {"z": (str | None, None)}))[0]
    nested = refused(findings({"x": Wide}, {"x": Narrow}))[0]
    assert "drop the column" in alone.why
    assert "replace the table" in with_addition.why
    assert "replace the table" in nested.why


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"time": "other_at"}, "event time changes from at to other_at"),
        ({"partition": "HOUR"}, "partitioning changes from DAY to HOUR"),
        ({"table": "another"}, "table is renamed"),
        ({"type": "another"}, "event type is gone"),
    ],
)
def test_what_would_replace_the_table_is_refused(options: dict[str, Any], words: str) -> None:
    found = refused(check(taken({}), taken({}, **options)))
    assert [words in one.what for one in found] == [True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cluster": ["number"]}, "clustering changes from none to number"),
        ({"id": "number"}, "id changes from none to number"),
    ],
)
def test_what_changes_in_place_with_a_consequence_is_noted(options: dict[str, Any], words: str) -> None:
    found = check(taken({}), taken({}, **options))
    assert [(one.severity, words in one.what) for one in found] == [(Severity.NOTE, True)]
    assert found[0].why


def test_a_new_event_type_is_noted() -> None:
    old, new = taken({}), taken({}, type="another")
    both = {"version": 1, "types": old["types"] | new["types"]}
    assert [(one.severity, one.where) for one in check(old, both)] == [(Severity.NOTE, "another")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (Annotated[int, field(ge=0)], Annotated[int, field(ge=1)], "ge changes from 0 to 1"),
        (str, Annotated[str, field(pattern="a")], "pattern changes from none to a"),
        (Annotated[str, field(max_length=3)], str, "max_length changes from 3 to none"),
        (Many, Few, "no longer accepted: b"),
        (Few, Many, "newly accepted: b"),
        (str, Few, "only these are accepted from now on: a"),
    ],
)
def test_other_rules_for_producers_are_noted(old: Any, new: Any, words: str) -> None:
    found = findings({"x": old}, {"x": new})
    assert [(one.severity, words in one.what) for one in found] == [(Severity.NOTE, True)]


def test_the_same_contract_has_nothing_to_report() -> None:
    assert findings({"x": Wide, "y": Many}, {"x": Wide, "y": Many}) == []


def test_refusals_come_first() -> None:
    found = findings({"x": int}, {"a": (int, 0), "x": str})
    assert [one.severity for one in found] == [Severity.REFUSE, Severity.NOTE]
