import threading
from collections.abc import Iterator

import pytest
from botocore.exceptions import EndpointConnectionError

from sluice.doctor.case import Case
from sluice.doctor.examination import Check, examine
from sluice.doctor.finding import Finding, Level
from sluice.errors import EnvironmentProblem
from tests.unit.doctor.cases import case


def check(name: str, *found: Finding, needs: tuple[str, ...] = ()) -> Check:
    return Check(name=name, looks_at=f"the {name}", run=lambda _: found, needs=needs)


def failing(name: str, error: Exception) -> Check:
    def run(_: Case) -> Iterator[Finding]:
        yield Finding.ok(name, "so far")
        raise error

    return Check(name=name, looks_at=f"the {name}", run=run)


def test_findings_come_in_the_order_of_the_checks() -> None:
    checks = [
        check("later", Finding.ok("later", "b"), needs=("first",)),
        check("first", Finding.ok("first", "a")),
    ]
    assert [one.cause for one in examine(case(), checks)] == ["b", "a"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (EnvironmentProblem("nobody answers"), "could not look at the x: nobody answers"),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
            "could not look at the x: AWS: Could not",
        ),
        (ZeroDivisionError("by\nzero"), "could not look at the x: ZeroDivisionError: by zero"),
    ],
)
def test_a_failing_check_hides_no_other(error: Exception, says: str) -> None:
    found = examine(case(), [failing("x", error), check("y", Finding.ok("y", "well"))])
    assert [(one.check, one.level) for one in found] == [("x", Level.unknown), ("y", Level.ok)]
    assert found[0].cause.startswith(says)


def test_a_check_whose_needs_are_not_met_is_told_and_not_run() -> None:
    bad = Finding.problem("account", "wrong", "nothing works", "sign in")
    checks = [
        check("account", bad),
        check("quotas", Finding.ok("quotas", "well"), needs=("account",)),
        check("tools", Finding.ok("tools", "well")),
    ]
    found = examine(case(), checks)
    assert [one.level for one in found] == [Level.problem, Level.unknown, Level.ok]
    assert found[1].cause == "not looked at: the quotas; there is a problem with account"


def test_a_check_that_takes_too_long_is_given_up() -> None:
    never = threading.Event()

    def wait(_: Case) -> list[Finding]:
        never.wait()
        return []

    found = examine(
        case(),
        [Check(name="slow", looks_at="a far cloud", run=wait), check("y", Finding.ok("y", "well"))],
        seconds=0.05,
    )
    never.set()
    assert [one.level for one in found] == [Level.unknown, Level.ok]
    assert "no answer in time: a far cloud" in found[0].cause
