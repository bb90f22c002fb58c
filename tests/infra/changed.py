"""A change of the program that drops a field, renames a function, widens a role and adds a sink, as a plan.

`python -m tests.infra.changed` writes the golden files again: look at them before you commit them.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from sluice.changes.document import Document, read
from sluice.changes.markdown import markdown
from sluice.changes.plan import Plan, Programs, Side, compare
from sluice.cli.graph_diff import print_plan
from sluice.cli.output import plain
from sluice.local.document import graph_document
from sluice.local.judged import judged
from sluice.local.program import run_program
from sluice.pipeline import load_pipeline
from sluice.planner.load import Load

ROOT: Final = Path(__file__).resolve().parents[2]
GOLDEN: Final = Path(__file__).with_name("golden")
ORDERS: Final = Path(__file__).with_name("orders.py")
STACK: Final = "prod"
SETTINGS: Final[dict[str, Any]] = {
    "package_dependencies": False,
    "lake": {"enabled": False},
    "search_sink": {"mode": "none"},
    "alarms": {"enabled": False},
    "auditor": {"enabled": False},
}
NOTE: Final = '    note: Annotated[str | None, field("What the customer wrote")] = None\n'
AT_THE_END: Final = '    ordered_at: Annotated[datetime, field("When it was placed")]\n'

EDITS: Final = {
    # renames a function: another name in the cloud
    "infra/names.py": ('self.thing("window-publisher")', 'self.thing("windows-publisher")'),
    # renames it in the program alone, and says so
    "infra/renames.py": ("= {}", '= {"watermark": ("sluice:infra:Census::census",)}'),
    "__main__.py": ('Census("census"', 'Census("watermark"'),
    # widens a role: of each sink
    "infra/sink_function.py": (
        'allow("KeepTheLedger", ledger_actions, ledger.table_arn)',
        'allow("KeepTheLedger", [*ledger_actions, "dynamodb:DeleteItem"], ledger.table_arn)',
    ),
}
"""By file, a text and what stands in its place in the changed program."""


def before(folder: Path) -> Programs:
    """The program as it is, with a small pipeline whose orders have a note."""
    text = ORDERS.read_text().replace(AT_THE_END, AT_THE_END + NOTE)
    return Programs(documents={STACK: _document(ROOT, _pipeline(folder, text), SETTINGS)}, root=ROOT)


def after(folder: Path) -> Programs:
    """The changed program: in a folder of its own, its order without a note, and a route more.

    And its BigQuery sink shares a reader, so that its mapping is made anew.
    """
    root = folder / "project"
    for name in ("infra", "functions"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__main__.py", "Pulumi.yaml", f"Pulumi.{STACK}.yaml", "requirements.lock"):
        shutil.copy(ROOT / name, root / name)
    (root / "sluice").symlink_to(ROOT / "sluice")
    for name, (old, new) in EDITS.items():
        file = root / name
        text = file.read_text()
        assert old in text, f"{name} no longer has {old}: change something like it in tests/infra/changed.py"
        file.write_text(text.replace(old, new))
    route = 'routes=[Route("large", "customer = \'x\'", types=[Order], to=Queue())],\n)'
    text = ORDERS.read_text()
    text = text.replace("\n)", f"\n    {route}").replace(
        "from sluice.pipeline import Pipeline",
        "from sluice.pipeline import Pipeline\nfrom sluice.routes import Queue, Route",
    )
    settings = {**SETTINGS, "bigquery_sink": {"consumer": "shared"}}
    return Programs(documents={STACK: _document(root, _pipeline(folder, text), settings)}, root=root)


def plan(folder: Path) -> Plan:
    """Compare the two."""
    base, head = Side(called="main", commit="1a2b3c4"), Side(called="the working tree", commit="5d6e7f8")
    folder.joinpath("before").mkdir()
    return compare(before(folder / "before"), after(folder), base=base, head=head, load=Load())


def written(found: Plan) -> dict[str, str]:
    """Write a plan in the forms that people read."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        out = Console(file=file, width=80, color_system=None, highlight=False, emoji=False, markup=False)
        print_plan(found, out)
        file.seek(0)
        lines = [line.rstrip() for line in file]
    return {"plan.md": markdown(found), "plan.txt": "\n".join(lines) + "\n"}


def _pipeline(folder: Path, text: str) -> Path:
    file = folder / "pipeline.py"
    file.write_text(text)
    return file


def _document(root: Path, pipeline: Path, settings: dict[str, Any]) -> Document:
    program = run_program(root, STACK, overrides=settings, pipeline=pipeline)
    document = graph_document(STACK, program, judged(program), load_pipeline(pipeline))
    return read(json.loads(json.dumps(plain(document))))


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in written(plan(Path(folder))).items():
            GOLDEN.joinpath(name).write_text(text)
