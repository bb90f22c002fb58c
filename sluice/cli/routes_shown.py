"""The routes of a pipeline, described for programs and for people."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.padding import Padding
from rich.text import Text

from sluice.cli.output import console, grid, printable
from sluice.contract import Contract
from sluice.patterns import compile_route
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream

FILTER, PREDICATE = "filter pattern", "predicate"
INDENT = 2


def described(pipeline: Pipeline, consumers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what is to know of each route; `consumers` says which ones are shared."""
    return [
        _route(route, pipeline.contract, consumers.get(route.name, "enhanced")) for route in pipeline.routes
    ]


def _route(route: Route, contract: Contract, consumer: str) -> dict[str, Any]:
    compiled = compile_route(route, contract, enhanced=consumer == "enhanced")
    return {
        "name": route.name,
        "description": route.description,
        "where": route.where,
        "types": [kind.name for kind in route.types],
        "partition": route.partition,
        "target": _target(route),
        "consumer": consumer,
        "decided_by": FILTER if compiled.patterns else PREDICATE,
        "patterns": list(compiled.patterns),
        "reason": compiled.reason,
    }


def _target(route: Route) -> dict[str, Any]:
    match route.to:
        case Function(folder):
            return {"kind": "function", "folder": folder}
        case Stream():
            return {"kind": "stream", "consumers": [one.folder for one in route.consumers]}
        case Queue(fifo=fifo):
            return {"kind": "queue", "fifo": fifo}
        case Firehose():
            return {"kind": "firehose"}


def show(pipeline: Pipeline, found: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of the routes, then for each what decides, why, and its patterns."""
    routes = {route.name: route for route in pipeline.routes}
    if not routes:
        sys.stdout.write(
            "There are no routes: Pipeline(routes=[...]) takes them, docs/routes.md shows one.\n"
        )
        return
    out = console()
    table = grid()
    for title in ("route", "where", "types", "to", "consumer", "decided by"):
        table.add_column(title, overflow="fold")
    for route in found:
        table.add_row(
            Text(route["name"], style="bold"),
            Text(printable(route["where"])),
            ", ".join(route["types"]),
            leads_to(routes[route["name"]]),
            route["consumer"],
            Text(route["decided_by"], style="green" if route["patterns"] else "yellow"),
        )
    out.print(table)
    for route in found:
        out.print()
        heading = Text(route["name"], style="bold")
        if route["description"]:
            heading.append(f": {route['description']}", style="default")
        if route["partition"]:
            heading.append(" (each event of its types in one such route alone)", style="dim")
        out.print(heading)
        out.print(Padding(Text(_sentence(route["reason"])), (0, 0, 0, INDENT), expand=False))
        for pattern in route["patterns"]:  # copied as one line each
            out.print(Text(f"{' ' * INDENT}{pattern}", style="dim"), soft_wrap=True)


def leads_to(route: Route) -> str:
    """Say in a few words where a route leads."""
    match route.to:
        case Function(folder):
            return f"functions/{folder}"
        case Stream():
            readers = ", ".join(f"functions/{one.folder}" for one in route.consumers)
            return f"stream, read by {readers}" if readers else "stream"
        case Queue(fifo=fifo):
            return "FIFO queue" if fifo else "queue"
        case Firehose():
            return "Firehose"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
