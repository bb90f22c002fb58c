"""Every AWS resource of dev and prod, by its exact inputs; nothing more, nothing less."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import expected_aws, expected_sink

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program


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


@pytest.mark.parametrize("stack", expected_aws.ENVS)
def test_aws_holds_exactly_these_resources(stack: str, programs: "dict[str, Program]") -> None:
    declared: dict[str, Declared] = {
        each.name: each
        for each in programs[stack].resources
        if each.type.startswith(("aws:", "pulumi:providers:aws"))
    }
    env = expected_aws.ENVS[stack]
    wanted = {**expected_aws.expected(env), **expected_sink.expected(env, f"example-analytics-{stack}")}
    assert {name: each.type for name, each in declared.items()} == {
        name: kind for name, (kind, _) in wanted.items()
    }
    for name, (_, inputs) in wanted.items():
        assert readable(declared[name].inputs) == inputs, name
    assert len(declared) == 18
