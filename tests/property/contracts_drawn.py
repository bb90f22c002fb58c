"""Contracts as users might write them, drawn by hypothesis."""

import types
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st

from sluice.contract import Contract, Event, Json, Nested, field
from sluice.errors import ContractError

INT64 = st.integers(-(2**63), 2**63 - 1)
PATTERNS = (
    "^[A-Z]{2,4}$",
    r"^\d{3}-\d{2,}$",
    "^(red|green|blue)$",
    r"^[\w.]+@[a-z]+\.(com|org)$",
    "x",
    r"^v\d+(\.\d+)*$",
    "^[^/]+/[^/]+$",
    "(?i)^[a-f0-9]{8}$",
)
NAMES = (
    *("name", "email", "user_name", "client_ip", "url", "path", "title", "query", "tag", "country", "amount"),
    *("price", "count", "latitude", "status", "user_agent", "note", "session_id", "value", "data", "x1"),
    *("camelCase", "class_", "from_", "zoom_ms", "created_at", "birth_date", "kind"),
)


class Tone(Enum):
    LOUD = "loud"
    LOW = "low"


def spec(**constraints: Any) -> Any:
    return field("Some words", **{name: value for name, value in constraints.items() if value is not None})


@st.composite
def integers(draw: st.DrawFn) -> Any:
    low, high = sorted((draw(INT64), draw(INT64)))
    return Annotated[int, spec(ge=draw(st.sampled_from((None, low))), le=draw(st.sampled_from((None, high))))]


@st.composite
def floats(draw: st.DrawFn) -> Any:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    low, high = sorted((draw(finite), draw(finite)))
    return Annotated[
        float, spec(ge=draw(st.sampled_from((None, low))), le=draw(st.sampled_from((None, high))))
    ]


@st.composite
def decimals(draw: st.DrawFn) -> Any:
    number = st.decimals(-(10**12), 10**12, places=3, allow_nan=False)
    low, high = sorted((draw(number), draw(number)))
    return Annotated[
        Decimal,
        spec(
            ge=draw(st.sampled_from((None, low))),
            le=draw(st.sampled_from((None, high))),
            scale=draw(st.sampled_from((None, 3, 6, 9))),
            bignumeric=draw(st.booleans()),
        ),
    ]


@st.composite
def strings(draw: st.DrawFn) -> Any:
    if draw(st.booleans()):
        return Annotated[str, spec(pattern=draw(st.sampled_from(PATTERNS)))]
    low = draw(st.sampled_from((None, 0, 1, 7, 300)))
    high = draw(st.sampled_from((None, 300, 2_000)))
    return Annotated[str, spec(min_length=low, max_length=high)]


SCALARS = st.one_of(
    integers(),
    floats(),
    decimals(),
    strings(),
    st.sampled_from(
        (int, float, bool, Decimal, str, datetime, date, Json, Tone, Literal["a", "b"], Literal[1, 2])
    ),
)


@st.composite
def bodies(draw: st.DrawFn, *, depth: int) -> dict[str, Any]:
    """A class's annotations and defaults."""
    body: dict[str, Any] = {"__annotations__": {}}
    for name in draw(st.lists(st.sampled_from(NAMES), unique_by=str.lower, min_size=1, max_size=5)):
        if depth and draw(st.integers(0, 3)) == 0:
            inner = draw(bodies(depth=depth - 1))
            annotation: Any = types.new_class(
                "Inner", (Nested,), {}, lambda space, inner=inner: space.update(inner)
            )
        else:
            annotation = draw(SCALARS)
        match draw(st.sampled_from(("required", "optional", "list", "filled"))):
            case "optional":
                annotation, body[name] = annotation | None, None
            case "list":
                annotation, body[name] = list[annotation], []
            case "filled":
                annotation = Annotated[list[annotation], spec(min_items=1, max_items=3)]
        body["__annotations__"][name] = annotation
    return body


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    events = []
    for number in range(draw(st.integers(1, 3))):
        body = draw(bodies(depth=2))
        timed = draw(st.sampled_from((datetime, date)))
        body["__annotations__"] |= {"happened": timed}
        options = {"type": f"made_{number}", "time": "happened"}
        if draw(st.booleans()):
            body["__annotations__"] |= {
                "identity": draw(st.sampled_from((str, int, Annotated[str, spec(max_length=8)])))
            }
            options["id"] = "identity"
            if draw(st.booleans()):
                body["__annotations__"]["revision"] = draw(
                    st.sampled_from((datetime, Annotated[int, spec(ge=0)]))
                )
                options["version"] = "revision"
        events.append(
            types.new_class(f"Made{number}", (Event,), options, lambda space, body=body: space.update(body))
        )
    return Contract(events)


FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def made(build: Callable[[], Any]) -> Any:
    """What is built, unless nothing at all can fit the rules that were drawn."""
    try:
        return build()
    except ContractError as error:
        impossible = "no fake" in str(error)
    assert impossible
    return reject()


START = datetime(2025, 3, 1, tzinfo=UTC)
