"""The documentation says only what is there: links, commands, options and targets exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from sluice.cli.main import app
from sluice.pipeline import load_pipeline

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if ".venv" not in page.parts and ".sluice" not in page.parts
)
MAX_LINES = 350


def fenced(page: Path, *languages: str) -> Iterator[str]:
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        if language in languages:
            yield body


def shell_lines(page: Path) -> Iterator[str]:
    for block in fenced(page, "sh", "console", "bash"):
        for raw in block.replace("\\\n", " ").splitlines():
            line = raw.removeprefix("$ ").split("  #")[0].strip()
            if line and not line.startswith("#"):
                yield line


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            headings = {slug(h) for h in re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)}
            assert anchor in headings, f"{page.name} links to {target}: no such heading in {file.name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_sluice_command_in_the_pages_exists_with_its_options(page: Path) -> None:
    root = typer.main.get_command(app)
    for line in shell_lines(page):
        for part in re.split(r"\s*(?:\||&&|;|>)\s*", line):
            words = shlex.split(part.rstrip(" &"), comments=True)
            words = words[1:] if words and words[0].endswith("/sluice") else words
            if not words or words[0] not in {"sluice", ".venv/bin/sluice"}:
                continue
            check_command(root, words[1:], line)


def check_command(command: click.Command, words: list[str], line: str) -> None:
    """Walk down the groups, then check every option of the command that is left."""
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"no such command: {name} in `{line}`"
        command = command.commands[name]
    known = {opt for parameter in command.params for opt in [*parameter.opts, *parameter.secondary_opts]}
    for word in words:
        if word.startswith("-") and len(word) > 1:
            assert word.split("=")[0] in known | {"--help"}, f"no such option: {word} in `{line}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_in_the_pages_can_be_made(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in shell_lines(page):
        words = line.split()
        if words and words[0] == "make":
            named = {word for word in words[1:] if "=" not in word and not word.startswith("-")}
            assert named <= targets, f"`{line}` in {page.name}: the Makefile has no {named - targets}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_example_compiles(page: Path) -> None:
    for block in fenced(page, "python"):
        compile(block, str(page), "exec")


def test_the_readme_leads_to_every_page_and_the_house_shows_every_room() -> None:
    readme, house = (ROOT / "README.md").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme, f"README.md does not lead to docs/{page.name}"
    for room in (ROOT / "sluice").glob("*/__init__.py"):
        assert f"{room.parent.name}/`" in house, f"CONTRIBUTING.md does not show sluice/{room.parent.name}/"


def test_every_event_in_the_pages_about_producers_is_one_of_the_pipeline() -> None:
    contract = load_pipeline(ROOT / "pipeline.py").contract
    for name in ("producer.md", "producers.md"):
        events = re.findall(r"""['"]({"type": "[^}]*})""", (ROOT / "docs" / name).read_text())
        assert events, f"docs/{name} shows no event"
        for event in events:
            contract.decode(event.encode())


def test_no_file_has_outgrown_one_idea() -> None:
    folders = ("sluice", "infra", "bootstrap", "functions", "tests", "bench")
    long = {
        str(file.relative_to(ROOT)): lines
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if (lines := len(file.read_text().splitlines())) > MAX_LINES
    }
    assert not long, f"split these files: {long}"


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    readme = (ROOT / "README.md").read_text()
    for command in ("make test", "make check"):
        assert command in ci
        assert command in readme
