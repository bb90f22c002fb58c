from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import command
from sluice.cli.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"


def leaves(each: Any, path: str) -> list[tuple[str, Any]]:
    below = getattr(each, "commands", {})
    if not below:
        return [(path, each)]
    return [leaf for name, found in below.items() for leaf in leaves(found, f"{path} {name}")]


LEAVES = leaves(command(), "sluice")


def test_the_page_of_commands_is_what_help_prints() -> None:
    assert PAGE.read_text() == reference(), "run: python -m sluice.cli.reference > docs/commands.md"


@pytest.mark.parametrize(("path", "leaf"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_command_has_an_example_that_calls_it(path: str, leaf: Any) -> None:
    assert path in (leaf.epilog or ""), f"`{path} --help` ends without an example"


@pytest.mark.parametrize(("path", "leaf"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_command_takes_json_and_explains_every_option(path: str, leaf: Any) -> None:
    options = {name: parameter for parameter in leaf.params for name in parameter.opts}
    assert "--json" in options, path
    for name, parameter in options.items():
        assert parameter.help, f"{path} {name}"
