"""Records that a contract refuses, one kind for each way in which real streams go wrong.

Each starts from a fake event that would be fine, so that nothing but the one fault is wrong with it.
"""

import json
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from sluice.contract.columns import Column
from sluice.contract.contract import Contract, EventType
from sluice.contract.events import Event
from sluice.contract.fake import fake_events
from sluice.contract.kinds import Kind, Mode
from sluice.contract.names import TYPE_COLUMN
from sluice.contract.violations import ContractViolation

Document: TypeAlias = dict[str, Any]
Spoil: TypeAlias = Callable[[Document, EventType, random.Random], bytes]
"""Takes an event as a document, its type and a source of chance; returns what is sent instead."""

MIB = 1_048_576
PARTITION_KEY_BYTES = 1_024
"""A partition key's 256 characters at most take so many bytes, of the 1 MiB that a Kinesis record has."""
HUGE_SHARE = 1 / 2_000
HUGE_MOST = 5
"""How many records of 1 MiB `poison_stream` makes at most: they cost time, and one is as good as many."""
_DEEP = 1_000
_AS_TEXT = 0.5
"""The share of wrong types that are a number in quotes, where the contract takes none."""


def poison(contract: Contract, rng: random.Random) -> tuple[str, bytes]:
    """One record that the contract refuses, and what kind of fault it has."""
    kinds = poison_kinds()
    kind = kinds[-1] if rng.random() < HUGE_SHARE else rng.choice(kinds[:-1])
    return kind, make(contract, rng, kind)


