"""The scripts of the workflows, as they stand in their files: which commands they call, and how they end."""

import json

import pytest

from tests.workflows.workflow import Runner, step, steps

DEV = {
    "environment": "dev",
    "aws_region": "eu-central-1",
    "preview_role": "arn:aws:iam::111111111111:role/github-sluice-dev-preview",
    "deploy_role": "arn:aws:iam::111111111111:role/github-sluice-dev-deploy",
    "google_provider": "projects/123/locations/global/workloadIdentityPools/github-sluice/providers/github",
    "google_project": "example-analytics-dev",
    "state": "s3://sluice-state-111111111111-eu-central-1/dev?region=eu-central-1",
}
IN_DEV = {"matrix.environment": "dev", "inputs.environment": "dev"}
NO_TAG = "error: stack tag 'commit' not found for stack 'dev'\n"
PREVIEWS = """Previewing update (dev):
 ~  aws:lambda:Function bigquery-sink-function update [diff: ~timeout]
Resources:
    ~ 1 to update
    96 unchanged
"""


def test_every_script_is_run_by_a_test() -> None:
    scripts = {(each.file, each.job, each.name) for each in steps() if "run" in each.body}
    assert scripts == {
        ("checks", "checks", "Run every test and every check"),
        ("comment", "comment", "Comment"),
        ("dependencies", "lock", "Pin the newest allowed versions"),
        ("dependencies", "propose", "Propose what changed"),
        ("deploy-environment", "deploy", "Ask whether BigQuery would take the event classes in place"),
        ("deploy-environment", "deploy", "Balance the books"),
        ("deploy-environment", "deploy", "Deploy"),
        ("deploy-environment", "deploy", "Look for what would stop the deployment"),
        (
            "deploy-environment",
            "deploy",
            "Move traffic to new versions, step by step where the settings say so",
        ),
        ("deploy-environment", "deploy", "Refuse what is older than what is deployed"),
        ("deploy-environment", "deploy", "Set up"),
        ("deploy-environment", "preview", "Preview, for whoever approves"),
        ("deploy-environment", "preview", "Set up"),
        ("drift", "look", "Compare with what was deployed"),
        ("drift", "look", "Set up"),
        ("drift", "tell", "Open, renew or close the issue of each environment"),
        ("plan", "plan", "Ask whether BigQuery would take the changed event classes in place"),
        ("plan", "plan", "Compare the programs"),
        ("plan", "plan", "Set up"),
        ("preview", "preview", "Preview"),
        ("preview", "preview", "Set up"),
        ("sign-in", "", "Connect to the state"),
        ("sign-in", "", "Look up the environment"),
    }


def test_checks_run_what_everybody_runs(runner: Runner) -> None:
    (runner.workspace / ".ci").mkdir()
    script = runner.workspace / ".ci" / "run"
    script.write_text("#!/bin/sh\npulumi about\nexit 3\n")
    script.chmod(0o755)
    ran = runner.run(step("checks", "Run every test and every check"))
    assert (ran.status, ran.calls) == (3, [["pulumi", "about"]])


@pytest.mark.parametrize(
    "each", [each for each in steps() if each.name == "Set up"], ids=lambda each: each.job
)
def test_set_up_is_one_command_and_its_failure_ends_the_job(each: object, runner: Runner) -> None:
    runner.answer("make", status=2)
    ran = runner.run(each)  # type: ignore[arg-type]  # the ids want any object
    assert ran.status == 2
    assert ran.calls in ([["make", "setup"]], [["make", "setup", "policies"]])


@pytest.mark.usefixtures("_jq")
@pytest.mark.parametrize("role", ["preview", "deploy"])
def test_signing_in_takes_the_environments_own_role_and_the_locked_pulumi(role: str, runner: Runner) -> None:
    (runner.workspace / "requirements.lock").write_text(
        "pulumi-aws==7.1.0 \\\npulumi==3.272.0 \\\n    --hash=x\n"
    )
    values = {
        "inputs.environment": "dev",
        "inputs.role": role,
        "inputs.environments": json.dumps([{**DEV, "environment": "prod", "state": "s3://other"}, DEV]),
    }
    ran = runner.run(step("sign-in", "Look up the environment"), values)
    assert ran.status == 0, ran.printed
    assert ran.outputs == {
        "aws_region": "eu-central-1",
        "role": f"arn:aws:iam::111111111111:role/github-sluice-dev-{role}",
        "google_provider": DEV["google_provider"],
        "google_project": "example-analytics-dev",
        "state": DEV["state"],
        "pulumi": "3.272.0",
    }
    found = {f"steps.place.outputs.{key}": value for key, value in ran.outputs.items()}
    assert runner.run(step("sign-in", "Connect to the state"), found).calls == [
        ["pulumi", "login", "--non-interactive", DEV["state"]]
    ]


