"""Where the events of a file would go, found out without any cloud."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from sluice.cli.lines import open_input, read_lines
from sluice.cli.output import console, count, grid, plural, printable
from sluice.cli.progress import stages
from sluice.contract import ContractViolation, Event
from sluice.pipeline import Pipeline
from sluice.predicate import compile_predicate

EXAMPLES = 3
"""Lines named for each place that events go to."""

EVERY = 1_000
"""Lines between two looks at the progress."""

_NO_ID = "without an id"


@dataclass(slots=True)
class Bundle:
    """Lines that go the same way: how many, and the first of them with what they are."""

    count: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, what: str) -> None:
        """Take in one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append((line, what))

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "count": self.count,
            "examples": [{"line": line, "what": what} for line, what in self.examples],
        }


@dataclass(slots=True)
class Tried:
    """Where events go: by the routes that take them, and those that the contract refuses."""

    routes: tuple[str, ...]
    ways: dict[tuple[str, ...], Bundle] = field(default_factory=dict)
    refused: Bundle = field(default_factory=Bundle)

    def taken_by(self, route: str) -> int:
        """Return how many events a route takes, alone or with others."""
        return sum(bundle.count for way, bundle in self.ways.items() if route in way)

    @property
    def events(self) -> int:
        """How many lines are events."""
        return sum(bundle.count for bundle in self.ways.values())

    def sorted_ways(self) -> list[tuple[tuple[str, ...], Bundle]]:
        """Return them in the order of the routes: one route, several, none."""
        place = {route: number for number, route in enumerate(self.routes)}
        return sorted(
            self.ways.items(),
            key=lambda item: (not item[0], len(item[0]), [place[route] for route in item[0]]),
        )

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "events": self.events,
            "refused": self.refused.document(),
            "routes": {route: self.taken_by(route) for route in self.routes},
            "ways": [{"routes": list(way), **bundle.document()} for way, bundle in self.sorted_ways()],
        }


Asked = list[tuple[str, Callable[[Event], bool]]]


def try_routes(pipeline: Pipeline, source: str, *, quiet: bool) -> Tried:
    """Ask each route about each event of a file, or of stdin for `-`, as its function would.

    Raises:
        UsageError: the file cannot be read.
    """
    with open_input(source) as file, stages(quiet=quiet) as shown, shown.stage("trying") as stage:
        tried = sort_lines(pipeline, read_lines(file, source), stage.update)
        stage.finish(plural(tried.events, "event"))
    return tried


def sort_lines(pipeline: Pipeline, lines: Iterable[bytes | None], progress: Callable[[int], None]) -> Tried:
    """Ask each route about each line; `progress` is told how many are done."""
    contract = pipeline.contract
    asked: dict[type[Event], Asked] = {
        kind.cls: [
            (route.name, compile_predicate(route.where, kind))
            for route in pipeline.routes
            if kind.cls in {one.cls for one in route.types}
        ]
        for kind in contract.types.values()
    }
    tried = Tried(tuple(route.name for route in pipeline.routes))
    for number, line in enumerate(filter(None, lines), start=1):  # blank lines do not count
        if number % EVERY == 0:
            progress(number)
        try:
            event = contract.decode(line)
        except ContractViolation as violation:
            tried.refused.add(number, str(violation))
            continue
        kind = contract.type_of(event)
        way = tuple(name for name, wanted in asked[kind.cls] if wanted(event))
        tried.ways.setdefault(way, Bundle()).add(number, f"{kind.name} {kind.event_id(event) or _NO_ID}")
    return tried


def show_tried(tried: Tried) -> None:
    """Print which routes take how many events, and some of them."""
    out = console()
    table = grid()
    table.add_column("goes to", overflow="fold")
    table.add_column("events", justify="right")
    table.add_column("such as line", overflow="fold")
    idle = [((route,), Bundle()) for route in tried.routes if not tried.taken_by(route)]
    for way, bundle in (*idle, *tried.sorted_ways()):
        style = "bold" if len(way) == 1 else "dim" if not way else "yellow"
        table.add_row(Text(_way(way), style=style), count(bundle.count), _such_as(bundle))
    if tried.refused.count:
        label = Text("nowhere: dead letters", style="red")
        table.add_row(label, count(tried.refused.count), _such_as(tried.refused))
    out.print(table)
    several = sum(bundle.count for way, bundle in tried.ways.items() if len(way) > 1)
    none = sum(bundle.count for way, bundle in tried.ways.items() if not way)
    out.print(
        f"\n{plural(tried.events, 'event')}: {count(tried.events - several - none)} in exactly one route,"
        f" {count(several)} in several, {count(none)} in none.",
    )
    if tried.refused.count:
        refused = plural(tried.refused.count, "line")
        out.print(f"The contract refuses {refused}: each sink that meets one sends it to the dead letters.")


def _way(way: tuple[str, ...]) -> str:
    if not way:
        return "no route"
    return way[0] if len(way) == 1 else f"{', '.join(way[:-1])} and {way[-1]}"


def _such_as(bundle: Bundle) -> Text:
    return Text("\n".join(f"{number}: {printable(what)}" for number, what in bundle.examples))
