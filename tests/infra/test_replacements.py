"""The table of replacements is of the installed providers, and of all that the program can declare."""

import importlib
import inspect
import re
import warnings
from functools import cache
from importlib.metadata import version
from typing import Any

import pytest

from sluice.changes.losses import LOSSES
from sluice.changes.replacements import ANEW, ANY, PERHAPS, REPLACED_BY, VERSIONS, WHETHER
from sluice.local.inventory import KINDS
from sluice.planner.cost import BY_USE, FREE
from sluice.planner.priced import PRICED
from sluice.planner.prices import PRICES
from sluice.policies import keeping, kinds
from tests.infra.urns import listed

FORCES = re.compile(r"forces? (?:a )?new resource|forces? replacement", re.IGNORECASE)
PARAMETER = re.compile(r":param [^\n]*?\] (\w+): (.*?)(?=:param |\"\"\"|\Z)", re.DOTALL)
DECLARED = sorted({name.split("::")[0].rpartition("$")[2] for name in listed() if "$" in name} - {""})
TYPES = [each for each in DECLARED if each.startswith(("aws:", "gcp:"))]


@cache
def provider_class(kind: str) -> Any:
    """Find the Python class of a type such as aws:sqs/queue:Queue."""
    package, module, name = kind.split(":")
    section = module.partition("/")[0]
    provider = importlib.import_module(f"pulumi_{package}")
    with warnings.catch_warnings():
        # Loading a provider's module warns of each class in it that was renamed, used or not.
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of ", DeprecationWarning)
        return getattr(getattr(provider, {"lambda": "lambda_"}.get(section, section).lower()), name)


def arguments(kind: str) -> set[str]:
    """Return what a resource takes, in the provider's camelCase."""
    given = inspect.signature(provider_class(kind)._internal_init).parameters
    return {re.sub(r"_(\w)", lambda at: at[1].upper(), name) for name in given}


def test_the_table_is_of_the_providers_that_are_installed() -> None:
    installed = {name: version(name.replace("-", "_")) for name in VERSIONS}
    assert installed == dict(VERSIONS), (
        "a provider was renewed: go through what replaces a resource (sluice/changes/replacements.py) with"
        " its changelog, then write the new version there"
    )


@pytest.mark.parametrize("kind", sorted({*TYPES, *KINDS}))
def test_every_kind_that_can_be_declared_is_in_the_table(kind: str) -> None:
    assert kind in REPLACED_BY, f"say in sluice/changes/replacements.py which inputs replace {kind}"


@pytest.mark.parametrize("kind", sorted(REPLACED_BY))
def test_the_tables_inputs_are_those_of_the_installed_provider(kind: str) -> None:
    taken = arguments(kind)
    named = {each.removesuffix(WHETHER).partition(".")[0] for each in REPLACED_BY[kind]} - {ANY}
    named |= set(PERHAPS.get(kind, ()))
    assert named <= taken, f"{kind} takes no {', '.join(sorted(named - taken))}"


@pytest.mark.parametrize("kind", sorted(REPLACED_BY))
def test_what_the_provider_says_of_an_argument_is_in_the_table(kind: str) -> None:
    told = provider_class(kind)._internal_init.__doc__ or inspect.getsource(provider_class(kind))
    said = {
        re.sub(r"_(\w)", lambda at: at[1].upper(), name)
        for name, text in PARAMETER.findall(told)
        if FORCES.search(text)
    }
    table = {each.removesuffix(WHETHER).partition(".")[0] for each in REPLACED_BY[kind]}
    assert said <= table or ANY in table, f"{kind}: {', '.join(sorted(said - table))}"


def test_at_least_some_providers_say_so_themselves() -> None:
    """Else the test above would hold for nothing."""
    for kind in (kinds.BIGQUERY_TABLE, kinds.DOMAIN):
        assert FORCES.search(inspect.getsource(provider_class(kind)))


def test_all_that_holds_data_says_what_is_lost_with_it() -> None:
    assert {*keeping._HOLDING, kinds.MAPPING} <= LOSSES.keys()
    assert ANEW.keys() <= REPLACED_BY.keys()


@pytest.mark.parametrize("kind", sorted({*TYPES, *KINDS}))
def test_every_kind_is_priced_free_or_paid_by_use(kind: str) -> None:
    assert [kind in each for each in (PRICED, FREE, BY_USE)].count(True) == 1, (
        f"say in sluice/planner what {kind} costs: priced.py, or FREE or BY_USE in cost.py"
    )


def test_every_price_names_its_page_and_a_unit() -> None:
    for key, price in PRICES.items():
        assert re.fullmatch(r"[a-z0-9]+\.[a-z0-9_]+", key)
        assert price.usd > 0
        assert price.unit
        assert "." in price.source
