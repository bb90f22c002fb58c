"""What no workflow may do, whoever edits it: run what moves, keep tokens, have spare rights."""

import json
import re
import shlex
from collections import defaultdict
from typing import Any

import pytest
import typer

from sluice.cli.main import app
from tests.workflows.workflow import ACTIONS, EXPRESSION, ROOT, WORKFLOWS, jobs, loaded, steps

LOOKS = {"contents": "read"}
SIGNS_IN = {"contents": "read", "id-token": "write"}
RIGHTS = {
    ("checks", "checks"): LOOKS,
    ("comment", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
    ("dependencies", "lock"): LOOKS,
    ("dependencies", "propose"): {"actions": "write", "contents": "write", "pull-requests": "write"},
    ("deploy", "checks"): LOOKS,
    ("deploy", "dev"): SIGNS_IN,
    ("deploy", "staging"): SIGNS_IN,
    ("deploy", "prod"): SIGNS_IN,
    ("deploy-environment", "preview"): SIGNS_IN,
    ("deploy-environment", "deploy"): SIGNS_IN,
    ("drift", "look"): SIGNS_IN,
    ("drift", "tell"): {"contents": "read", "issues": "write"},
    ("plan", "plan"): LOOKS,
    ("preview", "preview"): SIGNS_IN,
}
"""What the token of each job may do."""


def test_each_job_has_exactly_the_rights_that_it_uses() -> None:
    assert all(loaded(file)["permissions"] == {} for file in WORKFLOWS)
    assert {(file, name): job["permissions"] for file, name, job in jobs()} == RIGHTS


def test_who_may_write_runs_no_code_of_a_pull_request() -> None:
    """A job with a right to write checks out the main branch, and only the scripts that it calls."""
    writing = {
        (file, name)
        for (file, name), rights in RIGHTS.items()
        if any(right == "write" for scope, right in rights.items() if scope != "id-token")
    }
    assert writing == {("comment", "comment"), ("drift", "tell"), ("dependencies", "propose")}
    for file, name, _ in jobs():
        if (file, name) in writing:
            assert "pull_request" not in loaded(ROOT / ".github" / "workflows" / f"{file}.yml")["on"]
            for each in steps():
                if (each.file, each.job) == (file, name) and "checkout" in each.name:
                    assert "ref" not in each.body["with"]


def test_every_action_is_pinned_by_its_whole_commit_and_names_its_version() -> None:
    commits = defaultdict(set)
    for file in [*WORKFLOWS, *ACTIONS]:
        for line in file.read_text().splitlines():
            if found := re.search(r"uses: (\S+)(.*)", line):
                if found[1].startswith("./"):
                    assert (ROOT / found[1]).exists(), line
                    continue
                name, _, commit = found[1].partition("@")
                assert re.fullmatch(r"[0-9a-f]{40}", commit), line
                assert re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]), line
                commits[name].add((commit, found[2]))
    assert {name: len(found) for name, found in commits.items()} == dict.fromkeys(commits, 1)


def test_no_script_holds_an_expression() -> None:
    """What GitHub puts into a script becomes part of it: values come through the environment alone."""
    for each in steps():
        assert not EXPRESSION.search(str(each.body.get("run", ""))), each.name


def test_no_checkout_leaves_its_token_behind() -> None:
    for each in steps():
        if "actions/checkout" in str(each.body.get("uses")):
            assert each.body["with"]["persist-credentials"] is False, (each.file, each.name)


def test_every_job_ends_and_every_script_says_what_it_does() -> None:
    for file, name, job in jobs():
        assert "uses" in job or job["timeout-minutes"] <= 90, (file, name)
        assert "uses" in job or job["runs-on"] == "ubuntu-24.04", (file, name)
    assert all("name" in each.body for each in steps() if "run" in each.body)


def test_runs_of_one_thing_do_not_cross_and_a_deployment_is_never_stopped() -> None:
    for file in WORKFLOWS:
        if file.stem not in {"deploy", "deploy-environment"}:
            assert "concurrency" in loaded(file), file.name
    (deploy,) = (job for file, name, job in jobs() if (file, name) == ("deploy-environment", "deploy"))
    assert deploy["concurrency"]["cancel-in-progress"] is False
    assert "inputs.environment" in deploy["concurrency"]["group"]


