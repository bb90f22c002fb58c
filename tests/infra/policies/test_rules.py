"""Each rule finds its slip and nothing else, and never judges what is not known yet."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from policy_sentry.querying.actions import get_action_data

from sluice.policies import RULES, UNKNOWN, Resource, deploying, violations
from sluice.policies.rights import NO_RESOURCE, WITHIN
from tests.infra.conftest import ROOT
from tests.infra.policies.examples import EXAMPLES
from tests.infra.policies.made import BOX

if TYPE_CHECKING:
    from tests.infra.policies.made import Example

IDS = [f"{example.rule}-{at}" for at, example in enumerate(EXAMPLES)]
FOR_ALL = {"cloudwatch:DescribeAlarms", "logs:DescribeLogGroups"}
"""What takes resources, but tells of composite alarms, and of names' beginnings, only who may ask for all
(CloudWatch API, DescribeAlarms; CloudWatch Logs API, DescribeLogGroups)."""

PAGE = (ROOT / "docs" / "policies.md").read_text()


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_a_rule_finds_its_slip_names_the_resource_and_says_what_to_do(example: "Example") -> None:
    found = [each for each in violations([BOX, *example.beside, example.broken]) if each.rule == example.rule]
    assert [each.resource.name for each in found] == [example.broken.name]
    assert "\n" not in str(found[0])
    assert re.search(r": [a-z]", found[0].said), "what is wrong, a colon, and what to do"


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_what_is_mended_breaks_the_rule_no_more(example: "Example") -> None:
    everything = [BOX, *example.beside, example.mended]
    assert not [
        each
        for each in violations(everything)
        if (each.rule, each.resource) == (example.rule, example.mended)
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_what_is_not_known_yet_is_not_judged(example: "Example") -> None:
    """Only the name of a box, protection, and what is not there at all can be wrong without being known."""
    unknown = replace(example.broken, inputs=dict.fromkeys(example.broken.inputs, UNKNOWN))
    judged_by_what_is_there = {
        "access-buckets-closed",
        "access-domains",
        "access-invoked-by-name",
        "data-protected",
        "data-recoverable",
        "encryption-at-rest",
        "encryption-keys",
        "encryption-own-key",
        "encryption-tls-only",
        "functions-traced",
        "logs-end",
        "rights-boundary",
        "rights-no-lasting-credentials",
        "rights-own-policy",
        "structure-accounts",
        "structure-boxes",
    }
    found = violations([BOX, *example.beside, unknown])
    assert {each.rule for each in found if each.resource is unknown} <= judged_by_what_is_there


def test_every_rule_has_an_example() -> None:
    assert {example.rule for example in EXAMPLES} == {rule.id for rule in RULES}


def test_no_two_rules_have_one_name() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_page_lists_every_rule_with_its_reason_in_order() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(rule.id, rule.demands, rule.reason) for rule in RULES]


def test_the_page_names_every_action_that_takes_no_resource_and_every_star() -> None:
    assert re.findall(r"^\| `(\w+:\w+)` \|", PAGE, re.MULTILINE) == [*NO_RESOURCE, *deploying.NO_RESOURCE]
    assert re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE) == [*WITHIN, *deploying.NAMELESS]


@pytest.mark.parametrize("action", sorted({*NO_RESOURCE, *deploying.NO_RESOURCE} - FOR_ALL))
def test_iam_takes_no_resource_for_what_may_be_allowed_on_everything(action: str) -> None:
    """By the Service Authorization Reference, as policy_sentry ships it."""
    service, _, name = action.partition(":")
    known: Any = get_action_data(service, name)
    assert known, f"there is no action {action}"
    assert {row["resource_arn_format"] for row in known[service]} == {"*"}


def test_unprotected_data_is_nothing_wrong_in_an_environment_to_throw_away() -> None:
    table = Resource(type="aws:dynamodb/table:Table", name="box-t", urn="urn::t", parent=BOX.urn)
    rules = {each.rule for each in violations([BOX, table], throwaway=True)}
    assert not [rule for rule in rules if rule in {"data-protected", "data-refused-by-the-cloud"}]
