"""Comments and issues: one of each, kept up to date, and nothing in them that a stranger could misuse."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.workflow import GITHUB, Ran, Runner, step

SHA = "0123456789abcdef0123456789abcdef01234567"
MARKER = "<!-- sluice:plan -->"
CONTEXT = {
    "github.token": "token",
    "github.repository": "example/analytics",
    "github.server_url": "https://github.com",
    "github.run_id": "42",
    "github.event.workflow_run.name": "plan",
    "github.event.workflow_run.html_url": "https://github.com/example/analytics/actions/runs/42",
    "github.event.workflow_run.head_sha": SHA,
    "github.event.workflow_run.head_branch": "change/one&state=closed",
    "github.event.workflow_run.head_repository.owner.login": "somebody",
    "github.event.workflow_run.head_repository.full_name": "somebody/analytics",
}
OWN = {
    **CONTEXT,
    "github.event.workflow_run.name": "preview",
    "github.event.workflow_run.head_repository.owner.login": "example",
    "github.event.workflow_run.head_repository.full_name": "example/analytics",
}

pytestmark = pytest.mark.usefixtures("_jq")


def pull(number: int, repository: str, sha: str = SHA) -> dict[str, Any]:
    return {"number": number, "head": {"sha": sha, "repo": {"full_name": repository}}}


class Repository:
    """A repository on GitHub, and the artifacts of a run."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        self._runner, self.artifacts = runner, folder / "artifacts"
        self._store = folder / "github.json"
        self._fake = Path(__file__).with_name("fake_github.py")
        self.artifacts.mkdir()
        self.save({"pulls": [], "comments": [], "issues": [], "calls": []})
        gh = folder / "stubs" / "gh"
        gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" -SEB "{self._fake}" "$@"\n')

    @property
    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._store.read_text())
        return content

    def save(self, state: dict[str, Any]) -> None:
        self._store.write_text(json.dumps(state))

    def left(self, **files: str) -> None:
        """Unpack a run's artifacts, as one folder: `comment_plan__md` is comment-plan.md."""
        for file, text in files.items():
            name = file.replace("__", ".").replace("_", "-")
            (self.artifacts / name).write_text(text)

    def comment(self, context: dict[str, str]) -> Ran:
        return self._run(step("comment", "Comment"), context)

    def tell(self) -> Ran:
        return self._run(step("drift", "Open, renew or close the issue of each environment"), CONTEXT)

    def _run(self, each: Any, context: dict[str, str]) -> Ran:
        body = {**each.body, "env": dict(each.body["env"])}
        for key in ("COMMENTS", "DRIFT"):
            if key in body["env"]:
                body["env"][key] = str(self.artifacts)
        return self._runner.run(
            type(each)(file=each.file, job=each.job, body=body), context, FAKE_GITHUB=str(self._store)
        )


@pytest.fixture
def repository(runner: Runner, tmp_path: Path) -> Repository:
    return Repository(runner, tmp_path)


def test_the_plan_of_a_fork_is_commented_once_and_then_kept_up_to_date(repository: Repository) -> None:
    repository.save({**repository.state, "pulls": [pull(7, "somebody/analytics")]})
    repository.left(comment_plan__md="## Offline plan\n\nfirst\n")
    assert repository.comment(CONTEXT).status == 0
    repository.left(comment_plan__md="## Offline plan\n\nsecond\n")
    ran = repository.comment(CONTEXT)
    assert ran.printed == "Renewed the comment plan of pull request 7.\n"
    (comment,) = repository.state["comments"]
    assert comment["issue"] == 7
    assert comment["body"].startswith(
        f"{MARKER}\n<sub>Written by the code of this pull request, at 0123456789ab"
    )
    assert comment["body"].endswith("## Offline plan\n\nsecond\n")
    asked = [path for method, path in repository.state["calls"] if "pulls" in path]
    assert asked[0].endswith("head=somebody%3Achange%2Fone%26state%3Dclosed&per_page=100")


def test_each_environment_has_a_comment_of_its_own(repository: Repository) -> None:
    repository.save({**repository.state, "pulls": [pull(7, "example/analytics")]})
    for name in ("dev", "prod"):
        repository.left(**{f"comment_preview_{name}__md": f"### Preview of {name}\n"})
    assert repository.comment(OWN).status == 0
    starts = [each["body"].splitlines()[0] for each in repository.state["comments"]]
    assert starts == ["<!-- sluice:preview-dev -->", "<!-- sluice:preview-prod -->"]


@pytest.mark.parametrize(
    "pulls",
    [[], [pull(7, "somebody/analytics", sha="f" * 40)], [pull(7, "other/analytics")]],
    ids=["closed", "moved on", "another repository's branch of that name"],
)
def test_a_run_whose_commit_is_no_pull_requests_any_more_comments_nowhere(
    pulls: list[dict[str, Any]], repository: Repository
) -> None:
    repository.save({**repository.state, "pulls": pulls})
    repository.left(comment_plan__md="old\n")
    ran = repository.comment(CONTEXT)
    assert (ran.status, repository.state["comments"]) == (0, [])


