"""A view per metric: each segment once, merged to the figures that `sluice.windows` answers in Python.

Sums are exact within BIGNUMERIC's 38 digits before and after the point; a group that goes beyond is NULL
there, and so is a FLOAT that goes beyond 1.7e308: one hostile event must not fail the query for all others.
"""

# ruff: noqa: S608 - writing SQL is what this module does: names are checked when a metric is declared

from collections.abc import Sequence

from sluice.contract.kinds import Kind
from sluice.metrics import Definition
from sluice.publisher.measures import merges, sql_type
from sluice.publisher.tables import SEGMENTS_TABLE, WATERMARKS_TABLE

_COLUMNS = ("window_start", "group_key")


def sketch_functions(location: str) -> str:
    """Return the dataset in which Google keeps the functions of Apache DataSketches for a location.

    Only the newest versions are there, and Google advises against relying on them: a team that wants to be
    safe from changes deploys a copy. github.com/GoogleCloudPlatform/bigquery-utils/tree/master/udfs (2026).
    """
    place = location.lower().replace("-", "_")
    return "bqutil.datasketches" if place == "us" else f"bqutil.datasketches_{place}"


def metric_view_description(definition: Definition) -> str:
    """Describe a metric's view to analysts, with the error of what is approximate."""
    errors = [f"{each.name}: {each.error}" for each in definition.measures if each.error]
    parts = [
        definition.description.rstrip("."),
        f"A row per window of {definition.window} s and group",
        "`complete` says whether all events of the window are in",
        *errors,
    ]
    return "; ".join(part for part in parts if part)


def metric_view_sql(
    definition: Definition, project: str, dataset: str, location: str, functions: str | None = None
) -> str:
    """Return the view's query.

    It reads the raw tables of `project.dataset`. `functions` is a dataset with a copy of the sketch
    functions, as `project.dataset`; else Google's own for the location.
    """
    raw = f"{project}.{dataset}"
    steps = merges(definition, f"`{functions or sketch_functions(location)}`")
    extracted = [f"{sql} AS {name}" for step in steps for name, sql in step.extracted]
    merged = [f"{sql} AS {name}" for step in steps for name, sql in step.merged]
    measures = [
        f"{step.answered} AS `{each.name}`" for step, each in zip(steps, definition.measures, strict=True)
    ]
    end = f"TIMESTAMP_ADD(window_start, INTERVAL {definition.window} SECOND)"
    settled = f"TIMESTAMP_ADD(window_start, INTERVAL {definition.window + definition.lateness} SECOND)"
    watermark = f"(SELECT MAX(watermark) FROM `{raw}.{WATERMARKS_TABLE}`)"
    return "\n".join(
        (
            "WITH segments AS (",
            "  SELECT window_start, group_key, late, partials",
            f"  FROM `{raw}.{SEGMENTS_TABLE}`",
            f"  WHERE metric = '{definition.name}' AND version = '{definition.version}'",
            "  QUALIFY ROW_NUMBER() OVER (",
            "    PARTITION BY window_start, group_key, lane, number, segment, part ORDER BY published_at",
            "  ) = 1",
            "), partial_aggregates AS (",
            _select([*_COLUMNS, "late", *extracted]),
            "  FROM segments",
            "), merged AS (",
            _select([*_COLUMNS, "SUM(late) AS late", *merged]),
            "  FROM partial_aggregates",
            "  GROUP BY window_start, group_key",
            ")",
            _select(
                [
                    "window_start",
                    f"{end} AS window_end",
                    *_groups(definition),
                    *measures,
                    "late",
                    f"COALESCE({settled} <= {watermark}, FALSE) AS complete",
                ],
                indent="",
            ),
            "FROM merged",
        )
    )


def _groups(definition: Definition) -> list[str]:
    columns = []
    for place, group in enumerate(definition.by):
        text = f"JSON_VALUE(group_key, '$[{place}]')"
        typed = f"CAST({text} AS {sql_type(group.kind, bignumeric=group.bignumeric)})"
        columns.append(f"{text if group.kind is Kind.STRING else typed} AS `{group.name}`")
    return columns


def _select(columns: Sequence[str], indent: str = "  ") -> str:
    listed = ",\n".join(f"{indent}  {column}" for column in columns)
    return f"{indent}SELECT\n{listed}"
