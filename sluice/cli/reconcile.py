"""`sluice reconcile`: windows held against BigQuery's deduplicated events, and mended."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Env, Json, PipelineFile, moment
from sluice.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sluice.audit.passed import Refused
    from sluice.audit.reconciliation import Comparison
    from sluice.cli.target import Target
    from sluice.metrics import Metric
    from sluice.windows.merged import Merged
    from sluice.windows.reader import Follower

EXAMPLE = """\b
Examples:
  sluice reconcile revenue_per_minute --since 6h
  sluice reconcile revenue_per_minute --since 6h --mend
"""

SINK, OTHER = "windows", "bigquery"

WAIT_SECONDS = 60
"""How long the BigQuery sink may take to pass what the windows have counted."""

MOST_REFUSED = 5_000
"""Dead letters that a query can leave out one by one; its text may be 1 MB long."""

MOST_SHOWN = 20


def reconcile(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="A metric's name.")],
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only windows that end later: 30m, 6h, 2d, or a moment like 2026-11-20T08:00Z.  "
            "[default: everything]",
        ),
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Write what is missing, or too much, into the windows.")
    ] = False,
    pipeline: PipelineFile = None,
    env: Env = None,
    json: Json = False,
) -> int:
    """Compare a metric's windows with BigQuery, where every event counts once.

    Without dedupe=True a duplicate counts twice in the windows; this finds it, and --mend takes it out again.
    Only records up to the same place of each shard are compared, so nothing needs to stand still. Exit status
    1 when something differs and was not mended.
    """
    from datetime import UTC, datetime

    from sluice.audit.reconciliation import beyond_mending
    from sluice.cli.output import print_json
    from sluice.cli.progress import stages
    from sluice.cli.project import find_root
    from sluice.cli.target import Target
    from sluice.cli.windows import follower_of

    root = find_root()
    target = Target.find(root, env)
    begin = None if since is None else moment("--since", since, datetime.now(UTC))
    found = Reconciliation(target, follower_of(target), _metric(root, target, pipeline, metric))
    with stages(quiet=json) as shown, shown.stage(f"comparing {metric}"):
        compared = found.compare(begin)
    mended = mend and bool(compared.differences)
    if mended:
        found.mend(compared)
    left = beyond_mending(found.metric.definition)
    if json:
        print_json(_document(metric, compared, mended=mended, left=left, notes=found.notes))
    else:
        _print(metric, compared, mended=mended, left=left, notes=found.notes)
    return 1 if compared.differences and not mended else 0


class Reconciliation:
    """One metric, the windows that count it, and the BigQuery that has its events."""

    def __init__(self, target: "Target", follower: "Follower", metric: "Metric") -> None:
        self.target, self.follower, self.metric = target, follower, metric
        self.notes: list[str] = []
        self._windows: dict[int, Merged] = {}
        self._refused: Refused | None = None

    def compare(self, since: "datetime | None") -> "Comparison":
        """Read both sides as they were at one moment.

        Raises:
            UsageError: the metric has nothing to compare, or is not the one that is counted there.
            EnvironmentProblem: the BigQuery sink does not come up to the windows.
        """
        from datetime import UTC, datetime, timedelta

        from sluice.audit.passed import await_sink, refused
        from sluice.audit.reconciliation import comparable, compare
        from sluice.audit.recount import Recount
        from sluice.deadletters import read_queue
        from sluice.deadline import Deadline
        from sluice.windows.store import WindowTable

        target, outputs, definition = self.target, self.target.outputs, self.metric.definition
        comparable(definition)
        self.follower.refresh()
        self._check_version()
        lanes = self.follower.lanes()
        marks = {name: lane.mark for name, lane in lanes.items() if lane.mark is not None}
        table = WindowTable(target.dynamodb, outputs.windows_table or "")
        await_sink(outputs.ledger_table, OTHER, marks, table, deadline=Deadline.after(WAIT_SECONDS))
        letters = read_queue(
            target.sqs, outputs.dead_letter_queue_url, payloads=False, wait_seconds=target.patience
        )
        functions = [outputs.sinks[name].function for name in (SINK, OTHER) if name in outputs.sinks]
        self._refused = refused(letters, windows=SINK, other=OTHER, functions=functions)
        letters_held = len(self._refused.windows)
        if letters_held > MOST_REFUSED:
            raise EnvironmentProblem(
                f"{letters_held} dead letters of the windows, and {MOST_REFUSED} at most can be told apart: "
                "redrive them first"
            )
        recount = Recount(
            client=target.bigquery,
            dataset=outputs.bigquery_dataset,
            metric=self.metric,
            marks=marks,
            refused=sorted(self._refused.windows),
        )
        begin = datetime.now(UTC) - timedelta(days=outputs.window_days)
        kept = recount.expires()
        if kept is not None and datetime.now(UTC) - kept + timedelta(days=1) > begin:
            begin = datetime.now(UTC) - kept + timedelta(days=1)
            self.notes.append(f"BigQuery keeps these events for {kept.days} days: older windows are left out")
        begin = begin if since is None else max(begin, since)
        window = definition.window
        begin = datetime.fromtimestamp(begin.timestamp() // window * window, UTC)
        self._windows = self.follower.merged(definition, begin)
        self._note_refused(self._refused)
        return compare(self.metric, self._windows, recount, begin)

    def mend(self, compared: "Comparison") -> None:
        """Write what the windows lack.

        Raises:
            EnvironmentProblem: that would have to be taken back when dead letters are redriven, or somebody
                else was faster.
        """
        from datetime import timedelta

        from sluice.audit.reconciliation import corrections
        from sluice.windows.correction import correct
        from sluice.windows.keys import RECONCILED

        assert self._refused is not None  # noqa: S101 - compare has set it
        if self._refused.apart:
            raise EnvironmentProblem(
                f"--mend: {self._refused.apart} records are dead letters of the BigQuery sink alone and "
                "would be mended away: `sluice dlq redrive --all`, then reconcile again"
            )
        definition = self.metric.definition
        lane = self.follower.lanes().get(RECONCILED)
        correct(
            self.target.dynamodb,
            self.target.outputs.windows_table or "",
            definition,
            corrections(definition, self._windows, compared.differences),
            number=0 if lane is None else lane.number,
            keep=timedelta(days=self.target.outputs.window_days),
        )

    def _check_version(self) -> None:
        name, version = self.metric.name, self.metric.version
        known = [each for each in self.follower.metrics() if each.definition.name == name]
        current = [each.definition.version for each in known if each.current]
        if version not in current:
            raise UsageError(
                f"{name}: {self.target.where} counts the version {current[0] if current else 'none'} of it, "
                f"and this pipeline file declares {version}; deploy the file, or name another with --pipeline"
            )

    def _note_refused(self, refused: "Refused") -> None:
        if refused.windows:
            self.notes.append(
                f"{len(refused.windows)} records are dead letters of the windows and left out: redrive them"
            )
        if refused.apart:
            self.notes.append(
                f"{refused.apart} records are dead letters of the BigQuery sink alone: they look as if they "
                "were counted too often"
            )


def _metric(root: "Path", target: "Target", given: "Path | None", name: str) -> "Metric":
    from difflib import get_close_matches

    from sluice.cli.project import pipeline_file
    from sluice.pipeline import load_pipeline

    metrics = {
        each.name: each for each in load_pipeline(pipeline_file(root, given or target.pipeline)).metrics
    }
    if name not in metrics:
        close = get_close_matches(name, metrics, 1)
        others = f"did you mean {close[0]}?" if close else f"there are {', '.join(metrics) or 'none'}"
        raise UsageError(f"{name}: the pipeline has no such metric; {others}")
    return metrics[name]


def _document(
    metric: str, compared: "Comparison", *, mended: bool, left: list[str], notes: list[str]
) -> dict[str, Any]:
    return {
        "metric": metric,
        "windows": compared.windows,
        "groups": compared.groups,
        "counted_twice": compared.twice,
        "missing": compared.missing,
        "differences": [
            {
                "window_start": each.window_start,
                "group": each.group,
                "windows": each.windows,
                "bigquery": each.bigquery,
            }
            for each in compared.differences
        ],
        "mended": mended,
        "not_mendable": left,
        "notes": notes,
    }


def _print(metric: str, compared: "Comparison", *, mended: bool, left: list[str], notes: list[str]) -> None:
    from sluice.cli.output import console, plural, print_rows
    from sluice.cli.windows_shown import label

    out = console()
    differing = len(compared.differences)
    if differing:
        cells = [
            [f"{each.window_start:%Y-%m-%d %H:%M:%S}", label(each.group), name, held, each.bigquery[name]]
            for each in compared.differences
            for name, held in each.windows.items()
            if held != each.bigquery[name]
        ]
        print_rows(out, ["window (UTC)", "group", "figure", "windows", "BigQuery"], cells[:MOST_SHOWN])
        if len(cells) > MOST_SHOWN:
            out.print(f"The first {MOST_SHOWN} of {len(cells)}; --json prints all.", style="dim")
        out.print()
    for note in notes:
        out.print(note, style="dim")
    of = f"{plural(compared.groups, 'group')} in {plural(compared.windows, 'window')}"
    if not differing:
        out.print(f"All agree: {of}.", style="bold green")
        return
    events = f"{plural(compared.twice, 'event')} too many, {compared.missing} missing"
    out.print(f"{differing} of {of} differ: {events}.", style="" if mended else "bold red")
    if mended:
        out.print("Mended.", style="bold green")
    else:
        out.print(f"Next: sluice reconcile {metric} --mend, with the same --since", style="dim")
    if left:
        out.print(
            f"What duplicates did to {', '.join(left)} stays: sketches cannot be taken back.", style="dim"
        )
