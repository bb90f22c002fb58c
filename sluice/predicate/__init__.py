"""SQL filters over events: parsed, checked against the contract and compiled to Python.

    from sluice.predicate import compile_predicate

    wanted = compile_predicate("amount >= 100 AND currency = 'EUR'", event_type)
    wanted(event)

`check` stops half way, at the typed tree, for whoever compiles it to something else.
"""

from collections.abc import Callable

from sluice.contract import Event, EventType
from sluice.errors import ContractError
from sluice.pipeline import Pipeline
from sluice.predicate.checked import check
from sluice.predicate.compiled import compiled

__all__ = ["check", "check_metrics", "compile_predicate"]


def compile_predicate(sql: str, event_type: EventType) -> Callable[[Event], bool]:
    """What tells whether the SQL condition is TRUE for an event of this type; it never raises.

    Raises:
        ContractError: the SQL is no condition over the type's fields, or holds something that cannot be
            evaluated exactly as BigQuery would.
    """
    return compiled(check(sql, event_type))


def check_metrics(pipeline: Pipeline) -> None:
    """Compile the filter of each metric, so that a mistake shows before anything runs.

    Raises:
        ContractError: one of them is not usable; the line names the metric.
    """
    for metric in pipeline.metrics:
        if metric.where is None:
            continue
        for event_type in metric.types:
            try:
                compile_predicate(metric.where, event_type)
            except ContractError as error:
                raise ContractError(f"metric {metric.name!r}: {error}") from None
