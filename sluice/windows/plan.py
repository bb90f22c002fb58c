"""`Plan`: what to do with an event of each type, worked out once.

Every event of the stream passes here, so for each event type a function is written out, with all its metrics
in a row. `Plan.source` shows it; with one metric it reads

    def fold(event, arrived_at, winner, rows, touched, open_row):
        counted = False
        wanted_0 = where_0(event)
        since = event.paid_at - EPOCH
        second = since.days * 86400 + since.seconds
        if wanted_0:
            start = second - second % 60
            key = (start, event.currency)
            row = rows[0].get(key)
            if row is None:
                row = open_row(0, key)
            if row[0]:
                row[0] = False
                touched[0].append(row)
            if arrived_at >= start + 60:
                row[3] += 1
            row[4] += 1
            value = event.amount
            if value is not None:
                row[5] = add_0_5(row[5], value)
            counted = True
        return counted

Filters come first: if one should fail, nothing was counted yet. A row holds whether it is packed as it is,
its window's packed rows, the group's bytes, and the partial of each signature, the late events first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from sluice.contract import Event, EventType
from sluice.contract.kinds import Kind
from sluice.contract.names import TYPE_COLUMN
from sluice.metrics import Metric
from sluice.pipeline import Pipeline
from sluice.windows.measures import LATE, Accumulator, accumulator
from sluice.windows.measures_base import Counts
from sluice.windows.readers import Reader, reader

Fold: TypeAlias = Callable[[Event, float, bool, Any, Any, Any], bool]
"""Takes an event into the rows of all metrics; False when no metric counted it."""
Filter: TypeAlias = Callable[[Event], bool]

FIRST = 3
"""Where a row's partials begin."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class PlannedMetric:
    """A metric as it is folded."""

    name: str
    version: str
    window: int
    """Seconds."""
    dedupe: bool
    signatures: tuple[str, ...]
    """Of the partials of a row, the late events first; measures that share a signature share a partial."""
    accumulators: tuple[Accumulator, ...]
    """Theirs."""
    pack: Callable[[list[Any]], list[Any]]
    """Takes a row, returns its partials as msgpack takes them."""


class Plan:
    """How the events of a pipeline are folded into its metrics.

    Raises ContractError when a metric's filter cannot be compiled.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.metrics: tuple[PlannedMetric, ...] = tuple(_planned(metric) for metric in pipeline.metrics)
        self.folds: dict[type[Event], Fold] = {}
        self.source: dict[str, str] = {}
        """The functions' source, by event type."""
        self.claiming: dict[type[Event], tuple[Filter | None, ...]] = {}
        """Filters of the metrics that count an event once, by class; None for one that takes all events."""
        for event_type in pipeline.contract.types.values():
            self._compile(event_type, pipeline.metrics)

    def wants_claim(self, event: Event) -> bool:
        """Whether a metric with `dedupe` would count the event."""
        filters = self.claiming.get(event.__class__)
        return filters is not None and any(where is None or where(event) for where in filters)

    def _compile(self, event_type: EventType, metrics: Sequence[Metric]) -> None:
        """Write the function of an event type, if any metric is about it."""
        chosen = [(at, one) for at, one in enumerate(metrics) if event_type.cls in one.events]
        if not chosen:
            return
        names: dict[str, Any] = {"EPOCH": _EPOCH}
        lines = ["def fold(event, arrived_at, winner, rows, touched, open_row):", "    counted = False"]
        claiming: list[Filter | None] = []
        for at, metric in chosen:
            where = _filter(metric, event_type)
            names[f"where_{at}"] = where
            if metric.dedupe:
                claiming.append(where)
            if where is not None:
                lines.append(f"    wanted_{at} = where_{at}(event)")
        lines += _second(event_type)
        for at, metric in chosen:
            lines += _block(at, metric, self.metrics[at], event_type, names)
        lines.append("    return counted")
        source = "\n".join(lines)
        exec(compile(source, f"<metrics of {event_type.name}>", "exec"), names)  # noqa: S102 - written above, of a class's own attributes
        self.folds[event_type.cls] = names["fold"]
        self.source[event_type.name] = source
        if claiming:
            self.claiming[event_type.cls] = tuple(claiming)


