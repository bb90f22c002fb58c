"""`sluice package` shows what functions ship, and ends with status 1 when one may not be shipped so."""

import json
from pathlib import Path

import pytest

from sluice.cli.main import run
from sluice.errors import UsageError
from sluice.local.packages import looked
from sluice.local.packages.archive import Sizes
from sluice.local.packages.budgets import Budget
from sluice.local.packages.built import Place
from sluice.local.packages.imports import Imported
from sluice.local.packages.looked import Looked, Wanted

PLACE = Place(python="3.13", architecture="arm64")
ROOT = Path(__file__).resolve().parents[3]


def one(**known: object) -> Looked:
    facts: dict[str, object] = {
        "function": "router",
        "directory": Path("/packages/router"),
        "hash": "0123456789abcdef",
        "sizes": Sizes(zipped=1_700_000, unpacked=6_100_000),
        "contents": ("handler.py", "pipeline.py"),
        "imported": Imported(ms=312.4),
        "budget": Budget(zipped_mb=2, import_ms=400),
        "on_target": "no Python for Linux on arm64 is here",
    }
    return Looked(**{**facts, **known})  # type: ignore[arg-type]  # as the fields are


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Looked]:
    """What the command finds; nothing is built."""
    packages: list[Looked] = []
    asked = [Wanted(folder="router", variables={}, place=PLACE)]
    monkeypatch.setattr(looked, "wanted", lambda *_: asked)
    monkeypatch.setattr(looked, "look", lambda *_, **__: packages)
    return packages


def test_a_package_is_shown_beside_its_budget(
    found: list[Looked], capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(one())
    assert run(["package"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("router"))
    assert row.split() == ["router", "1.7", "2", "6.1", "2", "312", "400", "0123456789ab"]


def test_a_check_says_where_it_did_not_import(
    found: list[Looked], capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(one())
    assert run(["package", "--check"]) == 0
    out = capsys.readouterr().out
    assert "Every package is as it must be." in out
    assert "not on what they run on: no Python for Linux on arm64 is here" in " ".join(out.split())


def test_what_is_wrong_is_named_and_is_the_status(
    found: list[Looked], capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(one(faults=("botocore must not be shipped",), on_target=Imported(ms=9_000.0)))
    assert run(["package", "--check"]) == 1
    out = capsys.readouterr().out
    assert "router: botocore must not be shipped" in out
    assert "1 package must be mended." in out
    assert "by a Python for what they run on" in out


def test_a_program_gets_everything_as_json(found: list[Looked], capsys: pytest.CaptureFixture[str]) -> None:
    found.append(one(imported=Imported(fault="the handler cannot be imported: no table")))
    assert run(["package", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["environment"], said["python"], said["architecture"]) == ("dev", "3.13", "arm64")
    assert said["packages"] == [
        {
            "function": "router",
            "directory": "/packages/router",
            "hash": "0123456789abcdef",
            "zipped_bytes": 1_700_000,
            "unpacked_bytes": 6_100_000,
            "import_ms": None,
            "import_ms_here": None,
            "budget": {"zipped_mb": 2, "import_ms": 400},
            "on_target": {"imported": False, "why": "no Python for Linux on arm64 is here"},
            "faults": [],
            "contents": ["handler.py", "pipeline.py"],
        }
    ]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"sizes": Sizes(zipped=2_100_000, unpacked=1)}, "it has 2.1 MB zipped, its budget is 2: ship less"),
        ({"imported": Imported(ms=512.0)}, "its import took 512 ms at best of 12 times (512 here, "),
        ({"imported": Imported(fault="it fails")}, "on this machine, it fails"),
        ({"on_target": Imported(fault="it fails")}, "on arm64, it fails"),
        ({"budget": None}, "it has no budget: add a section [router] to functions/budgets.toml"),
        ({"hash": "f" * 64}, "built elsewhere, its hash is 0123456789ab, not ffffffffffff"),
    ],
)
def test_each_thing_that_is_wrong_is_one_line(known: dict[str, object], said: str) -> None:
    lines = list(looked._faults(one(**known), "0123456789abcdef", "", PLACE))
    assert len(lines) == 1
    assert lines[0].startswith(said)


def test_a_little_over_its_budget_is_no_measure_of_an_import() -> None:
    assert list(looked._faults(one(imported=Imported(ms=439.0)), "0123456789abcdef", "", PLACE)) == []


def test_an_environment_knows_its_functions_even_where_code_is_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SLUICE_PIPELINE", raising=False)
    program = looked.run_program

    def signing(root: Path, stack: str, *, overrides: dict[str, dict[str, str]], **known: object) -> object:
        signed = {"code_signing": {"profile": "own", **overrides["code_signing"]}}
        return program(root, stack, overrides={**overrides, **signed}, **known)  # type: ignore[arg-type]

    monkeypatch.setattr(looked, "run_program", signing)
    with pytest.raises(UsageError, match=r"no function 'nothing': name a folder of aggregator, auditor, big"):
        looked.wanted(ROOT, "dev", None, ["nothing"])
    with pytest.raises(UsageError, match=r"functions/report is not deployed in dev: name a folder of agg"):
        looked.wanted(ROOT, "dev", None, ["report"])


def test_a_function_that_is_named_twice_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_PIPELINE", raising=False)
    asked = looked.wanted(ROOT, "dev", None, ["bigquery_sink", "bigquery_sink"])
    assert [each.folder for each in asked] == ["bigquery_sink"]
