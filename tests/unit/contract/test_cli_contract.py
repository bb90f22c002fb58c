"""`sluice contract` shows, keeps and checks the contract, in words and as JSON."""

import json
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from sluice.cli.main import run

BEFORE = '''
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from sluice.contract import Event, field
from sluice.pipeline import Pipeline

class Sale(Event, type="sale", id="number", time="sold_at"):
    """Something was sold."""
    number: int
    sold_at: datetime
    amount: Annotated[Decimal, field("What was paid", ge=0)]
    note: str | None = None

pipeline = Pipeline(events=[Sale])
'''
ADDED = BEFORE.replace("note: str | None = None", "note: str | None = None\n    colour: str | None = None")
REMOVED = BEFORE.replace("    note: str | None = None\n", "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.py"
    path.write_text(BEFORE)
    return path


def sluice(*arguments: object) -> int:
    return run(["contract", *(str(argument) for argument in arguments)])


def test_show_tells_columns_rules_and_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sluice("show", "--pipeline", file) == 0
    shown = capsys.readouterr().out
    for words in (
        "Something was sold.",
        "the event's id",
        "the event time",
        "ge 0",
        "What was paid",
        "partitioned by DAY",
    ):
        assert words in shown


def test_show_json_holds_everything_in_one_document(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sluice("show", "--json", "--pipeline", file) == 0
    (kind,) = json.loads(capsys.readouterr().out)["types"]
    assert (kind["type"], kind["table"], kind["id"], kind["time"]) == ("sale", "sale", "number", "sold_at")
    assert kind["bigquery"][0] == {
        "name": "type",
        "type": "STRING",
        "mode": "REQUIRED",
        "description": "Event type",
    }
    assert kind["json_schema"]["required"] == ["type", "number", "sold_at", "amount"]
    assert kind["example"]["type"] == "sale"


@pytest.mark.parametrize("shown", ["bigquery", "opensearch", "iceberg", "json-schema", "example"])
@pytest.mark.parametrize("name", [[], ["sale"]])
def test_show_prints_other_forms_as_json(
    file: Path, shown: str, name: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sluice("show", *name, "--format", shown, "--pipeline", file) == 0
    assert "sold_at" in json.dumps(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("shown", ["athena", "redshift", "snowflake"])
@pytest.mark.parametrize("name", [[], ["sale"]])
def test_show_prints_statements_that_can_be_run(
    file: Path, shown: str, name: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sluice("show", *name, "--format", shown, "--pipeline", file) == 0
    text = capsys.readouterr().out
    dialect = "trino" if shown == "athena" else shown
    kinds = [
        one.kind if isinstance(one, exp.Create) else one.key
        for one in sqlglot.parse(text, dialect=dialect)
        if one
    ]
    assert kinds == (["select"] if shown == "athena" else ["TABLE", "VIEW"])


def test_a_form_that_cannot_be_made_is_refused_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(BEFORE.replace('type="sale",', f'type="sale", table="{"t" * 256}",'))
    assert sluice("show", "--format", "iceberg", "--pipeline", file) != 0
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "of 255 that Glue takes; choose a shorter one with table=" in error


def test_show_marks_the_version(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        BEFORE.replace('time="sold_at"', 'time="sold_at", version="revision"').replace(
            "    sold_at:", "    revision: Annotated[int, field(ge=0)]\n    sold_at:"
        )
    )
    assert sluice("show", "--pipeline", file) == 0
    assert "the event's version" in capsys.readouterr().out
    assert sluice("show", "--json", "--pipeline", file) == 0
    assert json.loads(capsys.readouterr().out)["types"][0]["version"] == "revision"


def test_show_of_an_unknown_type_lists_the_known_ones(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sluice("show", "sail", "--pipeline", file) == 2
    assert "the pipeline has sale" in capsys.readouterr().err


def test_without_a_command_it_is_said_in_one_line_that_one_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sluice() == 2
    assert capsys.readouterr().err == "error: Missing command; `sluice contract --help` shows how\n"


def test_an_unchanged_contract_passes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sluice("snapshot", "--pipeline", file) == 0
    assert sluice("check", "--pipeline", file) == 0
    assert "as in contract.lock.json" in capsys.readouterr().out


def test_an_addition_passes_and_can_be_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sluice("snapshot", "--pipeline", file)
    file.write_text(ADDED)
    assert sluice("check", "--pipeline", file) == 0
    assert "sale.colour: new NULLABLE column" in capsys.readouterr().out
    assert sluice("snapshot", "--pipeline", file) == 0
    assert "colour" in (file.parent / "contract.lock.json").read_text()


def test_a_removal_is_refused_and_not_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sluice("snapshot", "--pipeline", file)
    kept = (file.parent / "contract.lock.json").read_text()
    file.write_text(REMOVED)
    assert sluice("check", "--pipeline", file) == 1
    shown = capsys.readouterr().out
    assert "refused  sale.note: the column is gone" in shown
    assert "instead: keep the field" in shown
    assert sluice("snapshot", "--pipeline", file) == 2
    assert "1 change cannot be deployed in place" in capsys.readouterr().err
    assert (file.parent / "contract.lock.json").read_text() == kept
    assert sluice("snapshot", "--force", "--pipeline", file) == 0
    assert sluice("check", "--pipeline", file) == 0


def test_check_json_is_one_document(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sluice("snapshot", "--pipeline", file)
    file.write_text(REMOVED)
    capsys.readouterr()
    assert sluice("check", "--json", "--pipeline", file) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert [(one["severity"], one["where"]) for one in found["findings"]] == [("refuse", "sale.note")]


def test_another_pipeline_file_has_a_snapshot_of_its_own(file: Path) -> None:
    other = file.with_name("shop.py")
    other.write_text(BEFORE)
    assert sluice("snapshot", "--pipeline", other) == 0
    assert (file.parent / "shop.contract.lock.json").is_file()


@pytest.mark.parametrize("text", [None, "{", "[]", '{"version": 99, "types": {}}'])
def test_a_snapshot_that_cannot_be_read_fails_in_one_line(
    file: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (file.parent / "contract.lock.json").write_text(text)
    assert sluice("check", "--pipeline", file) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "contract.lock.json" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"version": 2, "types": {}},
        {"version": 1, "types": {"sale": 3}},
        {"version": 1, "types": {"sale": {"table": "sale"}}},
    ],
)
def test_a_snapshot_of_another_shape_fails_in_one_line(
    file: Path, wrong: object, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "contract.lock.json").write_text(json.dumps(wrong))
    assert sluice("check", "--pipeline", file) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is no snapshot of version 1" in error


def test_the_snapshot_in_the_repository_is_current() -> None:
    root = Path(__file__).parents[3]
    assert sluice("check", "--pipeline", root / "pipeline.py") == 0


def test_snapshot_json_prints_what_was_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sluice("snapshot", "--json", "--pipeline", file) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((file.parent / "contract.lock.json").read_text())
