"""`sluice graph` shows what an environment would create, without an account."""

import functools
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from sluice.cli.graph import EXAMPLE, graph
from sluice.local.drawing import mermaid
from sluice.local.inventory import boxes, created
from sluice.local.program import run_program
from tests.infra.conftest import ORDERS, by_name

if TYPE_CHECKING:
    from pathlib import Path

    from sluice.local.program import Program
    from tests.infra.conftest import Run

app = typer.Typer()
app.command("graph", epilog=EXAMPLE)(graph)

NODE = re.compile(
    r"(\w+)(?:"
    r'\(\["[^"]*"\]\)|\[\["[^"]*"\]\]|\[\("[^"]*"\)\]|\[/"[^"]*"/\]|>"[^"]*"\]|\["[^"]*"\]'
    r")"
)
EDGE = re.compile(r'(\w+) (?:-->|-- "[^"]*" -->|-\. "[^"]*" \.->) (\w+)')
SUBGRAPH = re.compile(r'subgraph (\w+)\["[^"]*"\]')


def shown(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(
        app, [*arguments, "--pipeline", str(ORDERS)], catch_exceptions=False
    )
    assert result.exit_code == 0
    return str(result.output)


def parsed(drawing: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Read a drawing by the part of Mermaid's grammar that it uses; anything else fails."""
    first, *lines = drawing.splitlines()
    assert first == "flowchart LR"
    nodes: set[str] = set()
    edges: set[tuple[str, str]] = set()
    depth = 0
    for line in (line.strip() for line in lines):
        if found := SUBGRAPH.fullmatch(line):
            nodes.add(found[1])
            depth += 1
        elif line == "end":
            depth -= 1
        elif found := EDGE.fullmatch(line):
            edges.add((found[1], found[2]))
        elif found := NODE.fullmatch(line):
            nodes.add(found[1])
        else:
            assert re.fullmatch(r"classDef \w+ [\w:-]+|class [\w,]+ \w+", line), line
    assert depth == 0
    return nodes, edges


def test_the_table_groups_by_box_counts_and_names_what_is_protected() -> None:
    text = shown("--env", "prod")
    assert "Environment prod would have 118 resources, 15 of them protected from deletion." in text
    for box in (
        "stream",
        "dead-letters",
        "ledger",
        "google-apis",
        "warehouse",
        "federation",
        "bigquery-sink",
        "aggregator",
        "census",
        "window-publisher",
        "auditor",
        "alarms",
    ):
        assert re.search(rf"^{box} +\d ", text, re.MULTILINE), box
    assert re.search(r"5 +BigQuery table +order, visit, dead_letters,", text)
    assert "AWS account 222222222222 in eu-central-1; Google project example-analytics-prod." in text


def test_the_table_warns_of_the_resource_whose_replacement_costs_most() -> None:
    assert "holds the checkpoint" in shown("--env", "dev")


def test_an_environment_without_protection_says_so() -> None:
    assert re.search(r"would have \d+ resources, none of them protected", shown())


def test_boxes_hold_every_resource_once(program: "Program") -> None:
    found = boxes(program.resources)
    assert sum(box.count for box in found) == len(created(program.resources))
    assert sum(box.protected for box in found) == sum(each.protect for each in program.resources)


def test_the_drawing_is_valid_and_every_arrow_leads_somewhere(program: "Program") -> None:
    nodes, edges = parsed(mermaid(program))
    assert {end for edge in edges for end in edge} <= nodes


def test_the_drawing_reads_like_the_designs(programs: "dict[str, Program]") -> None:
    drawing = mermaid(programs["prod"])
    _, edges = parsed(drawing)
    assert edges == {
        ("producers", "r_stream_stream"),
        ("r_stream_stream", "r_bigquery_sink_function"),
        ("r_bigquery_sink_function", "raw"),
        ("raw", "views"),
        ("views", "analysts"),
        ("r_bigquery_sink_function", "r_dead_letters_queue"),
        ("r_bigquery_sink_function", "r_dead_letters_bucket"),
        ("r_bigquery_sink_function", "r_ledger_table"),
        ("r_stream_stream", "r_aggregator_function"),
        ("r_aggregator_function", "r_dead_letters_queue"),
        ("r_aggregator_function", "r_dead_letters_bucket"),
        ("r_aggregator_function", "r_ledger_table"),
        ("r_aggregator_function", "r_windows_table"),
        ("r_aggregator_function", "r_windows_claims"),
        ("r_windows_table", "r_window_publisher_function"),
        ("r_window_publisher_function", "raw"),
    }
    assert "4 shards, kept 7 d" in drawing
    assert "tumbling windows of 30 s" in drawing
    assert "group:analysts@example.com" in drawing


def test_a_drawing_without_metrics_leaves_out_tables_that_nothing_uses(
    run: "Run", without_metrics: "Path"
) -> None:
    nodes, _ = parsed(mermaid(run("dev", pipeline=without_metrics)))
    assert not [node for node in nodes if "windows" in node]


def test_a_deployed_report_is_drawn_with_its_readers(run: "Run") -> None:
    _, edges = parsed(mermaid(run("dev", report={"auth": "iam"})))
    assert {("r_windows_table", "r_report_function"), ("r_report_function", "readers")} <= edges


def test_names_cannot_break_the_drawing(programs: "dict[str, Program]") -> None:
    stream = by_name(programs["dev"])["stream-stream"]
    stream.inputs["name"] = 'a "b" <c> & ]'
    try:
        nodes, _ = parsed(mermaid(programs["dev"]))
    finally:
        stream.inputs["name"] = "sluice-dev-events"
    assert "r_stream_stream" in nodes


@pytest.mark.parametrize("arguments", [("--json",), ("--format", "json")])
def test_json_holds_everything_that_was_declared(arguments: tuple[str, ...]) -> None:
    document = json.loads(shown("--env", "prod", *arguments))
    assert (document["environment"], document["count"], document["protected"]) == ("prod", 118, 15)
    assert len(document["resources"]) == 118
    mapping = next(each for each in document["resources"] if each["name"] == "bigquery-sink-mapping")
    assert mapping["component"] == "bigquery-sink"
    assert mapping["protected"]
    assert mapping["inputs"]["batchSize"] == 1000
    assert document["outputs"]["environment"] == "prod"


def test_a_program_that_keeps_the_rules_says_so_in_its_document() -> None:
    assert json.loads(shown("--env", "dev", "--json"))["violations"] == []


@pytest.mark.parametrize("format_", ["table", "mermaid", "json"])
def test_a_broken_rule_is_named_on_stderr_and_ends_with_status_1(
    format_: str, programs: "dict[str, Program]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is shown is shown whole, and the complaint beside it."""
    prod = programs["prod"]
    slips = {"dead-letters-queue": {"protect": False}, "ledger-table": {"parent": None}}
    broken = replace(
        prod, resources=tuple(replace(each, **slips.get(each.name, {})) for each in prod.resources)
    )
    monkeypatch.setattr("sluice.local.program.run_program", lambda *_, **__: broken)
    result = CliRunner().invoke(app, ["--env", "prod", "--format", format_], catch_exceptions=False)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        (
            "violation: dead-letters-queue (aws:sqs/queue:Queue): holds data and is not protected: declare it"
            " with env.keeping [data-protected]"
        ),
        (
            "violation: ledger-table (aws:dynamodb/table:Table): lies outside every component:"
            " declare it in one, with parent=self [structure-boxes]"
        ),
        (
            "error: environment prod breaks 2 rules in 2 places: mend them as the lines above say;"
            " docs/policies.md has the reasons"
        ),
    ]
    if format_ == "json":
        document = json.loads(result.stdout)
        assert document["count"] == len(created(prod.resources))
        assert [(each["rule"], each["name"]) for each in document["violations"]] == [
            ("data-protected", "dead-letters-queue"),
            ("structure-boxes", "ledger-table"),
        ]


def test_a_warning_goes_to_stderr_and_not_into_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = functools.partial(
        run_program, overrides={"package_dependencies": False, "bigquery_sink": {"batch_size": 5000}}
    )
    monkeypatch.setattr(
        "sluice.local.program.run_program",
        lambda root, env, *, pipeline, **_: slow(root, env, pipeline=pipeline),
    )
    result = CliRunner().invoke(app, ["--json", "--pipeline", str(ORDERS)], catch_exceptions=False)
    assert result.stderr.startswith("warning: bigquery_sink.batch_size is 5000")
    assert json.loads(result.stdout)["warnings"]
