"""The three environments that come with the repository: what they have in common, and where they differ."""

import json
from typing import Any, Final

import pytest

from infra.settings import Settings, parse_settings
from sluice.local.config import stack_config
from tests.infra.conftest import ROOT

DIFFER: Final = {
    "aws_account_id": "an account of its own",
    "google_project": "a project of its own",
    "stream": "fewer shards, and records for two days",
    "ledger": "books for as long as a release is looked at",
    "bigquery_sink": "logs for a month",
    "aggregator": "same",
    "window_publisher": "same",
    "warehouse": "rows for three months",
}
"""Where staging is not as prod is, and why."""


def settings(stack: str) -> Settings:
    values = {
        key.partition(":")[2]: _read(value) for key, value in stack_config(ROOT, stack, {}).values.items()
    }
    return parse_settings(values, namespace="sluice:", file=f"Pulumi.{stack}.yaml")


def _read(value: str) -> Any:
    return value == "true" if value in ("true", "false") else value


def test_staging_is_as_prod_is_but_for_accounts_and_what_size_and_time_cost() -> None:
    staging, prod = settings("staging").model_dump(), settings("prod").model_dump()
    differing = {key for key in prod if json.dumps(staging[key]) != json.dumps(prod[key])}
    assert differing == set(DIFFER)
    assert settings("staging").stream.mode == settings("prod").stream.mode


@pytest.mark.parametrize(("stack", "protected"), [("dev", False), ("staging", True), ("prod", True)])
def test_only_what_is_to_be_thrown_away_is_not_protected(stack: str, protected: bool) -> None:  # noqa: FBT001 - a case of the test
    assert settings(stack).protect is protected


def test_no_two_environments_share_an_account_or_a_project() -> None:
    stacks = [settings(stack) for stack in ("dev", "staging", "prod")]
    for key in ("aws_account_id", "google_project"):
        assert len({getattr(each, key) for each in stacks}) == len(stacks)
