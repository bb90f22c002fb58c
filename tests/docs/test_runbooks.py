"""Each kind of alarm has a page that a newcomer can follow, and no page is about an alarm that is none."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.alarm_kinds import COMPOSITES, KINDS, NAMES
from infra.settings_alarms import AlarmSettings

if TYPE_CHECKING:
    from infra.alarm_kind import Kind

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {page.stem: page.read_text() for page in (DOCS / "runbooks").glob("*.md")}
SECTIONS = [
    "What it means",
    "What users see",
    "Look",
    "Mend",
    "Afterwards",
    "When it is not it",
]


def section(page: str, heading: str) -> str:
    return PAGES[page].split(f"## {heading}\n")[1].split("\n## ")[0]


def test_every_alarm_has_a_page_and_every_page_an_alarm() -> None:
    assert set(PAGES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_answers_in_the_order_in_which_one_asks(name: str) -> None:
    assert PAGES[name].startswith(
        f"# {name}\n\n**{(KINDS.get(name) or COMPOSITES[name]).asks}**\n\nIt rings "
    )
    assert re.findall(r"^## (.+)$", PAGES[name], re.MULTILINE) == SECTIONS
    for heading in SECTIONS:
        assert len(section(name, heading).split()) > 1, f"{name} says nothing under {heading}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_commands_to_look_with_that_name_an_environment(name: str) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", section(name, "Look"), re.DOTALL)
    assert any("sluice " in block for block in blocks)
    for block in re.findall(r"```sh\n(.*?)```", PAGES[name], re.DOTALL):
        for line in block.splitlines():
            if line.startswith("sluice ") and not line.startswith("sluice contract"):
                assert " --env prod" in line, f"{name}: `{line}` would ask a local cloud"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_page_names_the_setting_that_moves_its_threshold_and_its_default(kind: "Kind") -> None:
    opening = " ".join(PAGES[kind.name].split("\n## ")[0].split())
    if kind.setting is None:
        assert "No setting moves it" in opening
    else:
        default = AlarmSettings.model_fields[kind.setting].get_default()
        assert f"`alarms.{kind.setting}` ({default})" in opening
    assert (kind.within is None) or f"({kind.within}.md)" in opening


def test_the_page_on_alarms_lists_every_kind_with_what_is_quiet_and_what_rings_in_its_place() -> None:
    page = (DOCS / "alarms.md").read_text()
    for kind in KINDS.values():
        quiet = "nothing"
        if kind.setting is not None:
            quiet = f"`alarms.{kind.setting}` ({AlarmSettings.model_fields[kind.setting].get_default()})"
        rings = f"within [{kind.within}](runbooks/{kind.within}.md)" if kind.within else "by itself"
        assert f"| [{kind.name}](runbooks/{kind.name}.md) | {kind.asks} | {quiet} | {rings} |" in page
    for name, composite in COMPOSITES.items():
        assert f"| [{name}](runbooks/{name}.md) | {composite.asks} | {composite.why} |" in page


def test_every_threshold_among_the_settings_is_some_alarms() -> None:
    others = {"enabled", "dashboard", "emails", "https", "runbooks", "without", "waiting_minutes"}
    assert {kind.setting for kind in KINDS.values()} - {None} == AlarmSettings.model_fields.keys() - others
