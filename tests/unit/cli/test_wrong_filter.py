"""A mistake in a metric's filter is one clear line, before anything starts."""

from pathlib import Path

import pytest

from sluice.cli.main import run
from tests.unit.predicate.bids import WRONG_FILTER


@pytest.mark.parametrize(
    "command", [["contract", "show"], ["contract", "check"], ["demo"], ["local"]], ids=" ".join
)
def test_a_wrong_filter_is_one_clear_line_before_anything_starts(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def started(*_: object, **__: object) -> None:
        pytest.fail("something was started")

    monkeypatch.setattr("sluice.local.cloud.LocalCloud.__init__", started)
    (tmp_path / "filter.py").write_text(WRONG_FILTER)
    assert run([*command, "--pipeline", str(tmp_path / "filter.py")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: metric 'bids': where='amuont > 0': `amuont` is no field: did you mean")