@pytest.mark.usefixtures("_jq")
@pytest.mark.parametrize(
    ("environments", "said"),
    [
        ("", "SLUICE_ENVIRONMENTS says nothing of dev"),
        (json.dumps([{**DEV, "environment": "prod"}]), "SLUICE_ENVIRONMENTS says nothing of dev"),
        (json.dumps([{**DEV, "state": None}]), "SLUICE_ENVIRONMENTS has no state for dev"),
        (json.dumps([{**DEV, "google_project": 5}]), "SLUICE_ENVIRONMENTS has no google_project for dev"),
    ],
)
def test_signing_in_says_what_is_missing_and_where_it_comes_from(
    environments: str, said: str, runner: Runner
) -> None:
    (runner.workspace / "requirements.lock").write_text("pulumi==3.272.0 \\\n")
    values = {"inputs.environment": "dev", "inputs.role": "preview", "inputs.environments": environments}
    ran = runner.run(step("sign-in", "Look up the environment"), values)
    assert ran.status == 1
    (line,) = ran.printed.splitlines()
    assert line.startswith(f"::error::{said}")
    assert line.endswith(("as docs/bootstrap.md says", "docs/bootstrap.md says how to fill it"))


def test_the_plan_compares_every_environment_with_the_branch_that_it_goes_into(runner: Runner) -> None:
    """Without names it is every environment that has a file, and it says which file is gone."""
    plan = "## Offline plan\n\nNothing changes.\n"
    runner.answer("sluice", "graph", said=plan)
    ran = runner.run(step("plan", "Compare the programs"))
    assert ran.status == 0, ran.printed
    assert ran.calls == [["sluice", "graph", "--diff", "HEAD^1", "--format", "markdown"]]
    assert (runner.workspace / "comment" / "comment-plan.md").read_text() == plan == ran.summary


def test_a_plan_that_finds_a_broken_rule_is_shown_and_fails(runner: Runner) -> None:
    runner.answer("sluice", "graph", status=1, said="## Offline plan\n\nBreaks a rule.\n")
    ran = runner.run(step("plan", "Compare the programs"))
    assert ran.status == 1
    assert "Breaks a rule" in (runner.workspace / "comment" / "comment-plan.md").read_text()


def test_a_plan_that_cannot_be_made_says_so_in_the_comment(runner: Runner) -> None:
    runner.answer("sluice", "graph", status=2)
    ran = runner.run(step("plan", "Compare the programs"))
    assert ran.status == 2
    assert "Failed with status 2" in (runner.workspace / "comment" / "comment-plan.md").read_text()


def test_the_contract_is_compared_with_the_one_that_is_deployed_not_with_the_pull_requests_own(
    runner: Runner,
) -> None:
    lock = runner.workspace / "contract.lock.json"
    lock.write_text("deployed")
    runner.commit("Deploy")
    lock.write_text("of the pull request")
    runner.commit("Drop a field, and the snapshot with it")
    runner.answer("sluice", "contract", "check", status=1)
    ran = runner.run(step("plan", "Ask whether BigQuery would take the changed event classes in place"))
    assert (ran.status, ran.calls) == (1, [["sluice", "contract", "check"]])
    assert lock.read_text() == "deployed"


def test_a_branch_without_a_snapshot_has_nothing_to_compare_with(runner: Runner) -> None:
    runner.commit("Begin")
    runner.commit("Add a field")
    ran = runner.run(step("plan", "Ask whether BigQuery would take the changed event classes in place"))
    assert (ran.status, ran.calls) == (0, [])
    assert "nothing to compare with" in ran.printed


