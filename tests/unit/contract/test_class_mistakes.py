"""A class that cannot be a table is refused when Python reads it, in one line that says what is taken."""

import enum
import types
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import msgspec
import pytest

from sluice.contract import Contract, Event, Json, Nested, field
from sluice.errors import ContractError


class Inner(Nested):
    x: int


class Mixed(enum.Enum):
    A = "a"
    B = 1


class Other(msgspec.Struct):
    x: int


NO_DEFAULT = object()


def made(annotation: Any, default: Any = NO_DEFAULT, name: str = "value", **options: Any) -> Any:
    """An event class with one more field of this annotation."""
    namespace: dict[str, Any] = {"__annotations__": {"at": datetime, name: annotation}}
    if default is not NO_DEFAULT:
        namespace[name] = default
    options = {"type": "made", "time": "at"} | options
    return types.new_class("Made", (Event,), options, lambda body: body.update(namespace))


def made_of(body: dict[str, Any], name: str) -> Any:
    """A struct with this body."""
    return types.new_class(name, (Nested,), {}, lambda namespace: namespace.update(body))


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (complex, "no BigQuery type"),
        (bytes, "no BigQuery type"),
        (dict[str, int], "no BigQuery type"),
        (Annotated[set[int], field("Some")], "value: set[int] has no BigQuery type"),
        (Annotated[bytes, field("Raw")], "value: bytes has no BigQuery type"),
        (Any, "no BigQuery type"),
        (int | str, "one type"),
        (list, "say what the list holds"),
        (tuple[int, str], "say what the list holds"),
        (list[list[int]], "no list of lists"),
        (list[int | None], "cannot hold null"),
        (list[int] | None, "cannot be null"),
        (int | None, "`... | None = None`"),
        (Optional[int], "`... | None = None`"),  # noqa: UP045 - the old spelling is understood, too
        (Literal["a", 1], "only strings or only integers"),
        (Literal[True], "only strings or only integers"),
        (Literal[2**70], "beyond 64 bits"),
        (Mixed, "only strings or only integers"),
        (Other, "must derive from sluice.contract.Nested"),
        (Annotated[int, msgspec.Meta(ge=1)], "field(...)"),
        (Annotated[int, field("a"), field("b")], "two field(...)"),
        (Annotated[int, field("x" * 1025)], "1024"),
        (Annotated[int, field(pattern="a")], "pattern= is for STRING"),
        (Annotated[str, field(ge=1)], "ge= is for"),
        (Annotated[datetime, field(ge=1)], "ge= is for"),
        (Annotated[bool, field(le=1)], "le= is for"),
        (Annotated[Inner, field(max_length=1)], "max_length= is for"),
        (Annotated[float, field(scale=2)], "scale= is for"),
        (Annotated[Decimal, field(multiple_of=2)], "multiple_of= is for"),
        (Annotated[str, field(max_items=2)], "max_items= is for lists"),
        (Annotated[Literal["a"], field(max_length=2)], "of choices"),
        (Annotated[int, field(ge=2, le=1)], "nothing lies between 2 and 1"),
        (Annotated[int, field(gt=1, lt=2)], "nothing lies between"),
        (Annotated[float, field(gt=1, le=1)], "nothing lies between"),
        (Annotated[int, field(ge=1, gt=1)], "not both"),
        (Annotated[int, field(ge=0.5)], "must be an integer"),
        (Annotated[int, field(le=2**63)], "at most 64 bits"),
        (Annotated[float, field(le=float("inf"))], "finite"),
        (Annotated[int, field(multiple_of=0)], "greater than 0"),
        (Annotated[str, field(min_length=3, max_length=2)], "no value fits"),
        (Annotated[str, field(max_length=-1)], "must be a count"),
        (Annotated[str, field(pattern="(")], "no regular expression"),
        (Annotated[Decimal, field(scale=10)], "0 to 38 with bignumeric=True"),
        (Annotated[list[Annotated[int, field(max_items=1)]], field()], "of the list"),
        (Annotated[int, field(retired=True)], "must be optional"),
        (Annotated[list[int], field(retired=True)], "must be optional"),
        (Annotated[int, field(le=5, examples=[6])], "example 6 is not accepted"),
    ],
)
def test_a_type_or_rule_that_cannot_be_is_refused(annotation: Any, words: str) -> None:
    with pytest.raises(ContractError) as caught:
        made(annotation)
    assert words in str(caught.value)
    assert "Made.value" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (int, "1"),
        (int, 2**63),
        (Annotated[int, field(le=5)], 6),
        (Annotated[str, field(pattern="^a")], "b"),
        (Literal["a"], "b"),
        (str, None),
        (Annotated[list[int], field(min_items=1)], []),
        (datetime | None, datetime(2024, 1, 1)),  # noqa: DTZ001 - without a zone, on purpose
    ],
)
def test_a_default_that_the_field_refuses_is_a_mistake(annotation: Any, default: Any) -> None:
    with pytest.raises(ContractError, match="default"):
        made(annotation, default)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("type", "taken by the tag"),
        ("_shard", "leading underscore"),
        ("_TABLE_x", "leading underscore"),
        ("größe", "ASCII"),
        ("x" * 301, "300"),
        ("AT", "one column to BigQuery"),
    ],
)
def test_a_name_that_bigquery_refuses_is_a_mistake(name: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        made(int, name=name)


def test_a_reserved_word_is_sent_without_its_underscore() -> None:
    cls = made(str, name="class_")
    contract = Contract([cls])
    event = contract.decode(b'{"type":"made","at":"2024-01-01T00:00:00Z","class":"b"}')
    assert event.class_ == "b"
    assert b'"class":"b"' in contract.encode_row(event)
    assert "class" in [column["name"] for column in contract.types["made"].schema]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": ""}, "not usable"),
        ({"type": "a b"}, "not usable"),
        ({"type": "x" * 200}, "not usable"),
        ({"type": "web.request"}, "table=..."),
        ({"type": "dead_letters"}, "Sluice's own"),
        ({"table": "Dead_Letters"}, "Sluice's own"),
        ({"time": None}, "event time"),
        ({"time": "nope"}, "is no field"),
        ({"time": "value"}, "datetime or date"),
        ({"id": "nope"}, "is no field"),
        ({"id": "at"}, "str or int"),
        ({"partition": "WEEK"}, "HOUR, DAY, MONTH, YEAR"),
        ({"cluster": ["at", "at"]}, "twice"),
        ({"cluster": ["nope"]}, "is no field"),
        ({"weight": -1}, "0 or more"),
        ({"weight": float("nan")}, "0 or more"),
        ({"colour": "red"}, "unknown keyword"),
    ],
)
def test_a_wrong_head_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        made(float, **options)


