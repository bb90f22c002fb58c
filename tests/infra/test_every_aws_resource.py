"""Every AWS resource of dev and prod, by its exact inputs; nothing more, nothing less."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import expected_aws, expected_sink, expected_windows

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run


def readable(value: Any) -> Any:
    """JSON inside inputs as JSON, and the package's place without its hash."""
    if isinstance(value, dict):
        if set(value) == {"archive"}:
            path = Path(value["archive"])
            return {"archive": f"functions/{path.parent.name}"}
        return {key: readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str) and (value[:1] in {"{", "["} or value in {"true", "false"}):
        return json.loads(value)
    return value


def declared(program: "Program") -> "dict[str, Declared]":
    return {
        each.name: each
        for each in program.resources
        if each.type.startswith(("aws:", "pulumi:providers:aws"))
    }


def compare(found: "dict[str, Declared]", wanted: dict[str, tuple[str, dict[str, Any]]]) -> None:
    assert {name: each.type for name, each in found.items()} == {
        name: kind for name, (kind, _) in wanted.items()
    }
    for name, (_, inputs) in wanted.items():
        assert readable(found[name].inputs) == inputs, name


@pytest.mark.parametrize("stack", expected_aws.ENVS)
def test_aws_holds_exactly_these_resources(stack: str, programs: "dict[str, Program]") -> None:
    env, google_project = expected_aws.ENVS[stack], f"example-analytics-{stack}"
    found = declared(programs[stack])
    compare(
        found,
        {
            **expected_aws.expected(env),
            **expected_sink.bigquery(env, google_project),
            **expected_sink.aggregator(env),
            **expected_windows.census(env),
            **expected_windows.publisher(env, google_project),
        },
    )
    assert len(found) == 12 + 6 + 6 + 3 + 5


def test_a_pipeline_without_metrics_keeps_its_tables_and_nothing_that_counts(
    run: "Run", without_metrics: Path
) -> None:
    env = expected_aws.ENVS["dev"]
    found = declared(run("dev", pipeline=without_metrics))
    compare(
        found,
        {**expected_aws.expected(env), **expected_sink.bigquery(env, "example-analytics-dev")},
    )
    assert len(found) == 12 + 6
