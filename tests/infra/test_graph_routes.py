"""The drawing of routes: who reads which stream, how, and where it leads."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sluice.local.drawing import mermaid
from sluice.patterns import Compiled
from tests.infra.test_graph import parsed

if TYPE_CHECKING:
    from tests.infra.conftest import Run

ROUTED = Path(__file__).with_name("routed.py")


@pytest.fixture
def drawing(run: "Run", monkeypatch: pytest.MonkeyPatch) -> str:
    """The routes, one of them filtered, one read by a shared consumer."""
    run("dev", pipeline=ROUTED)  # the program imports the providers as it must

    def compile_route(route: Any, _: Any, *, enhanced: bool) -> Compiled:
        return Compiled(('{"data": {}}',) if enhanced and route.name == "free" else (), "for the test")

    monkeypatch.setattr("infra.routes.compile_route", compile_route)
    shared = {"consumer": "shared", "consumers": {"transactions": {"consumer": "shared"}}}
    return mermaid(run("dev", pipeline=ROUTED, routes={"paid": shared}))


def test_each_route_leads_from_the_stream_to_what_it_is_for(drawing: str) -> None:
    nodes, edges = parsed(drawing)
    assert {end for edge in edges for end in edge} <= nodes
    assert edges >= {
        ("r_stream_stream", "r_route_large_orders_function"),
        ("r_stream_stream", "r_route_paid_function"),
        ("r_route_paid_function", "r_target_paid_stream"),
        ("r_target_paid_stream", "r_route_paid_transactions_function"),
        ("r_route_free_function", "r_target_free_queue"),
        ("r_route_returned_orders_function", "r_target_returned_orders_queue"),
        ("r_route_all_orders_function", "r_target_all_orders_firehose"),
        ("r_target_all_orders_firehose", "r_routes_bucket"),
        ("r_route_free_function", "r_dead_letters_queue"),
    }


def test_only_the_stream_of_the_pipeline_has_producers(drawing: str) -> None:
    _, edges = parsed(drawing)
    assert {end for start, end in edges if start == "producers"} == {"r_stream_stream"}
    assert {start for start, end in edges if end == "r_target_paid_stream"} == {"r_route_paid_function"}


def test_an_arrow_says_how_its_function_reads(drawing: str) -> None:
    said = {
        line.split()[-1].removeprefix("r_route_").removesuffix("_function"): line.split('"')[1]
        for line in drawing.splitlines()
        if " batches of " in line.replace("<br/>", " ") and "r_route_" in line.split()[-1]
    }
    assert said == {
        "large_orders": "EFO<br/>batches of 1000",
        "paid": "shared reader<br/>batches of 1000",
        "paid_transactions": "shared reader<br/>batches of 1000",
        "free": "EFO<br/>batches of 1000<br/>filtered",
        "returned_orders": "EFO<br/>batches of 1000",
        "all_orders": "EFO<br/>batches of 1000",
    }
    assert "sluice-dev-free-sink<br/>route free" in drawing
