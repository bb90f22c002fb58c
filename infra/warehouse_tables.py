"""What lies in BigQuery: the raw tables and the views over them, as plain descriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.settings import Settings, WarehouseSettings
from sluice.contract.bigquery import DEAD_LETTER_SCHEMA, DEAD_LETTER_TABLE, raw_view_sql
from sluice.pipeline import Pipeline
from sluice.publisher.tables import WINDOW_TABLES
from sluice.publisher.views import metric_view_description, metric_view_sql


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table that only functions write; partitions older than `days` are deleted, 0 keeps them."""

    name: str
    description: str
    schema: Sequence[Mapping[str, Any]]
    partition: tuple[str, str]
    cluster: Sequence[str]
    require_filter: bool
    days: int


@dataclass(frozen=True, kw_only=True)
class View:
    """A view for analysts, and the raw tables that it reads."""

    name: str
    description: str
    query: str
    reads: tuple[str, ...]


def raw_tables(pipeline: Pipeline, settings: WarehouseSettings) -> list[RawTable]:
    """One table per event type, one for dead letters, and those of windows.

    The latter are there with or without metrics: the first and the last metric move no data.
    """
    return [
        *(
            RawTable(
                name=event_type.table,
                description=event_type.description,
                schema=event_type.schema,
                partition=(event_type.time_column, event_type.partition),
                cluster=event_type.cluster,
                require_filter=settings.require_partition_filter,
                days=settings.partition_days,
            )
            for event_type in pipeline.contract.types.values()
        ),
        RawTable(
            name=DEAD_LETTER_TABLE,
            description="Records that the sink could not take, and why; the queue holds the payloads",
            schema=DEAD_LETTER_SCHEMA,
            partition=("arrived_at", "DAY"),
            cluster=("kind",),
            require_filter=False,
            days=settings.partition_days,
        ),
        *(
            RawTable(
                name=table.name,
                description=table.description,
                schema=table.schema,
                partition=table.partition,
                cluster=table.cluster,
                require_filter=False,
                days=settings.partition_days if table.days is None else table.days,
            )
            for table in WINDOW_TABLES
        ),
    ]


def views(pipeline: Pipeline, settings: Settings, dataset: str) -> list[View]:
    """One view per event type, each event once, one per metric, and one of dead letters."""
    project = settings.google_project
    return [
        *(
            View(
                name=event_type.table,
                description=event_type.description,
                query=raw_view_sql(event_type, project, dataset),
                reads=(event_type.table,),
            )
            for event_type in pipeline.contract.types.values()
        ),
        View(
            name=DEAD_LETTER_TABLE,
            description=(
                "Records that the sink could not take and no redrive has placed since, each once, and why"
            ),
            query=_each_letter_once(project, dataset),
            reads=(DEAD_LETTER_TABLE,),
        ),
        *(
            View(
                name=metric.name,
                description=metric_view_description(metric.definition),
                query=metric_view_sql(
                    metric.definition,
                    project,
                    dataset,
                    settings.google_location,
                    settings.warehouse.sketch_functions,
                ),
                reads=tuple(table.name for table in WINDOW_TABLES),
            )
            for metric in pipeline.metrics
        ),
    ]


def _each_letter_once(project: str, dataset: str) -> str:
    """A view of one row per dead letter that still is one: the newest of each id, unless a redrive placed it.

    A retried invocation writes the same letter again. Ranking within the arrival time, which is the same for
    every copy, lets BigQuery prune partitions.
    """
    columns = ",\n  ".join(f"`{column['name']}`" for column in DEAD_LETTER_SCHEMA)
    return (
        f"SELECT\n  {columns}\nFROM `{project}.{dataset}.{DEAD_LETTER_TABLE}`\nWHERE TRUE\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY `arrived_at`, `id` ORDER BY `failed_at` DESC) = 1\n"
        "  AND `kind` != 'redriven'"
    )
