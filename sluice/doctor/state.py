"""Where Pulumi keeps its state: whether the backend answers, and what it says of the stack."""

from collections.abc import Iterator

from sluice.doctor.case import Case
from sluice.doctor.finding import Finding
from sluice.errors import EnvironmentProblem

STATE = "state"


def state(case: Case) -> Iterator[Finding]:
    """Ask the backend who it is, and whether the stack is there, free, and not left in the middle."""
    if case.cli is None:
        return
    try:
        where = case.cli.backend()
        stacks = case.cli.stacks()
    except EnvironmentProblem as error:
        yield Finding.problem(
            STATE,
            f"the state backend does not answer: {error}",
            "nothing can be deployed, and nobody can say what is",
            "pulumi login s3://BUCKET?region=REGION (docs/deploy.md, step 3)",
        )
        return
    yield Finding.ok(STATE, f"kept at {where or 'the backend that is logged in to'}")
    stack = next((each for each in stacks if each.name == case.env), None)
    if stack is None:
        there = ", ".join(each.name for each in stacks) or "none"
        yield Finding.problem(
            STATE,
            f"there is no stack {case.env} in this project; there are: {there}",
            "`pulumi up` has nowhere to keep what it makes",
            f"pulumi stack init {case.env} --secrets-provider awskms://alias/NAME?region={case.region}",
        )
        return
    if stack.updating:
        yield Finding.problem(
            STATE,
            f"an update of stack {case.env} is under way, or was cut off",
            "`pulumi up` refuses to begin another",
            f"wait for it; if nobody runs one: pulumi cancel --stack {case.env}",
        )
    deployment = case.cli.state(case.env)
    pending = deployment.get("pending_operations") or []
    if pending:
        what = ", ".join(f"{each.get('type')} {_called(each)}" for each in pending[:3])
        yield Finding.warning(
            STATE,
            f"operations of a cut off update are still open: {what}",
            "what they made may exist twice, or may not be known to the state",
            f"pulumi refresh --stack {case.env}",
        )
    held = len(deployment.get("resources") or [])
    yield Finding.ok(
        STATE, f"stack {case.env} has {held} resources" if held else f"stack {case.env} is empty"
    )


def _called(operation: dict[str, object]) -> str:
    resource = operation.get("resource")
    urn = str(resource.get("urn", "")) if isinstance(resource, dict) else ""
    return urn.rpartition("::")[2]
