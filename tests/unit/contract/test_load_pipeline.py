"""A pipeline file loads afresh from anywhere, or fails in one line that says where and why."""

from pathlib import Path

import pytest

from sluice.errors import ContractError
from sluice.pipeline import load_pipeline, pipeline_file

GOOD = """
from __future__ import annotations
from datetime import datetime
from typing import Annotated
from sluice.contract import Event, field
from sluice.pipeline import Pipeline

class Ping(Event, type="ping", time="at"):
    at: datetime
    who: Annotated[str, field("Who", max_length=LENGTH)]

pipeline = Pipeline(events=[Ping])
"""


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_is_run_afresh_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("LENGTH", "3"))
    assert load_pipeline(path).contract.types["ping"].columns[1].spec.max_length == 3
    written(tmp_path, GOOD.replace("LENGTH", "4"))
    assert load_pipeline(path).contract.types["ping"].columns[1].spec.max_length == 4
    assert [found.name for found in tmp_path.iterdir()] == ["mine.py"]


def test_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load_pipeline(written(tmp_path / "a", GOOD.replace("LENGTH", "3"), "pipeline.py"))
    second = load_pipeline(written(tmp_path / "b", GOOD.replace("LENGTH", "4"), "pipeline.py"))
    assert first.events[0] is not second.events[0]
    assert first.contract.types["ping"].columns[1].spec.max_length == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:\n    pass\n", "line 1"),
        ("x = 1\ny = 2 / 0\n", "line 2: ZeroDivisionError"),
        ("import nothing_of_that_name\n", "line 1: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "line 1: SystemExit"),
        ("x = 1\n", "defines no pipeline"),
        ("pipeline = 3\n", "defines no pipeline"),
        ("x = 1\0\n", "mine.py: source code string cannot contain null bytes"),
        (GOOD.replace("[Ping]", "Ping").replace("LENGTH", "3"), "Pipeline(events=Ping): give a list of"),
        (
            "from sluice.pipeline import Pipeline\npipeline = Pipeline(events=[])\n",
            "line 2: Pipeline(events=[])",
        ),
        (GOOD.replace("LENGTH", "'x'"), "must be a count"),
        (
            GOOD.replace('time="at"', "").replace("LENGTH", "3"),
            "line 8: Ping: name the field of the event time",
        ),
    ],
)
def test_a_file_that_cannot_be_used_fails_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ContractError) as caught:
        load_pipeline(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="--pipeline FILE"):
        load_pipeline(tmp_path / "none.py")
    with pytest.raises(ContractError, match="no such pipeline file"):
        load_pipeline(tmp_path)


def test_the_environment_names_the_file_when_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pipeline_file() == tmp_path / "pipeline.py"
    monkeypatch.setenv("SLUICE_PIPELINE", "other.py")
    assert pipeline_file() == tmp_path / "other.py"
    assert pipeline_file(Path("given.py")) == tmp_path / "given.py"


def test_what_a_pipeline_prints_stays_off_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_pipeline(written(tmp_path, GOOD.replace("LENGTH", "3") + 'print("hello")\n', "pipeline.py"))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")
