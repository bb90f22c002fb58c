import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from sluice.cli.output import (
    cell,
    console,
    grid,
    plain,
    plural,
    print_json,
    print_rows,
    printable,
    rows_table,
)


def test_a_document_holds_every_value_that_bigquery_has(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "n": 2**62,
        "x": 0.5,
        "nan": math.nan,
        "infinite": -math.inf,
        "amount": Decimal("12.340000000000000001"),
        "at": datetime(2026, 11, 21, 10, 0, tzinfo=UTC),
        "local": datetime(2026, 11, 21, 10, 0),  # noqa: DTZ001 - BigQuery's DATETIME has no zone
        "day": date(2026, 11, 21),
        "time": time(10, 0),
        "bytes": b"\xff",
        "nothing": None,
        "flag": True,
        "list": [Decimal(1), {"a": b""}],
    }
    print_json([row])
    assert json.loads(capsys.readouterr().out) == [
        {
            "n": 2**62,
            "x": 0.5,
            "nan": "nan",
            "infinite": "-inf",
            "amount": "12.340000000000000001",
            "at": "2026-11-21T10:00:00Z",
            "local": "2026-11-21T10:00:00",
            "day": "2026-11-21",
            "time": "10:00:00",
            "bytes": "/w==",
            "nothing": None,
            "flag": True,
            "list": ["1", {"a": ""}],
        }
    ]


def test_a_value_of_an_unknown_kind_is_its_text() -> None:
    assert plain(complex(1, 2)) == "(1+2j)"


def test_what_came_over_the_wire_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31m\n\u202eb\x00é") == r"a\x1b[31m\n\u202eb\x00é"
    assert cell("[bold]\x07") == r"[bold]\x07"


def test_cells_read_well() -> None:
    assert [cell(value) for value in (None, True, 3, ["a", 1], {"b": None})] == [
        "NULL",
        "true",
        "3",
        '["a", 1]',
        '{"b": null}',
    ]


@pytest.mark.parametrize("width", [20, 40, 200])
def test_a_table_loses_no_text_however_narrow_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    console().print(rows_table(["name", "[count]"], [["x" * 50 + "[/]", 1], [None, 22]]))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= width
    assert said.count("x") == 50
    assert "22" in said


def test_nothing_is_coloured_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("fine", style="bold red")
    assert capsys.readouterr().out == "fine\n"


def test_words_agree_with_their_numbers() -> None:
    assert [plural(n, "record") for n in (0, 1, 2000)] == ["0 records", "1 record", "2,000 records"]


def test_a_row_too_wide_for_a_table_is_printed_from_top_to_bottom(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    columns = [f"column_{number}" for number in range(9)]
    print_rows(console(), columns, [["value" * 4] * 8 + [None]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "row 1"
    assert [line.split() for line in lines[1:]] == [[name, "value" * 4] for name in columns[:8]] + [
        ["column_8", "NULL"]
    ]


def test_rows_that_fit_stay_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_rows(console(), ["name", "n"], [["x" * 200, 1]])
    assert capsys.readouterr().out.splitlines()[0].split() == ["name", "n"]


def test_a_narrow_terminal_breaks_headings_before_cells_and_never_a_short_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ["window (UTC)", "platform", "views", "people", "load_ms p50", "load_ms p95", "state"]
    row = ["2026-11-21 07:17", "android", 76, 62, 516.0, 3805.0, "provisional"]
    monkeypatch.setenv("COLUMNS", "80")
    print_rows(console(), columns, [row])
    *heading, _, only = capsys.readouterr().out.splitlines()
    assert only.split() == ["2026-11-21", "07:17", "android", "76", "62", "516.0", "3805.0", "provisional"]
    assert len(only) <= 80
    assert len(heading) <= 2


def test_where_not_even_short_words_have_room_each_row_goes_from_top_to_bottom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_rows(console(), [f"column_{n}" for n in range(9)], [["x"] * 9])
    assert capsys.readouterr().out.startswith("row 1\n")


def test_what_must_not_break_stays_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    table = grid()
    table.add_column("id", no_wrap=True)
    table.add_column("why")
    table.add_row("i" * 40, "several words about it")
    console().print(table)
    assert "i" * 40 in capsys.readouterr().out
