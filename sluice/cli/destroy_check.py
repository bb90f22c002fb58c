"""`sluice destroy-check`: what data would go with an environment."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Json
from sluice.cli.output import console, plural, print_json, printable
from sluice.errors import EnvironmentProblem, NoCloud

if TYPE_CHECKING:
    from rich.console import Console

    from sluice.doctor.aws import Aws
    from sluice.teardown.losses import Held, Losses
    from sluice.teardown.sizes import Size

EXAMPLE = """\b
Examples:
  sluice destroy-check --env dev
  sluice destroy-check --env prod --json
"""
_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEP = 1000

Stack = Annotated[str, typer.Option("--env", metavar="STACK", help="The deployed Pulumi stack to look at.")]


def destroy_check(*, env: Stack, json: Json = False) -> int:
    """List what data would go with `pulumi destroy`, what guards it, what stays, and in which order to go.

    Asks Pulumi's state what is deployed, and both clouds how much it holds; nothing is changed. Exit status 1
    when data would go, or when that cannot be told.
    """
    from sluice.cli.project import find_root
    from sluice.doctor.aws import Aws
    from sluice.doctor.google import Google
    from sluice.doctor.pulumi_cli import required_cli
    from sluice.local.config import stack_config
    from sluice.teardown.deployed import deployed
    from sluice.teardown.losses import losses

    root = find_root()
    settings = {key.rpartition(":")[2]: value for key, value in stack_config(root, env, {}).values.items()}
    cli = required_cli(root, env)
    try:
        state, exports = cli.state(env), cli.outputs(env)
    except NoCloud as error:
        raise NoCloud(f"--env {env}: {error}; `pulumi stack ls` lists the stacks that exist") from error
    aws = Aws(str(settings.get("aws_region", "us-east-1")))
    _check_account(aws, str(settings.get("aws_account_id", "")), env)
    google = Google(str(settings.get("google_project", "")))
    found = losses(deployed(state), exports, aws=aws, google=google)
    if json:
        print_json(_document(env, found))
    else:
        _show(env, found)
    return 1 if found.going else 0


def _check_account(aws: "Aws", account: str, env: str) -> None:
    """Refuse to count what lies in another account."""
    try:
        _, whose = aws.caller()
    except EnvironmentProblem as error:
        raise EnvironmentProblem(f"{error}: `sluice doctor --env {env}` says what to do") from error
    if whose != account:
        raise EnvironmentProblem(
            f"the AWS credentials are of account {whose}, and {env} belongs to {account}: "
            f"sign in to {account}; `sluice doctor --env {env}` says more"
        )


def _document(env: str, found: "Losses") -> dict[str, Any]:
    from sluice.teardown.order import steps

    return {
        "environment": env,
        "data_would_go": bool(found.going),
        "protected_resources": found.protected,
        "held": [_held(each) for each in found.held],
        "stays": list(found.staying),
        "cannot_come_back": list(found.lost),
        "steps": [{"do": what, "command": command} for what, command in steps(env, found)],
    }


def _held(each: "Held") -> dict[str, Any]:
    size = each.size
    return {
        "kind": each.kind,
        "name": each.name,
        "count": size.count if size else None,
        "unit": size.unit if size else None,
        "at_least": bool(size and size.at_least),
        "bytes": size.bytes if size else None,
        "oldest": size.oldest if size else None,
        "guards": list(each.guards),
        "stays": each.stays,
        "would_go": each.would_go,
        "unknown": each.unknown or None,
    }


def _show(env: str, found: "Losses") -> None:
    from rich.text import Text

    from sluice.teardown.order import steps

    out = console()
    going = found.going
    if going:
        out.print(Text(f"With {env} would go the data of {plural(len(going), 'thing')}:\n", style="bold"))
        _table(out, going)
    else:
        out.print(Text(f"No data would go with {env}: nothing that it has holds any.", style="bold"))
    empty = [each.name for each in found.held if not each.would_go and not each.stays]
    if empty and going:
        out.print(Text(f"\nEmpty: {', '.join(empty)}.", style="dim"))
    for title, lines in (("It stays:", found.staying), ("Cannot be had back, or not for weeks:", found.lost)):
        if lines:
            _lines(out, title, [printable(line) for line in lines])
    out.print(Text("\nIn this order:", style="bold"))
    for number, (what, command) in enumerate(steps(env, found), start=1):
        out.print(f"{number:>3}. {what}")
        if command:
            out.print(Text(f"       {command}", style="cyan"), soft_wrap=True)


def _table(out: "Console", going: "list[Held]") -> None:
    from rich.text import Text

    from sluice.cli.output import grid

    table = grid()
    table.add_column("what", overflow="fold")
    table.add_column("holds", justify="right")
    table.add_column("bytes", justify="right")
    table.add_column("oldest")
    table.add_column("guarded by", overflow="fold")
    for each in going:
        size = each.size
        oldest = size.oldest.strftime("%Y-%m-%d") if size and size.oldest else ""
        guards = ", ".join(each.guards)
        table.add_row(
            Text(printable(each.name)).append(f"\n{each.kind}", style="dim"),
            Text(_holds(size)),
            Text(_amount(size.bytes or None) if size else ""),
            Text(oldest),
            Text(guards or "nothing", style="" if guards else "yellow"),
        )
    out.print(table)
    reasons: dict[str, list[str]] = {}
    for each in going:
        if each.unknown:
            reasons.setdefault(printable(each.unknown), []).append(each.name)
    for reason, names in reasons.items():
        out.print(Text(f"\nCould not look into {', '.join(names)}: {reason}", style="yellow"))


def _holds(size: "Size | None") -> str:
    """Write how many there are; what has no number of things is told in bytes alone."""
    if size is None or size.count is None:
        return "unknown"
    if not size.unit:
        return ""
    counted = plural(size.count, size.unit.removesuffix("s"))
    return f"more than {counted}" if size.at_least else counted


def _lines(out: "Console", title: str, lines: list[str]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out.print(Text(f"\n{title}", style="bold"))
    for line in lines:
        out.print(Padding(Text(line), (0, 0, 0, 2), expand=False))


def _amount(size: int | None) -> str:
    """Write a number of bytes with three digits at most."""
    if size is None:
        return ""
    number, unit = float(size), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 else f"{number:.3g} {_UNITS[unit]}"
