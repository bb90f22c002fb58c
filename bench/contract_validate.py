"""Events per second from bytes to a checked event, and on to a row for BigQuery, on one core.

    python bench/contract_validate.py [--events 5000] [--rounds 7]

The events are fakes of the default pipeline (nested structs, free JSON), flat ones of about 1 KB, and real
requests to a web site. Floor: msgspec decodes without a class and checks nothing. Peer: pydantic validates
the JSON against the same types and rules and refuses unknown fields. It takes a key that stands twice without
a word, which Sluice refuses, so it is also measured with Python's parser looking for those. All figures are
processor time, the best of some rounds.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import msgspec
import pydantic
from msgspec.structs import replace

from sluice.contract import Contract
from sluice.contract.columns import Column
from sluice.contract.fake import fake_events
from sluice.contract.kinds import INT64_MAX, INT64_MIN, Kind, Mode
from sluice.pipeline import load_pipeline

ROOT = Path(__file__).parents[1]
BATCH = 500
FLOOR = "floor: msgspec, no class"


def pydantic_type(column: Column) -> Any:
    plain: dict[Kind, Any] = {
        Kind.STRING: str,
        Kind.INTEGER: int,
        Kind.FLOAT: float,
        Kind.BOOLEAN: bool,
        Kind.DECIMAL: Decimal,
        Kind.TIMESTAMP: pydantic.AwareDatetime,
        Kind.DATE: date,
        Kind.JSON: pydantic.JsonValue,
    }
    rules: dict[str, Any] = {
        name: getattr(column.spec, name) for name in ("ge", "gt", "le", "lt", "multiple_of")
    }
    rules |= {name: getattr(column.spec, name) for name in ("min_length", "max_length", "pattern")}
    if column.kind is Kind.INTEGER and not column.choices:
        rules["ge"] = INT64_MIN if rules["ge"] is None else rules["ge"]
        rules["le"] = INT64_MAX if rules["le"] is None else rules["le"]
    if column.kind is Kind.DECIMAL:
        rules |= {"max_digits": 38, "decimal_places": 9 if column.spec.scale is None else column.spec.scale}
    found: Any = plain.get(column.kind)
    if column.choices:
        found = Literal[column.wire_choices]
    elif column.columns:
        found = model(column.name, column.columns)
    kept = {name: value for name, value in rules.items() if value is not None}
    found = Annotated[found, pydantic.Field(**kept)] if kept and not column.choices else found
    if column.mode is Mode.REPEATED:
        found = list[found]
    return found | None if column.nullable else found


def model(name: str, columns: Sequence[Column], tag: str | None = None) -> Any:
    fields: dict[str, Any] = {
        column.name: (
            pydantic_type(column),
            None if column.nullable else [] if column.mode is Mode.REPEATED else ...,
        )
        for column in columns
    }
    if tag is not None:
        fields["type"] = (Literal[tag], ...)
    for column in columns:
        if column.optional and not column.nullable and column.mode is not Mode.REPEATED:
            default = False if column.kind is Kind.BOOLEAN else ""
            fields[column.name] = (fields[column.name][0], default)
    config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=False)
    return pydantic.create_model(name, __config__=config, **fields)


def adapter(contract: Contract) -> pydantic.TypeAdapter[Any]:
    models = tuple(model(kind.name, kind.columns, kind.name) for kind in contract.types.values())
    union: Any = Union[models]  # noqa: UP007 - made of a tuple at run time
    tagged = Annotated[union, pydantic.Field(discriminator="type")] if len(models) > 1 else models[0]
    kind: Any = tagged
    return pydantic.TypeAdapter(kind)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def strict(peer: pydantic.TypeAdapter[Any], data: bytes) -> Any:
    json.loads(data, object_pairs_hook=once)
    return peer.validate_json(data)


def best(rounds: int, datas: Sequence[bytes], work: Callable[[bytes], object]) -> float:
    """Seconds per event; results live as long as a batch does."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        for start in range(0, len(datas), BATCH):
            [work(data) for data in datas[start : start + BATCH]]
        times.append(time.process_time() - started)
    return min(times) / len(datas)


def measure(title: str, contract: Contract, datas: Sequence[bytes], rounds: int) -> None:
    peer = adapter(contract)
    classes = tuple(kind.cls for kind in contract.types.values())
    typed = msgspec.json.Decoder(Union[classes])  # noqa: UP007 - same
    seconds = {
        FLOOR: best(rounds, datas, msgspec.json.Decoder().decode),
        "msgspec with the class alone": best(rounds, datas, typed.decode),
        "sluice: decode": best(rounds, datas, contract.decode),
        "sluice: decode and row": best(
            rounds, datas, lambda data: contract.encode_row(contract.decode(data))
        ),
        "peer: pydantic": best(rounds, datas, peer.validate_json),
        "peer: pydantic, no key twice": best(rounds, datas, lambda data: strict(peer, data)),
        "peer: pydantic and row": best(rounds, datas, lambda data: peer.dump_json(strict(peer, data))),
    }
    print(f"{title}: {len(datas)} events of {sum(map(len, datas)) / len(datas):.0f} bytes on average")
    peers = {
        "sluice: decode": "peer: pydantic, no key twice",
        "sluice: decode and row": "peer: pydantic and row",
    }
    for name, taken in seconds.items():
        line = f"  {name:30} {1 / taken:>10,.0f} events/s {taken * 1e6:>6.1f} us"
        if name in peers:
            ratio, over = seconds[peers[name]] / taken, taken / seconds[FLOOR]
            line += f"   {ratio:.1f} x the peer's speed, {over:.1f} x the floor's time"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    app = load_pipeline(ROOT / "pipeline.py").contract
    start = datetime.fromisoformat("2026-01-01T00:00:00Z")
    fakes = fake_events(app, seed=1, start=start, count=options.events)
    measure("default pipeline", app, [app.encode(event) for event in fakes], options.rounds)
    views = fake_events(app, seed=1, start=start, count=options.events, only="page_view")
    flat = [app.encode(replace(view, device=None, experiments=None)) for view in views]
    measure("page views without structs and free JSON", app, flat, options.rounds)
    web = load_pipeline(ROOT / "tests/pipelines/web_requests.py").contract
    with gzip.open(ROOT / "tests/data/web_requests.ndjson.gz") as file:
        lines = file.read().splitlines()[: options.events]
    measure("web requests", web, lines, options.rounds)


if __name__ == "__main__":
    main()