def test_forks_get_neither_tokens_nor_variables() -> None:
    """GitHub gives them none; nothing here asks for a trigger that would."""
    for file in WORKFLOWS:
        triggers = loaded(file)["on"]
        assert "pull_request_target" not in triggers, file.name
        assert "secrets." not in file.read_text(), file.name
    (preview,) = (job for file, _, job in jobs() if file == "preview")
    assert "github.event.pull_request.head.repo.full_name == github.repository" in preview["if"]
    assert "dependabot[bot]" in preview["if"]
    (plan,) = (job for file, _, job in jobs() if file == "plan")
    assert "if" not in plan
    assert "vars." not in str(plan)


def test_a_merge_goes_from_one_environment_to_the_next_and_each_can_ask_for_approval() -> None:
    deploy: dict[str, Any] = loaded(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    assert {name: job.get("needs") for name, job in deploy.items()} == {
        "checks": None,
        "dev": "checks",
        "staging": ["checks", "dev"],
        "prod": ["checks", "dev", "staging"],
    }
    # A deployment that a newer one pushed out of its queue is cancelled, which `failure()` does not count.
    for name, former in (("staging", ["dev"]), ("prod", ["dev", "staging"])):
        for each in former:
            assert (
                f"""contains(fromJSON('["success", "skipped"]'), needs.{each}.result)""" in deploy[name]["if"]
            )
    environments = {name: job["with"]["environment"] for name, job in deploy.items() if "with" in job}
    assert environments == {name: name for name in ("dev", "staging", "prod")}
    with_environment = {(file, name): job.get("environment") for file, name, job in jobs()}
    assert {key: each for key, each in with_environment.items() if each} == {
        ("deploy-environment", "deploy"): "${{ inputs.environment }}"
    }


def test_only_the_deployment_signs_in_with_the_right_to_change() -> None:
    roles = {
        (each.file, each.job): each.body["with"]["role"]
        for each in steps()
        if each.body.get("uses") == "./.github/actions/sign-in"
    }
    assert roles == {
        ("preview", "preview"): "preview",
        ("drift", "look"): "preview",
        ("deploy-environment", "preview"): "preview",
        ("deploy-environment", "deploy"): "deploy",
    }


def test_comments_follow_the_workflows_that_leave_some() -> None:
    followed = loaded(ROOT / ".github" / "workflows" / "comment.yml")["on"]["workflow_run"]["workflows"]
    leaving = {
        loaded(ROOT / ".github" / "workflows" / f"{each.file}.yml")["name"]
        for each in steps()
        if str(each.body.get("with", {}).get("name", "")).startswith("comment-")
    }
    assert set(followed) == leaving == {"plan", "preview"}


@pytest.mark.parametrize(
    "each", [each for each in steps() if "sluice " in str(each.body.get("run"))], ids=lambda each: each.name
)
def test_every_sluice_command_exists_with_its_options(each: Any) -> None:
    for line in each.body["run"].replace("\\\n", " ").splitlines():
        words = shlex.split(line.strip())
        if not words or not words[0].endswith("/sluice"):
            continue
        command, words = typer.main.get_command(app), words[1:]
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_artifacts_lie_in_one_place_however_many_there_are() -> None:
    """By a pattern that fits one alone they would lie elsewhere (actions/download-artifact#419)."""
    for each in steps():
        if "download-artifact" in str(each.body.get("uses")) and "pattern" in each.body["with"]:
            assert each.body["with"]["merge-multiple"] is True, (each.file, each.name)


def test_what_is_started_by_hand_for_new_pins_can_be_started_so() -> None:
    (propose,) = (each for each in steps() if each.name == "Propose what changed")
    started = re.findall(r"gh workflow run (\S+)", propose.body["run"])
    assert started == ["checks.yml", "plan.yml"]
    for name in started:
        assert "workflow_dispatch" in loaded(ROOT / ".github" / "workflows" / name)["on"], name


def test_dependabot_looks_after_actions_and_after_the_policy_pack() -> None:
    kept = loaded(ROOT / ".github" / "dependabot.yml")["updates"]
    assert {each["package-ecosystem"] for each in kept} == {"github-actions", "pip"}
    assert all(each["cooldown"]["default-days"] >= 7 for each in kept), json.dumps(kept)
