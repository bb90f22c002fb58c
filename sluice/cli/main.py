"""The `sluice` command: its subcommands, and how every one of them ends.

Nothing heavy is imported here or at the head of a command's module, so that `--help` answers at once.
"""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import (
    alarms,
    audit,
    consumers,
    contract,
    cost,
    demo,
    destroy_check,
    discover,
    dlq,
    doctor,
    graph,
    local,
    package,
    probe,
    produce,
    query,
    reconcile,
    report,
    rollout,
    routes,
    search,
    windows,
)
from sluice.cli.entry import STOPPED
from sluice.errors import SluiceError

EXIT_CODES = """\b
Exit status:
  0    done; for demo and audit also: the books balance
  1    something is wrong: the books, records not placed, an alarm, a broken rule, a package
  2    called wrongly: an option, a file, the pipeline, the settings, the SQL
  3    something outside is missing, taken or unreachable
  130  stopped with Ctrl-C
"""

ORDER = (
    "demo",
    "local",
    "produce",
    "query",
    "search",
    "windows",
    "report",
    "dlq",
    "audit",
    "reconcile",
    "alarms",
    "rollout",
    "contract",
    "discover",
    "routes",
    "consumers",
    "graph",
    "cost",
    "doctor",
    "destroy-check",
    "package",
    "probe",
)
"""As a newcomer meets them."""

OUTSIDE = {"botocore": "AWS", "google": "Google Cloud", "requests": "HTTP", "urllib3": "HTTP"}
"""Libraries whose errors tell of the world outside, and what to call it."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""What a disk answers that is full, may not be written, or is broken."""

app = typer.Typer(
    name="sluice",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("local", epilog=local.EXAMPLE)(local.local)
app.command("produce", epilog=produce.EXAMPLE)(produce.produce)
app.command("query", epilog=query.EXAMPLE)(query.query)
app.command("search", epilog=search.EXAMPLE)(search.search)
app.command("windows", epilog=windows.EXAMPLE)(windows.windows)
app.command("reconcile", epilog=reconcile.EXAMPLE)(reconcile.reconcile)
app.command("report", epilog=report.EXAMPLE)(report.report)
app.add_typer(dlq.app, name="dlq")
app.command("audit", epilog=audit.EXAMPLE)(audit.audit)
app.command("alarms", epilog=alarms.EXAMPLE)(alarms.alarms)
app.command("rollout", epilog=rollout.EXAMPLE)(rollout.rollout)
app.add_typer(contract.app, name="contract")
app.command("discover", epilog=discover.EXAMPLE)(discover.discover)
app.command("routes", epilog=routes.EXAMPLE)(routes.routes)
app.add_typer(consumers.app, name="consumers")
app.command("graph", epilog=graph.EXAMPLE)(graph.graph)
app.command("doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.command("destroy-check", epilog=destroy_check.EXAMPLE)(destroy_check.destroy_check)
app.command("probe", epilog=probe.EXAMPLE)(probe.probe)
app.command("cost", epilog=cost.EXAMPLE)(cost.cost)
app.command("package", epilog=package.EXAMPLE)(package.package)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"sluice {version('sluice')}\n")
        raise typer.Exit


@app.callback(epilog=EXIT_CODES)
def sluice(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Run a streaming analytics pipeline: on this machine, or in your accounts.

    Start with `sluice demo`: it needs no account, and shows all of it working.
    """
    del version
    if debug:
        os.environ["SLUICE_DEBUG"] = "1"


def command() -> Any:
    """Return the whole command tree, every part of it with plain help text."""
    root: Any = typer.main.get_command(app)
    todo = [root]
    while todo:
        each = todo.pop()
        each.rich_markup_mode = None
        todo += getattr(each, "commands", {}).values()
    root.commands = {name: root.commands[name] for name in ORDER}
    return root


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status; errors become one line on stderr.

    Anything unexpected is told in one line too; `--debug` shows the traceback instead.
    """
    os.environ.pop("SLUICE_DEBUG", None)
    try:
        result = command().main(args=arguments or ["--help"], prog_name="sluice", standalone_mode=False)
    except SluiceError as error:
        return _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        return _fail(_usage(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        result = STOPPED
    except (BrokenPipeError, SystemExit):
        # Whoever read the output has left, as `head` does (typer leaves for no other reason): nothing more to
        # say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("SLUICE_DEBUG"):
            raise
        return _fail(*_unexpected(error))
    if result == STOPPED:
        sys.stderr.write("stopped\n")
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "sluice"
    return f"{error.format_message().strip().rstrip('.')}; `{path} --help` shows how"


def _unexpected(error: Exception) -> tuple[str, int]:
    """Return the line and the status for an error that Sluice did not raise itself."""
    source = type(error).__module__.partition(".")[0]
    if source in OUTSIDE:
        return f"{OUTSIDE[source]}: {error}", 3
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return f"{error.filename or 'the output'} cannot be written: {error.strerror}", 3
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f" ({where.tb_frame.f_code.co_filename}:{where.tb_lineno})" if where else ""
    return f"unexpected {type(error).__name__}: {error}{place}; `sluice --debug ...` shows more", 1


def _fail(message: str, status: int) -> int:
    if message:
        from sluice.cli.output import printable

        sys.stderr.write(f"error: {printable(' '.join(message.split()))}\n")
    return status


def main() -> None:
    """Enter from the console script."""
    # A shell starts a job in the background with Ctrl-C's signal ignored; whoever sends it means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A stream that the caller has closed is none at all; what goes there is wanted by nobody.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        # A name from the data must not end the command on a terminal that cannot show it.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # the real streams are text wrappers
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
