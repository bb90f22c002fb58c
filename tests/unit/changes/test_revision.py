"""`sluice graph --diff` runs the program of another revision, or says in one line what keeps it from that."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sluice.changes import revision
from sluice.changes.document import Document
from sluice.cli.main import run
from sluice.local.config import stacks
from tests.unit.changes.made import QUEUE, document, planned

PROGRAM = """
import pulumi

class Box(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("my:box:Box", name)
        inside = pulumi.ResourceOptions(parent=self)
        pulumi.CustomResource("aws:sqs/queue:Queue", f"{name}-queue", {QUEUE}, inside)
        self.register_outputs({})

Box("box")
"""
PIPELINE = '''
from datetime import datetime
from typing import Annotated
from sluice.contract import Event, field
from sluice.pipeline import Pipeline

class Visit(Event, type="visit", time="at"):
    """A visit."""
    at: Annotated[datetime, field("When")]

pipeline = Pipeline(events=[Visit])
'''
TLS = {"name": "q", "sqsManagedSseEnabled": True, "policy": "{}"}


def git(root: Path, *arguments: str) -> None:
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],  # noqa: S607 - whichever git there is
        cwd=root,
        check=True,
        capture_output=True,
        env={**os.environ, **who},
    )


def commit(root: Path, said: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", said)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project below the root of a repository, with one commit."""
    root = tmp_path / "repository" / "streams"
    root.mkdir(parents=True)
    git(tmp_path / "repository", "init", "-q")
    (root / "Pulumi.yaml").write_text("name: shop\n")
    (root / "Pulumi.dev.yaml").write_text("")
    (root / "Pulumi.old.yaml").write_text("")
    (root / "pipeline.py").write_text(PIPELINE)
    (root / "__main__.py").write_text(PROGRAM.replace("{QUEUE}", repr(TLS)))
    commit(root, "first")
    monkeypatch.chdir(root)
    return root


def test_the_working_tree_is_compared_with_another_revisions_own_program(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both run; an environment that the other one lacks is new; a program that did not run then says why."""
    (project / "__main__.py").write_text(PROGRAM.replace("{QUEUE}", repr({**TLS, "name": "another"})))
    (project / "Pulumi.staging.yaml").write_text("")
    (project / "Pulumi.old.yaml").unlink()
    status = run(["graph", "--diff", "main", "--json", "--rate", "5", "--bytes", "10"])
    captured = capsys.readouterr()
    plan = json.loads(captured.out)
    assert plan["base"]["called"] == "main"
    assert plan["head"]["commit"].endswith("and what is not committed")
    assert plan["load"] == "5 records/s of 10 bytes"
    dev, staging = plan["environments"]
    (change,) = dev["changes"]
    assert (change["does"], change["because"]) == ("replaced", ["name changes"])
    assert (staging["new"], [each["does"] for each in staging["changes"]]) == (True, ["added"])
    assert plan["dropped"] == ["old"]
    assert plan["pipeline"]["contract"] == []
    assert status == 1, "the small program breaks rules"
    assert captured.err.startswith("error: the working tree's programs break rules in")


def test_a_revision_that_cannot_run_here_is_told_in_the_plan_and_does_not_fail_it(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"dev": "error: aws_region is missing\n\ndev ended with 2\n"}
    monkeypatch.setattr(
        revision, "_run", lambda *_: {"dev": revision._document(project / "none", broken["dev"])}
    )
    (project / "__main__.py").write_text("import pulumi\n")
    (project / "Pulumi.old.yaml").unlink()
    assert run(["graph", "--diff", "HEAD", "--format", "markdown"]) == 0
    said = capsys.readouterr().out
    assert "`Pulumi.old.yaml`: its file is gone" in said
    assert "- Not compared: the program of HEAD does not run here: aws_region is missing." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--diff", "nowhere"],
            "--diff nowhere: git knows no such revision here; give a branch, a tag or a commit",
        ),
        (["--diff", "HEAD", "--format", "mermaid"], "--format mermaid draws one program: leave out --diff"),
        (["--format", "markdown"], "--format markdown is for a comparison: add --diff REV"),
        (["--rate", "5"], "--rate and --bytes say the load of a comparison: add --diff REV"),
        (["--env", "dev", "--env", "prod"], "--env is given several times: without --diff REV"),
        (["--diff", "HEAD", "--rate", "0"], "--rate 0: give a number above 0"),
        (["--diff", "HEAD", "--bytes", "0"], "--bytes 0: give a whole number of 1 or more"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert project
    assert run(["graph", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {said}")
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_a_folder_that_is_no_repository_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert run(["graph", "--diff", "HEAD"]) == 3
    assert "not a git repository" in capsys.readouterr().err


def test_a_link_that_leads_out_of_the_project_is_left_out(project: Path) -> None:
    (project / "absolute").symlink_to("/etc/hostname")
    (project / "outside").symlink_to("../../../elsewhere")
    (project / "inside").symlink_to("pipeline.py")
    commit(project, "links")
    with revision.tree(project, "HEAD") as files:
        assert {each.name for each in files.iterdir()} >= {"inside", "__main__.py"}
        assert not {"absolute", "outside"} & {each.name for each in files.iterdir()}


def test_a_project_that_the_revision_does_not_have_is_new_as_a_whole(project: Path) -> None:
    other = project.parent / "other"
    other.mkdir()
    (other / "Pulumi.yaml").write_text("name: other\n")
    with revision.tree(other, "HEAD") as files:
        assert list(files.iterdir()) == []


def test_an_environment_may_have_a_dot_in_its_name(project: Path) -> None:
    (project / "Pulumi.eu.prod.yaml").write_text("")
    assert stacks(project) == ["dev", "eu.prod", "old"]


def test_what_a_run_said_is_told_by_environment() -> None:
    said = "warning: a\n\ndev ended with 0\nerror: prod is wrong\n\nprod ended with 2\n"
    parts = revision._by_environment(said, ["dev", "prod"])
    assert revision._reason(parts["prod"]) == "prod is wrong"
    broken_off = revision._by_environment("Traceback\nImportError: no module of that name", ["dev", "prod"])
    assert {revision._reason(each) for each in broken_off.values()} == {"ImportError: no module of that name"}


def test_an_older_revision_is_held_to_the_contract_that_it_committed(tmp_path: Path) -> None:
    older = document(planned(QUEUE, "q"))
    lock = tmp_path / "contract.lock.json"
    assert revision._with_contract(older, tmp_path) is older
    lock.write_text("no JSON")
    assert revision._with_contract(older, tmp_path) is older
    lock.write_text('{"version": 1, "types": {}}')
    told = revision._with_contract(older, tmp_path)
    assert isinstance(told, Document)
    assert told.contract == {"version": 1, "types": {}}