def _planned(metric: Metric) -> PlannedMetric:
    signatures = tuple(dict.fromkeys([LATE, *(bound.signature for bound in metric.measures)]))
    accumulators = tuple(map(accumulator, signatures))
    return PlannedMetric(
        name=metric.name,
        version=metric.version,
        window=metric.window,
        dedupe=metric.dedupe,
        signatures=signatures,
        accumulators=accumulators,
        pack=_packer(accumulators),
    )


def _packer(accumulators: Sequence[Accumulator]) -> Callable[[list[Any]], list[Any]]:
    """`lambda row: [row[3], row[4], pack_5(row[5])]`: counts are packed as they are."""
    names = {f"pack_{slot}": one.pack for slot, one in enumerate(accumulators, FIRST)}
    cells = [
        f"row[{slot}]" if isinstance(one, Counts) else f"pack_{slot}(row[{slot}])"
        for slot, one in enumerate(accumulators, FIRST)
    ]
    made: Callable[[list[Any]], list[Any]] = eval(f"lambda row: [{', '.join(cells)}]", dict(names))  # noqa: S307 - written above
    return made


def _filter(metric: Metric, event_type: EventType) -> Filter | None:
    if metric.where is None:
        return None
    from sluice.predicate import compile_predicate  # noqa: PLC0415 - parses SQL: only where a metric has some

    return compile_predicate(metric.where, event_type)


def _second(event_type: EventType) -> list[str]:
    """The event time in whole seconds since 1970, rounded down."""
    time = f"event.{event_type.time_field}"
    column = next(one for one in event_type.columns if one.attribute == event_type.time_field)
    if column.kind is Kind.DATE:
        return [f"    second = ({time}.toordinal() - {_EPOCH_DAY}) * {_DAY}"]
    return [f"    since = {time} - EPOCH", f"    second = since.days * {_DAY} + since.seconds"]


def _block(
    at: int, metric: Metric, planned: PlannedMetric, event_type: EventType, names: dict[str, Any]
) -> list[str]:
    """What one metric does with an event; whatever it needs by name goes to `names`."""
    window = planned.window
    group = [
        repr(event_type.name)
        if field.path == (TYPE_COLUMN,)
        else _expression(f"group_{at}_{n}", field.path, reader(field.path, event_type, grouping=True), names)
        for n, field in enumerate(metric.by)
    ]
    conditions = ["winner"] * metric.dedupe + [f"wanted_{at}"] * (metric.where is not None)
    body = [
        f"start = second - second % {window}",
        f"key = (start, {', '.join(group)})",
        f"row = rows[{at}].get(key)",
        "if row is None:",
        f"    row = open_row({at}, key)",
        "if row[0]:",
        "    row[0] = False",
        f"    touched[{at}].append(row)",
        f"if arrived_at >= start + {window}:",
        f"    row[{FIRST}] += 1",
    ]
    paths: Mapping[str, tuple[str, ...] | None] = {one.signature: one.path for one in metric.measures}
    for slot, signature in enumerate(planned.signatures[1:], FIRST + 1):
        path = paths[signature]
        if path is None:
            body.append(f"row[{slot}] += 1")
            continue
        read = reader(path, event_type, grouping=False)
        names[f"add_{at}_{slot}"] = planned.accumulators[slot - FIRST].adder
        body += [
            f"value = {_expression(f'value_{at}_{slot}', path, read, names)}",
            "if value is not None:",
            f"    row[{slot}] = add_{at}_{slot}(row[{slot}], value)",
        ]
    body.append("counted = True")
    if not conditions:
        return [f"    {line}" for line in body]
    return [f"    if {' and '.join(conditions)}:", *(f"        {line}" for line in body)]


def _expression(name: str, path: tuple[str, ...], read: Reader | None, names: dict[str, Any]) -> str:
    """Python that reads a field; its reader, if it has one, goes to `names`."""
    if read is None:
        return f"event.{path[0]}"
    names[name] = read
    return f"{name}(event)"
