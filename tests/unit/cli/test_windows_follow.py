"""`sluice windows --follow`: what changes is shown, until Ctrl-C."""

import json
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from sluice.cli.main import run
from sluice.cli.windows_asked import ask
from sluice.cli.windows_follow import PATIENCE, looks
from sluice.windows.reader import WindowReader
from tests.unit.cli.sales import AUSTRIAN, SALES, sold
from tests.unit.windows.planted import Planted


def after(*steps: Callable[[], Any]) -> SimpleNamespace:
    """A clock in whose pauses the world takes one step each; then comes Ctrl-C."""
    todo = iter(steps)

    def pause(seconds: float) -> None:
        del seconds
        step = next(todo, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    return SimpleNamespace(sleep=pause, monotonic=lambda: 0.0)


def test_following_prints_each_row_that_changes_on_a_line_of_its_own(
    filled: Planted, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def more() -> None:
        filled.segment("s2", (SALES, "11:30", {AUSTRIAN: sold("1")}))

    pauses = after(lambda: None, more, lambda: filled.complete("11:45"))
    monkeypatch.setattr("sluice.cli.windows_follow.time", pauses)
    assert run(["windows", "sales", "--follow", "--json"]) == 130
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["total"], row["provisional"]) for row in rows] == [
        ("5", False),
        ("0.3", False),
        ("7", True),
        ("8", True),
        ("8", False),
    ]


@pytest.mark.usefixtures("filled")
def test_following_without_a_terminal_prints_lines_that_can_be_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.cli.windows_follow.time", after())
    assert run(["windows", "sales", "--follow", "--since", "2026-11-20T11:30Z"]) == 130
    assert capsys.readouterr().out == (
        "2026-11-20 11:30  country=AT  day=2026-11-20  paid=true  amount=9.9  count=1  total=7  "
        "took=0.33333333  provisional\n"
    )


@pytest.mark.parametrize("options", [[], ["--spark"]])
def test_following_on_a_terminal_draws_in_place(
    options: list[str], filled: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    del filled
    screen = StringIO()
    terminal = Console(file=screen, force_terminal=True, width=140, height=20, color_system=None)
    monkeypatch.setattr("sluice.cli.windows_follow.console", lambda: terminal)
    monkeypatch.setattr("sluice.cli.windows_follow.sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sluice.cli.windows_follow.time", after())
    assert run(["windows", "sales", "--follow", *options]) == 130
    assert "country=AT" in screen.getvalue() if options else "provisional" in screen.getvalue()


def test_a_table_that_does_not_answer_for_a_while_does_not_end_the_following(
    filled: Planted, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = WindowReader(filled.dynamodb, "windows", days=3650).follow()
    options: Any = {"group": (), "measures": (), "since": None, "until": None, "all_versions": False}
    now = iter([0.0, 0.0, PATIENCE - 1, PATIENCE + 1])
    found = looks(
        ask(SALES, known=True, **options), follower, 1.0, clock=lambda: next(now), sleep=lambda _: None
    )
    assert len(next(found)) == 3
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "Query")

    def refuse() -> bool:
        raise throttled

    monkeypatch.setattr(follower, "refresh", refuse)
    with pytest.raises(ClientError):
        next(found)
    assert capsys.readouterr().err == "note: the table does not answer (ClientError); asking again\n"
