"""The module that is printed: ready to be a pipeline.py, whatever names the data hold."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sluice.discover.layout import quoted
from tests.unit.discover.finding import TIME, Found, discover, discover_lines

ROOT = Path(__file__).parents[3]

RICH: list[dict[str, Any]] = [
    {
        "type": kind,
        "id": f"{kind}-{n}",
        "sent_at": TIME,
        "received_at": TIME,
        "day": "2026-05-17",
        "user_name": f"u{n}",
        "latitude": 48.2,
        "amount": "12.50" if n % 2 else None,
        "channel": ("web", "ios", "android", "partner integration", "point of sale", "call centre")[n % 6],
        "lines": [{"sku": "A", "class": 1, "date": None}],
        "where": {"city": "Wien", "point": {"x": 1, "y": 2}},
        "a_rather_long_name_of_a_field_that_says_more_than_anybody_wants_to_read": None,
        "free": n if n % 2 else "x",
        "from": "x",
        "field": "x",
    }
    for n in range(240)
    for kind in ("placed", "a-type.with/a:rather-long_name_as_they_come_from_other_systems")
]


def rich() -> Found:
    return discover(*RICH)


def test_it_is_formatted_as_the_project_is_and_lint_free(tmp_path: Path) -> None:
    found = rich()
    assert found.accepts_all
    file = tmp_path / "pipeline.py"
    file.write_text(found.module)
    for command in (["format", "--check"], ["check"]):
        arguments = [*command, "--no-cache", "--config", str(ROOT / "pyproject.toml"), str(file)]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_same_records_give_the_same_module() -> None:
    assert rich().module == rich().module


@pytest.mark.parametrize(
    "name",
    [
        "int",
        "str",
        "date",
        "datetime",
        "field",
        "list",
        "Decimal",
        "Json",
        "Literal",
        "Event",
        "pipeline",
        "None",
    ],
)
def test_a_field_may_have_the_name_of_a_type_that_the_module_uses(name: str) -> None:
    event = {"type": "t", "at": TIME, "day": "2026-01-01", "n": 1, "lat": 1.5, "tags": ["x"], "price": "1.50"}
    found = discover({**event, name: 1}, {**event, "free": "x"}, {**event, "free": 1})
    assert found.accepts_all
    if name != "None":
        assert found.line(name) in (f"{name}: int | None = None", f"{name}: int_type | None = None")


def test_a_class_never_has_the_name_of_a_field() -> None:
    found = discover(
        {"type": "t", "at": TIME, "point": {"x": 1}, "Point_": 1}, {"type": "t", "at": TIME, "Point": 1}
    )
    assert found.checked.accepted == 1  # `point` and `Point` are one column
    found = discover(
        {"type": "T", "at": TIME, "v": {"Point": {"point": {"x": 1}}}}, {"type": "T", "at": TIME}
    )
    assert found.accepts_all
    assert "class Point2(Nested):" in found.module


def test_a_name_that_python_reserves_gets_an_underscore() -> None:
    found = discover({"type": "t", "class": TIME, "from": 1})
    assert found.line("class_") == "class_: datetime"
    assert 'time="class_"' in found.module
    assert found.accepts_all


@pytest.mark.parametrize("name", ["a.b", "2nd", "_id", "class_", "größe", "", " x", "Type", "x" * 301])
def test_a_key_that_cannot_be_a_column_is_to_be_renamed(name: str) -> None:
    found = discover({"type": "t", "at": TIME, name: 1}, {"type": "t", "at": TIME})
    if name == "Type":  # it differs from the tag only in case: BigQuery has one column for both
        return
    assert found.event.must
    assert (found.checked.accepted, found.checked.refused.total) == (1, 1)


HOSTILE = (
    '"""\nimport os\nos._exit(3)\n"""',
    "x\rraise SystemExit(3)",
    "`\\",
    "\x00",
    "\u2028raise",
    "\ud83d\ude00",
    "\x0craise",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_and_no_value_becomes_code(text: str) -> None:
    """Names from data stand in comments, in strings and in the docstring, and end neither."""
    events = [
        {"type": kind, "at": TIME, text: 1, "nested": {text: text}, "choice": text} for kind in ("t", text)
    ]
    lines = [json.dumps(event).encode() for event in events * 150]
    found = discover_lines(lines, source=text, fallback=text)
    assert found.checked.records == 300
    compile(found.module, "pipeline.py", "exec")
    assert "import os" not in [line.strip() for line in found.module.splitlines()]
    found = discover({text: "v", "kind": text}, {text: "v", "kind": text}, source=text, fallback=text)
    assert found.checked.records == 2


def test_strings_are_quoted_so_that_python_reads_the_same() -> None:
    for text in ("a", 'say "hi"', "it's", "\\", "\n", "\u2028", "\x7f", "é", *HOSTILE):
        assert eval(quoted(text), {}) == text  # noqa: S307 - what is tested is that it is a string
