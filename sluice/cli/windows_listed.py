"""The metrics that a table of windows knows, on a page."""

from typing import TYPE_CHECKING, Any

from sluice.cli.output import console, grid, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sluice.metrics import Metric
    from sluice.windows.reader import Follower, KnownMetric


def show_metrics(follower: "Follower", declared: "Callable[[], Sequence[Metric]]", *, json: bool) -> None:
    """List every metric that ever ran, and up to when everything is counted.

    `declared` is asked for the pipeline's metrics when none has run yet.
    """
    known = follower.metrics()
    watermark = follower.watermark
    if json:
        print_json({"watermark": watermark, "metrics": [_document(each) for each in known]})
        return
    out = console()
    if not known:
        names = ", ".join(each.name for each in declared())
        if names:
            out.print(f"Nothing has been counted yet. The pipeline declares {names}.")
        else:
            out.print("No metrics yet: nothing has been counted. docs/metrics.md says how to declare one.")
        return
    table = grid()
    for name in ("metric", "window", "by", "figures", "of", "state"):
        table.add_column(name, overflow="fold")
    for each in known:
        definition = each.definition
        table.add_row(
            definition.name,
            f"{definition.window} s",
            ", ".join(group.name for group in definition.by),
            ", ".join(measure.name for measure in definition.measures),
            ", ".join(definition.types),
            _state(each),
            style="" if each.current else "dim",
        )
    out.print(table)
    out.print()
    if watermark is None:
        out.print("Nothing is complete yet.", style="dim")
    else:
        out.print(f"All that arrived before {watermark:%Y-%m-%d %H:%M:%S} UTC is counted.", style="dim")


def _state(metric: "KnownMetric") -> str:
    if metric.current:
        return "counting"
    return "removed" if metric.removed else f"earlier, {metric.definition.version}"


def _document(metric: "KnownMetric") -> dict[str, Any]:
    definition = metric.definition
    return {
        "name": definition.name,
        "version": definition.version,
        "current": metric.current,
        "removed": metric.removed,
        "description": definition.description,
        "types": definition.types,
        "window_seconds": definition.window,
        "lateness_seconds": definition.lateness,
        "where": definition.where,
        "dedupe": definition.dedupe,
        "by": [{"name": group.name, "field": group.path, "kind": group.kind} for group in definition.by],
        "measures": [
            {"name": each.name, "measure": each.measure, "field": each.path, "error": each.error}
            for each in definition.measures
        ],
    }
