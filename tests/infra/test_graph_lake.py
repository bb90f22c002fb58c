"""`sluice graph` draws the lake and search where an environment has them."""

import re
from typing import TYPE_CHECKING, Any

from sluice.local.drawing import mermaid
from sluice.local.inventory import boxes
from tests.infra.test_graph import parsed

if TYPE_CHECKING:
    from tests.infra.conftest import Run

SEARCH: dict[str, Any] = {
    "search_sink": {"mode": "domain"},
    "search_domain": {
        "public": True,
        "instance_type": "t3.small.search",
        "instance_count": 1,
        "zones": 1,
    },
}


def test_the_lake_is_drawn_from_the_stream_to_its_readers(run: "Run") -> None:
    nodes, edges = parsed(mermaid(run("dev", lake={"enabled": True})))
    assert {end for edge in edges for end in edge} <= nodes
    assert edges >= {
        ("r_stream_stream", "r_firehose_lake_firehose"),
        ("r_firehose_lake_firehose", "r_firehose_lake_function"),
        ("r_firehose_lake_firehose", "lake"),
        ("r_firehose_lake_function", "r_firehose_lake_redrive"),
        ("r_firehose_lake_redrive", "lake"),
        ("r_firehose_lake_function", "r_ledger_table"),
        ("r_firehose_lake_firehose", "r_lake_objects_bucket"),
        ("lake", "lake_views"),
        ("lake_views", "r_lake_workgroup"),
    }


def test_the_search_index_is_drawn_behind_its_sink(run: "Run") -> None:
    nodes, edges = parsed(mermaid(run("dev", **SEARCH)))
    assert {end for edge in edges for end in edge} <= nodes
    assert ("r_search_sink_function", "r_search_domain") in edges


def test_every_kind_of_resource_of_both_has_a_name_for_people(run: "Run") -> None:
    program = run("dev", lake={"enabled": True}, **SEARCH)
    kinds = {line.kind for box in boxes(program.resources) for line in box.lines}
    assert kinds >= {
        "Glue database",
        "Glue table",
        "Athena workgroup",
        "OpenSearch domain",
        "table optimizer",
    }
    nameless = [kind for kind in kinds if re.fullmatch(r"[A-Z]\w+", kind) and kind != "Firehose"]
    assert nameless == []