def poison_stream(contract: Contract, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield for ever: first each kind once, in any order, then whatever comes."""
    first = list(poison_kinds())
    rng.shuffle(first)
    for kind in first:
        yield kind, make(contract, rng, kind)
    huge = 1
    while True:
        kind, data = poison(contract, rng)
        if len(data) > MIB // 2:
            huge += 1
            if huge > HUGE_MOST:
                continue
        yield kind, data


def poison_kinds() -> tuple[str, ...]:
    """All kinds; the last one is the record of 1 MiB."""
    return tuple(_SPOILERS)


def make(contract: Contract, rng: random.Random, kind: str) -> bytes:
    """A record with this kind of fault."""
    for _ in range(8):
        event = _event(contract, rng)
        document: Document = json.loads(contract.encode(event))
        data = _SPOILERS[kind](document, contract.type_of(event), rng)
        try:
            contract.decode(data)
        except ContractViolation:
            return data
    return _SPOILERS["not JSON"]({}, next(iter(contract.types.values())), rng)


@lru_cache(maxsize=8)
def _pool(contract: Contract) -> list[Event]:
    """Some events of every type: what is wrong with a record is what matters, not what is right."""
    found: list[Event] = []
    for name in contract.types:
        found += fake_events(contract, seed=7, count=40, only=name)
    return found


def _event(contract: Contract, rng: random.Random) -> Event:
    return rng.choice(_pool(contract))


def _dump(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _replace(document: Document, name: str, raw: str) -> bytes:
    """The document with `raw` as the text of one value, whatever that text is."""
    parts = [
        f"{json.dumps(key)}:{raw if key == name else json.dumps(value)}" for key, value in document.items()
    ]
    if name not in document:
        parts.append(f"{json.dumps(name)}:{raw}")
    return ("{" + ",".join(parts) + "}").encode()


def _not_json(document: Document, _: EventType, rng: random.Random) -> bytes:
    text = _dump(document)
    return rng.choice(
        (
            text[: len(text) // 2],
            text + b"}",
            b"timeout while reading upstream",
            b"<html><body><h1>502 Bad Gateway</h1></body></html>",
            repr(document).encode(),
            text.replace(b",", b";"),
        )
    )


def _not_utf8(document: Document, kind: EventType, rng: random.Random) -> bytes:
    name = rng.choice([TYPE_COLUMN, *(column.name for column in kind.columns)])
    return _replace(document, name, '"caf@"').replace(b'"caf@"', b'"caf\xe9 \xff"')


def _empty(_: Document, __: EventType, rng: random.Random) -> bytes:
    return rng.choice((b"", b"", b"\n", b"  "))


def _wrong_type(document: Document, kind: EventType, rng: random.Random) -> bytes:
    typed = [
        column for column in kind.columns if column.kind is not Kind.JSON or column.mode is Mode.REPEATED
    ]
    column = rng.choice(typed)
    if column.columns or column.mode is Mode.REPEATED:
        wrong: Any = rng.choice(("everything", 42, True))
    elif column.kind is Kind.BOOLEAN:
        wrong = rng.choice(("yes", 1))
    elif column.kind is Kind.DECIMAL and not column.spec.strings and rng.random() < _AS_TEXT:
        wrong = str(document.get(column.name) or 0)
    else:
        wrong = rng.choice(({"value": document.get(column.name)}, [document.get(column.name)], True))
    return _dump(document | {column.name: wrong})


def _unknown_type(document: Document, kind: EventType, rng: random.Random) -> bytes:
    name = rng.choice((f"{kind.name}_v2", kind.name.upper() + "!", "heartbeat_ping", ""))
    return _dump(document | {TYPE_COLUMN: name})


def _missing(document: Document, kind: EventType, rng: random.Random) -> bytes:
    required = [TYPE_COLUMN, *(column.name for column in kind.columns if not column.optional)]
    gone = rng.choice(required)
    return _dump({name: value for name, value in document.items() if name != gone})


def _unknown_field(document: Document, _: EventType, rng: random.Random) -> bytes:
    return _dump(document | {rng.choice(("debug_info", "x_trace", "legacy_id")): "added by a newer producer"})


def _out_of_range(document: Document, kind: EventType, rng: random.Random) -> bytes:
    found = [(column, wrong) for column in kind.columns for wrong in _beyond(column)]
    column, wrong = rng.choice(found)
    return _dump(document | {column.name: [wrong] if column.mode is Mode.REPEATED else wrong})


def _beyond(column: Column) -> list[Any]:
    """Values just past what the column takes; none where it takes anything of its type."""
    spec = column.spec
    wrong: list[Any] = []
    if column.kind is Kind.TIMESTAMP:
        wrong += ["10000-01-01T00:00:00Z", "2024-02-30T12:00:00Z"]
    elif column.kind is Kind.DATE:
        wrong.append("2023-02-29")
    elif column.choices:
        wrong.append("none_of_these" if column.kind is Kind.STRING else 987_654_321)
    elif column.kind in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL):
        for least in (spec.ge, spec.gt):
            wrong += (
                []
                if least is None
                else [float(least) - 1 if column.kind is not Kind.INTEGER else int(least) - 1]
            )
        for most in (spec.le, spec.lt):
            wrong += (
                []
                if most is None
                else [float(most) + 1 if column.kind is not Kind.INTEGER else int(most) + 1]
            )
        if column.kind is Kind.DECIMAL:
            wrong += ["1" + "0" * 60, "0." + "0" * 60 + "1"]
    elif column.kind is Kind.STRING:
        wrong += [] if spec.max_length is None else ["x" * (spec.max_length + 1)]
        wrong += [] if not spec.min_length else ["x" * (spec.min_length - 1)]
    return wrong


def _nan(document: Document, kind: EventType, rng: random.Random) -> bytes:
    numbers = [one for one in kind.columns if one.kind in (Kind.FLOAT, Kind.INTEGER, Kind.DECIMAL)]
    column = rng.choice(numbers or kind.columns)
    return _replace(document, column.name, rng.choice(("NaN", "Infinity", "-Infinity", "nan")))


def _deep(document: Document, kind: EventType, rng: random.Random) -> bytes:
    free = [column for column in kind.columns if column.kind is Kind.JSON]
    name = rng.choice(free or kind.columns).name
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    return _replace(document, name, opening * _DEEP + "1" + closing * _DEEP)


def _duplicate(document: Document, kind: EventType, rng: random.Random) -> bytes:
    name = rng.choice([name for name in document if name == TYPE_COLUMN or name in _names(kind)])
    return _dump(document)[:-1] + f",{json.dumps(name)}:{json.dumps(document[name])}}}".encode()


def _names(kind: EventType) -> set[str]:
    return {column.name for column in kind.columns}


def _huge_integer(document: Document, kind: EventType, rng: random.Random) -> bytes:
    taking = [
        one for one in kind.columns if one.kind in (Kind.INTEGER, Kind.JSON) and one.mode is not Mode.REPEATED
    ]
    column = rng.choice(taking or [one for one in kind.columns if one.kind not in (Kind.FLOAT, Kind.DECIMAL)])
    return _replace(
        document, column.name, str(rng.choice((2**63, 2**64, 10**40, -(2**70))) * rng.choice((1, 10**9)))
    )


def _huge(document: Document, _: EventType, rng: random.Random) -> bytes:
    padded = document | {"screenshot": ""}
    size = MIB - PARTITION_KEY_BYTES - len(_dump(padded))
    return _dump(padded | {"screenshot": rng.choice("abcdef") * size})


_SPOILERS: dict[str, Spoil] = {
    "not JSON": _not_json,
    "not UTF-8": _not_utf8,
    "empty": _empty,
    "wrong type": _wrong_type,
    "unknown type": _unknown_type,
    "missing field": _missing,
    "unknown field": _unknown_field,
    "out of range": _out_of_range,
    "NaN": _nan,
    "deep nesting": _deep,
    "duplicate keys": _duplicate,
    "huge integer": _huge_integer,
    "1 MiB": _huge,
}