def test_a_fork_cannot_pass_for_a_preview_nor_leave_other_files(repository: Repository) -> None:
    repository.save({**repository.state, "pulls": [pull(7, "somebody/analytics")]})
    repository.left(comment_preview_prod__md="No changes. Safe to merge!\n")
    assert repository.comment({**CONTEXT, "github.event.workflow_run.name": "preview"}).status == 0
    assert repository.comment({**CONTEXT, "github.event.workflow_run.name": "something"}).status == 0
    repository.left(other__md="unasked\n", comment_plan__html="unasked\n")
    assert repository.comment(CONTEXT).status == 0
    secret = repository.artifacts.parent / "secret"
    secret.write_text("of the runner")
    (repository.artifacts / "comment-plan.md").symlink_to(secret)
    assert repository.comment(CONTEXT).status == 0
    assert repository.state["comments"] == []


def test_what_a_stranger_writes_calls_nobody_and_hides_nothing(repository: Repository) -> None:
    repository.save({**repository.state, "pulls": [pull(7, "somebody/analytics")]})
    text = (
        "@example/everybody <!-- sluice:preview-prod --> <!-<!-- x -->- \x1b[2J\x00 ```\n<details>\n"
        + "x" * 200_000
    )
    repository.left(comment_plan__md=text)
    assert repository.comment(CONTEXT).status == 0
    (comment,) = repository.state["comments"]
    assert "@example" not in comment["body"]
    assert re.findall("<!--.*?-->", comment["body"]) == [MARKER]
    assert not set(comment["body"]) & {"\x1b", "\x00"}
    assert comment["body"].index("Written by the code of") < comment["body"].index("everybody")
    assert comment["body"].endswith("[cut: the run has the rest]")


def test_a_comment_of_somebody_else_is_never_written_over(repository: Repository) -> None:
    theirs = {"id": 1, "issue": 7, "user": {"login": "somebody"}, "body": f"{MARKER} mine"}
    bodyless = {"id": 2, "issue": 7, "user": {"login": "ghost"}, "body": None}
    state = {**repository.state, "pulls": [pull(7, "somebody/analytics")], "comments": [theirs, bodyless]}
    repository.save(state)
    repository.left(comment_plan__md="plan\n")
    assert repository.comment(CONTEXT).status == 0
    assert repository.state["comments"][0] == theirs
    assert len(repository.state["comments"]) == 3


def test_what_github_refuses_is_one_line(repository: Repository) -> None:
    state = repository.state
    del state["pulls"]
    repository.save(state)
    (repository.artifacts.parent / "stubs" / "gh").write_text(
        "#!/bin/sh\necho 'gh: Bad\ncredentials' >&2; exit 1\n"
    )
    ran = repository.comment(CONTEXT)
    assert ran.status == 1
    assert ran.printed == "::error::GitHub refused api --method GET --paginate: gh: Bad credentials\n"


def test_drift_opens_one_issue_renews_it_and_closes_it_when_it_is_gone(repository: Repository) -> None:
    repository.left(
        drift_prod__status="7\n", drift_prod__txt="Resources:\n    ~ 1 to update\n    96 unchanged\n"
    )
    repository.left(drift_dev__status="0\n", drift_dev__txt="Resources:\n    97 unchanged\n")
    assert repository.tell().status == 0
    (issue,) = repository.state["issues"]
    assert (issue["title"], issue["state"], issue["labels"]) == ("Drift in prod", "open", ["drift"])
    assert "~ 1 to update" in issue["body"]
    assert "actions/runs/42" in issue["body"]
    repository.left(drift_prod__txt="Resources:\n    ~ 2 to update\n")
    assert repository.tell().status == 0
    (issue,) = repository.state["issues"]
    assert "~ 2 to update" in issue["body"]
    repository.left(drift_prod__status="0\n")
    assert repository.tell().printed == "dev: as deployed\nprod: as deployed\n"
    (issue,) = repository.state["issues"]
    assert issue["state"] == "closed"


@pytest.mark.parametrize("status", ["255\n", None])
def test_an_environment_that_could_not_be_looked_at_is_no_good_news(
    status: str | None, repository: Repository
) -> None:
    opened = {
        "number": 5,
        "title": "Drift in prod",
        "user": {"login": "github-actions[bot]"},
        "state": "open",
    }
    repository.save({**repository.state, "issues": [opened]})
    repository.left(**({"drift_prod__status": status} if status else {}), drift_prod__txt="no credentials\n")
    ran = repository.tell()
    assert ran.status == 1
    assert "::error::prod could not be compared" in ran.printed
    assert repository.state["issues"][0]["state"] == "open"


def test_output_can_close_no_fence_and_a_long_one_keeps_its_end() -> None:
    sys.path.insert(0, str(GITHUB / "scripts"))
    try:
        import as_comment  # noqa: PLC0415 found through the line above
    finally:
        sys.path.pop(0)
    comment = as_comment.as_comment("T", 0, "a ```` b\n" + "\x1b[32mgreen\x1b[0m\n" * 20_000 + "the end\n")
    assert "`````text\na ```` b\ngreen\n" in comment
    assert "characters are left out here" in comment
    assert "the end\n`````" in comment
    assert len(comment) < 60_000