def test_a_dotted_type_has_a_table_of_another_name() -> None:
    contract = Contract([made(int, type="web.request", table="web_request")])
    assert contract.types["web.request"].table == "web_request"


@pytest.mark.parametrize("annotation", [float, Json, list[str], Inner])
def test_clustering_by_what_bigquery_cannot_order_is_refused(annotation: Any) -> None:
    with pytest.raises(ContractError, match="clusters by single"):
        made(annotation, cluster=["value"])


def test_five_cluster_columns_are_too_many() -> None:
    with pytest.raises(ContractError, match="up to 4"):
        made(int, cluster=["value", "at", "value", "at", "value"])


def test_hourly_partitions_need_a_time_of_day() -> None:
    with pytest.raises(ContractError, match="HOUR"):
        made(date, time="value", partition="HOUR")


@pytest.mark.parametrize("annotation", [Annotated[str, field(min_length=0)], Literal["a"], float])
def test_an_id_must_tell_events_apart(annotation: Any) -> None:
    with pytest.raises(ContractError, match="id="):
        made(annotation, id="value")


def test_an_optional_id_is_refused() -> None:
    with pytest.raises(ContractError, match="without a default"):
        made(str | None, None, id="value")


def test_an_optional_time_is_refused() -> None:
    with pytest.raises(ContractError, match="without a default"):
        made(datetime | None, None, time="value")


def test_a_struct_cannot_hold_itself() -> None:
    with pytest.raises(ContractError, match="cannot hold itself"):
        made_of({"__annotations__": {"child": "Tree | None"}, "child": None}, "Tree")


def test_an_unknown_name_in_an_annotation_is_named() -> None:
    with pytest.raises(ContractError, match="Missing"):
        made("Missing")


def test_structs_nest_no_deeper_than_bigquery_does() -> None:
    inner: Any = Inner
    for level in range(15):
        inner = made_of({"__annotations__": {"below": inner}}, f"Level{level}")
    with pytest.raises(ContractError, match="15 levels"):
        made(inner)


def test_a_head_without_type_is_refused() -> None:
    with pytest.raises(ContractError, match="give the event type's name"):
        types.new_class(
            "Made", (Event,), {"time": "at"}, lambda body: body.update(__annotations__={"at": datetime})
        )


def test_two_types_of_one_name_or_one_table_are_refused() -> None:
    with pytest.raises(ContractError, match="same type='made'"):
        Contract([made(int), made(str)])
    with pytest.raises(ContractError, match="both write to the table"):
        Contract([made(int), made(int, type="other", table="MADE")])


@pytest.mark.parametrize("events", [[], [Event], [Inner], [int], ["search"]])
def test_a_contract_takes_event_types_alone(events: list[Any]) -> None:
    with pytest.raises(ContractError):
        Contract(events)


def test_common_fields_come_from_a_base_class() -> None:
    class Base(Event):
        at: datetime
        who: Annotated[str, field("Who", max_length=3)]

    class Done(Base, type="done", time="at"):
        what: str

    contract = Contract([Done])
    assert [column.name for column in contract.types["done"].columns] == ["at", "who", "what"]
    assert contract.types["done"].columns[1].spec.max_length == 3


def test_events_are_frozen_and_keyword_only() -> None:
    cls = made(int)
    with pytest.raises(TypeError):
        cls(datetime.now(), 1)  # noqa: DTZ005 - never gets that far
    event = cls(at=datetime.now(), value=1)  # noqa: DTZ005 - never sent
    with pytest.raises(AttributeError):
        event.value = 2
