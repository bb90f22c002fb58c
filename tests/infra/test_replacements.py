"""The table of replacements is of the installed providers, and of all that the program can declare."""

import importlib
import inspect
import re
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sluice.changes.losses import LOSSES
from sluice.changes.replacements import ANEW, ANY, PERHAPS, REFRESHED_BY, REPLACED_BY, VERSIONS, WHETHER
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


def test_every_kind_that_can_be_declared_is_in_the_table() -> None:
    missing = {*TYPES, *KINDS} - REPLACED_BY.keys()
    assert not missing, f"say in sluice/changes/replacements.py which inputs replace {', '.join(missing)}"


def test_the_tables_inputs_are_those_of_the_installed_provider() -> None:
    for kind, triggers in REPLACED_BY.items():
        named = {each.removesuffix(WHETHER).partition(".")[0] for each in triggers} - {ANY}
        named |= {*PERHAPS.get(kind, ()), *REFRESHED_BY.get(kind, ())}
        wrong = named - arguments(kind)
        assert not wrong, f"{kind} takes no {', '.join(sorted(wrong))}"


def test_what_the_provider_says_of_an_argument_is_in_the_table() -> None:
    saying = set()
    for kind, triggers in REPLACED_BY.items():
        said = {
            re.sub(r"_(\w)", lambda at: at[1].upper(), name)
            for name, text in PARAMETER.findall(Path(inspect.getfile(provider_class(kind))).read_text())
            if FORCES.search(text)
        }
        table = {each.removesuffix(WHETHER).partition(".")[0] for each in triggers}
        assert said <= table or ANY in table, f"{kind}: {', '.join(sorted(said - table))}"
        saying |= {kind} if said else set()
    assert saying >= {kinds.BIGQUERY_TABLE, kinds.DOMAIN}, "else the test would hold for nothing"


def test_all_that_holds_data_says_what_is_lost_with_it() -> None:
    assert {*keeping._HOLDING, kinds.MAPPING} <= LOSSES.keys()
    assert ANEW.keys() <= REPLACED_BY.keys()


def test_every_kind_is_priced_free_or_paid_by_use() -> None:
    for kind in {*TYPES, *KINDS}:
        assert [kind in each for each in (PRICED, FREE, BY_USE)].count(True) == 1, (
            f"say in sluice/planner what {kind} costs: priced.py, or FREE or BY_USE in cost.py"
        )


def test_every_price_names_its_page_and_a_unit() -> None:
    for key, price in PRICES.items():
        assert re.fullmatch(r"[a-z0-9]+\.[a-z0-9_]+", key)
        assert price.usd > 0
        assert price.unit
        assert "." in price.source