@pytest.mark.parametrize("status", [0, 255])
def test_a_preview_becomes_a_comment_whether_it_worked_or_not(status: int, runner: Runner) -> None:
    runner.answer("pulumi", "preview", status=status, said=PREVIEWS)
    ran = runner.run(step("preview", "Preview"), IN_DEV)
    assert ran.status == status
    (call,) = ran.calls
    assert call[:4] == ["pulumi", "preview", "--stack", "dev"]
    assert call[call.index("--policy-pack") + 1] == "policy_pack"
    assert "--non-interactive" in call
    comment = (runner.workspace / "comment" / "comment-preview-dev.md").read_text()
    assert comment.startswith("### Preview of dev\n")
    assert "~ 1 to update" in comment
    assert ("Failed with status 255" in comment) is bool(status)


def test_whoever_approves_sees_the_preview_of_what_is_approved(runner: Runner) -> None:
    runner.answer("pulumi", "preview", said=PREVIEWS)
    ran = runner.run(step("deploy-environment", "Preview, for whoever approves"), IN_DEV)
    assert ran.status == 0
    assert ran.calls[0][:4] == ["pulumi", "preview", "--stack", "dev"]
    assert "~ 1 to update" in ran.summary


def test_a_deployment_is_judged_marked_with_its_commit_and_ends_if_it_fails(runner: Runner) -> None:
    values = {**IN_DEV, "github.sha": "abc"}
    ran = runner.run(step("deploy-environment", "Deploy"), values)
    up, tag = ran.calls
    assert up[:4] == ["pulumi", "up", "--stack", "dev"]
    assert {"--policy-pack", "policy_pack", "--yes", "--non-interactive"} <= set(up)
    assert tag == ["pulumi", "stack", "tag", "set", "commit", "abc", "--stack", "dev"]
    runner.answer("pulumi", "up", status=255)
    failed = runner.run(step("deploy-environment", "Deploy"), values)
    assert (failed.status, len(failed.calls)) == (255, 1), "what failed is not what is deployed"


def test_around_a_deployment_stand_the_contract_the_doctor_the_rollout_and_the_books() -> None:
    names = [
        each.body["run"].replace("\n", " ")
        for each in steps()
        if (each.file, each.job) == ("deploy-environment", "deploy") and "run" in each.body
    ]
    order = ["contract check", "doctor --env", "pulumi up", "rollout --env", "audit --env"]
    places = [next(at for at, text in enumerate(names) if word in text) for word in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Ask whether BigQuery would take the event classes in place", ["contract", "check"]),
        ("Look for what would stop the deployment", ["doctor", "--env", "dev"]),
        ("Move traffic to new versions, step by step where the settings say so", ["rollout", "--env", "dev"]),
        ("Balance the books", ["audit", "--env", "dev", "--since", "1h"]),
    ],
)
def test_what_a_command_finds_stops_the_deployment(name: str, call: list[str], runner: Runner) -> None:
    runner.answer("sluice", status=1)
    ran = runner.run(step("deploy-environment", name), IN_DEV)
    assert (ran.status, ran.calls) == (1, [["sluice", *call]])


def test_an_older_commit_is_refused_a_newer_one_and_the_first_are_not(runner: Runner) -> None:
    older = runner.commit("Older")
    runner.commit("Newer")
    guard = step("deploy-environment", "Refuse what is older than what is deployed")
    runner.answer("pulumi", "stack", "tag", "get", "commit", "--stack", "dev", said=older)
    assert runner.run(guard, IN_DEV).status == 0
    newer = runner.git("rev-parse", "HEAD").strip()
    runner.git("checkout", "--quiet", older)
    runner.answers[0] = (runner.answers[0][0], 0, newer)
    refused = runner.run(guard, IN_DEV)
    assert refused.status == 1
    assert f"::error::dev has {newer}, which is not part of this commit" in refused.printed
    runner.answers[0] = (runner.answers[0][0], 255, "error: no credentials\n")
    unasked = runner.run(guard, IN_DEV)
    assert (unasked.status, unasked.printed) == (1, "error: no credentials\n"), "an older one could pass"
    runner.answers[0] = (runner.answers[0][0], 255, NO_TAG)
    first = runner.run(guard, IN_DEV)
    assert first.status == 0
    assert "first deployment from here" in first.printed


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (7, 0), (255, 255)])
def test_drift_is_sought_against_the_commit_that_is_deployed(status: int, ends: int, runner: Runner) -> None:
    file = runner.workspace / "program"
    file.write_text("deployed")
    deployed = runner.commit("Deployed")
    file.write_text("merged, and waits for approval")
    runner.commit("Merged")
    runner.answer("pulumi", "stack", "tag", "get", said=deployed)
    runner.answer("pulumi", "preview", status=status, said=PREVIEWS)
    ran = runner.run(step("drift", "Compare with what was deployed"), IN_DEV)
    assert ran.status == ends, ran.printed
    assert ran.calls[1] == ["make", "setup", "policies"]
    assert {"--refresh", "--expect-no-changes", "--non-interactive"} <= set(ran.calls[2])
    assert file.read_text() == "deployed"
    assert (runner.workspace / "drift" / "drift-dev.status").read_text() == f"{status}\n"
    assert (runner.workspace / "drift" / "drift-dev.txt").read_text() == PREVIEWS


