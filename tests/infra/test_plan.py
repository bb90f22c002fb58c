"""The offline plan of a change reads well and is right: golden files, and what holds whatever the words."""

import json
from typing import TYPE_CHECKING

import pytest

from sluice.cli.graph_diff import as_json
from tests.infra.changed import GOLDEN, STACK, plan, written

if TYPE_CHECKING:
    from sluice.changes.plan import EnvironmentPlan, Plan


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> "Plan":
    """The plan of a change that drops a field, renames a function, widens a role and adds a sink."""
    return plan(tmp_path_factory.mktemp("changed"))


@pytest.fixture(scope="module")
def prod(found: "Plan") -> "EnvironmentPlan":
    (only,) = found.environments
    assert (only.environment, only.problem) == (STACK, "")
    return only


@pytest.mark.parametrize("name", ["plan.md", "plan.txt"])
def test_the_plan_reads_as_it_did_when_it_was_looked_at(found: "Plan", name: str) -> None:
    assert written(found)[name] == GOLDEN.joinpath(name).read_text(), (
        "the offline plan reads otherwise: run `python -m tests.infra.changed`, and look at what it wrote"
    )


def test_it_names_what_is_replaced_deleted_added_and_renamed(prod: "EnvironmentPlan") -> None:
    def names(*does: str) -> set[str]:
        return {each.name for each in prod.of(*does)}

    publisher = {f"window-publisher-{each}" for each in ("function", "logs", "policy", "role")}
    assert names("replaced") == {"bigquery-sink-mapping", *publisher}
    assert names("deleted", "let go") == {"bigquery-sink-consumer"}
    assert {each.partition("-large")[0] for each in names("added")} == {"route", "target"}
    assert {each.was for each in prod.of("renamed")} == {
        "census-rule",
        "census-target",
        "census-permission",
    }


def test_what_holds_something_is_loud(prod: "EnvironmentPlan") -> None:
    loud = {each.name: each.protected for each in prod.changes if each.loss}
    assert loud == {
        "bigquery-sink-mapping": True,
        "bigquery-sink-consumer": False,
        "window-publisher-logs": False,
    }
    assert {each.name: each.dropped for each in prod.changes if each.dropped} == {
        "warehouse-table-order": ("note",)
    }


def test_only_the_widened_roles_are_wider(prod: "EnvironmentPlan") -> None:
    wider = [each for each in prod.rights.widened if not each.new]
    assert {(each.holder, each.actions, each.resource) for each in wider} == {
        ("bigquery-sink-role", ("dynamodb:DeleteItem",), f"dynamodb table/sluice-{STACK}-ledger"),
        ("aggregator-role", ("dynamodb:DeleteItem",), f"dynamodb table/sluice-{STACK}-ledger"),
    }
    assert {each.holder for each in prod.rights.widened if each.new} == {"route-large-role"}
    assert {each.actions for each in prod.rights.narrowed} == {("kinesis:SubscribeToShard",)}
    assert prod.rights.followed, "the publisher's rights follow its new name"


def test_the_contract_the_routes_and_the_code_are_compared(found: "Plan") -> None:
    (refused,) = found.pipeline.contract
    assert (refused.refused, refused.where) == (True, "order.note")
    assert [(each.part, each.does, each.name) for each in found.pipeline.parts] == [
        ("route", "added", "large")
    ]
    assert {each.folder: each.files for each in found.packages} == dict.fromkeys(
        ("aggregator", "bigquery_sink", "window_publisher"), ("pipeline.py",)
    )


def test_the_cost_is_that_of_what_comes_and_goes(prod: "EnvironmentPlan") -> None:
    assert prod.cost is not None
    costs = {each.name: each for each in prod.cost.resources}
    assert costs["bigquery-sink-consumer"].after == 0
    assert costs["route-large-consumer"].after == costs["bigquery-sink-consumer"].before
    assert prod.cost.more == pytest.approx(sum(each.after - each.before for each in costs.values()), abs=0.1)
    assert prod.cost.unknown == ()


def test_the_program_breaks_no_rule_by_that(prod: "EnvironmentPlan") -> None:
    assert (prod.violations, prod.broken, prod.unprotected, prod.providers) == (0, (), (), ())


def test_as_json_it_holds_every_difference(found: "Plan", prod: "EnvironmentPlan") -> None:
    document = json.loads(json.dumps(as_json(found)))
    (environment,) = document["environments"]
    assert len(environment["changes"]) == len(prod.changes)
    mapping = next(each for each in environment["changes"] if each["name"] == "bigquery-sink-mapping")
    assert mapping["differences"][0]["path"] == "eventSourceArn"
    assert document["base"]["called"] == "main"
