"""The probe: not there unless it is wanted, beside everything else, and gone without a trace."""

from typing import TYPE_CHECKING

import pytest

from infra import limits
from sluice.local.judged import judged
from tests.infra import expected_probe
from tests.infra.conftest import by_name
from tests.infra.expected_aws import ENVS
from tests.infra.test_every_aws_resource import compare

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

PROJECT = "example-analytics-prod"
CONDITION = "attributeCondition"


@pytest.fixture(scope="module")
def with_probe(run: "Run") -> "Program":
    return run("prod", probe={"enabled": True})


@pytest.fixture
def added(with_probe: "Program", programs: "dict[str, Program]") -> "dict[str, Declared]":
    without = by_name(programs["prod"])
    return {name: each for name, each in by_name(with_probe).items() if name not in without and each.custom}


def test_it_adds_exactly_these_resources(added: "dict[str, Declared]") -> None:
    env = ENVS["prod"]
    compare(added, {**expected_probe.aws(env, PROJECT), **expected_probe.google(env, PROJECT)})
    assert len(added) == 2 + 7 + 3 + 4 + 8 + 1


def test_it_changes_nothing_that_is_there_but_who_may_come_in(
    with_probe: "Program", programs: "dict[str, Program]"
) -> None:
    found = by_name(with_probe)
    changed = {
        name: {
            key
            for key in {*each.inputs, *found[name].inputs}
            if each.inputs.get(key) != found[name].inputs.get(key)
        }
        for name, each in by_name(programs["prod"]).items()
        if each.inputs != found[name].inputs
    }
    assert changed == {"federation-provider": {CONDITION}}
    role = f"arn:aws:sts::{ENVS['prod'].account}:assumed-role/sluice-prod-probe/"
    assert f"assertion.arn.startsWith('{role}')" in found["federation-provider"].inputs[CONDITION]


def test_it_goes_when_it_is_switched_off_also_where_data_is_protected(
    with_probe: "Program", added: "dict[str, Declared]"
) -> None:
    assert [name for name, each in added.items() if each.protect or each.retained] == []
    assert [str(each) for each in judged(with_probe)] == []
    assert by_name(with_probe)["ledger-table"].protect, "what holds data stays protected"


def test_no_more_than_five_consumers_are_made_at_once(with_probe: "Program") -> None:
    consumers = [
        each
        for each in by_name(with_probe).values()
        if each.name.startswith("probe-") and "-consumer" in each.name
    ]
    waiting = [each for each in consumers if any("streamConsumer" in urn for urn in each.depends_on)]
    assert len(consumers) - len(waiting) == limits.CONSUMERS_CREATED_AT_ONCE


def test_the_command_is_told_where_it_is(with_probe: "Program", programs: "dict[str, Program]") -> None:
    assert with_probe.outputs["probe"] == {
        "streams": {"cases": "sluice-prod-probe-cases", "plain": "sluice-prod-probe-plain"},
        "function": "sluice-prod-probe",
        "journal": "sluice-prod-probe-journal",
        "queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/sluice-prod-probe-given-up",
        "dataset": "sluice_prod_probe",
        "tumbling_window_seconds": 10,
    }
    assert "probe" not in programs["prod"].outputs