def test_an_environment_that_says_no_commit_is_compared_with_the_main_branch(runner: Runner) -> None:
    drift = step("drift", "Compare with what was deployed")
    runner.answer("pulumi", "stack", "tag", "get", status=255, said="error: no credentials\n")
    assert runner.run(drift, IN_DEV).status == 1
    (runner.workspace / "drift").rmdir()
    runner.answers[0] = (runner.answers[0][0], 255, NO_TAG)
    ran = runner.run(drift, IN_DEV)
    assert ran.status == 0, ran.printed
    assert [call[:2] for call in ran.calls] == [["pulumi", "stack"], ["pulumi", "preview"]]


def test_new_pins_are_handed_over_as_a_patch(runner: Runner) -> None:
    lock = runner.workspace / "requirements.lock"
    lock.write_text("pulumi==3.272.0\n")
    runner.commit("Pin")
    lock.write_text("pulumi==3.273.0\n")
    ran = runner.run(
        step("dependencies", "Pin the newest allowed versions"), RUNNER_TEMP=str(runner.workspace)
    )
    assert (ran.status, ran.calls) == (0, [["make", "setup", "lock"]])
    assert "+pulumi==3.273.0" in (runner.workspace / "lock.patch").read_text()


def test_new_pins_become_one_pull_request_with_its_checks_and_nothing_else_gets_in(runner: Runner) -> None:
    lock, program = runner.workspace / "requirements.lock", runner.workspace / "program"
    lock.write_text("pulumi==3.272.0\n")
    program.write_text("good\n")
    runner.commit("Pin")
    lock.write_text("pulumi==3.273.0\n")
    program.write_text("bad\n")
    patch = runner.workspace.parent / "lock.patch"
    patch.write_text(runner.git("diff"))
    runner.git("checkout", "--quiet", ".")
    remote = runner.workspace.parent / "remote.git"
    runner.git("init", "--quiet", "--bare", str(remote))
    runner.git("config", f"url.{remote}.insteadOf", "https://github.com/example/analytics.git")
    values = {"github.token": "token", "github.repository": "example/analytics"}
    ran = runner.run(step("dependencies", "Propose what changed"), values, RUNNER_TEMP=str(patch.parent))
    assert ran.status == 0, ran.printed
    assert (
        runner.git("--git-dir", str(remote), "show", "dependencies:requirements.lock") == "pulumi==3.273.0\n"
    )
    assert runner.git("--git-dir", str(remote), "show", "dependencies:program") == "good\n"
    assert [call[1:3] for call in ran.calls[:2]] == [["pr", "list"], ["pr", "create"]]
    assert [call[1:4] for call in ran.calls[2:]] == [
        ["workflow", "run", "checks.yml"],
        ["workflow", "run", "plan.yml"],
    ]


def test_without_new_pins_there_is_no_pull_request(runner: Runner) -> None:
    (runner.workspace / "lock.patch").touch()
    values = {"github.token": "token", "github.repository": "example/analytics"}
    ran = runner.run(step("dependencies", "Propose what changed"), values, RUNNER_TEMP=str(runner.workspace))
    assert (ran.status, ran.calls) == (0, [])
