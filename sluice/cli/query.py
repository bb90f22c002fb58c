"""`sluice query`: SQL over the analysts' views."""

from typing import Annotated

import typer

from sluice.cli.options import Env, Json
from sluice.errors import UsageError

EXAMPLE = """\b
Examples:
  sluice query "SELECT COUNT(*) AS searches FROM search"
  sluice query "SELECT username, SUM(amount) AS spent FROM transaction GROUP BY username" --json
  sluice query "SELECT kind, reason, COUNT(*) AS n FROM dead_letters GROUP BY 1, 2" --env dev
"""

GIB = 1024**3


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One query in BigQuery's SQL, or - for stdin.")],
    *,
    most_gib: Annotated[
        float,
        typer.Option(
            "--most-gib", metavar="G", help="With --env: refuse a query that would read more than this."
        ),
    ] = 10,
    env: Env = None,
    json: Json = False,
) -> None:
    """Ask BigQuery: the local one, or a deployed stack's.

    Names without a dataset are the analysts' views: one per event type, without duplicates, and dead_letters.
    The local BigQuery answers as BigQuery would, or says what it does not support.
    """
    import sys

    from sluice.cli.answers import ask
    from sluice.cli.options import positive
    from sluice.cli.output import console, plural, print_json, print_rows
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    positive("--most-gib", most_gib)
    if sql == "-":
        sql = sys.stdin.read() if sys.stdin else ""
    if not sql.strip():
        raise UsageError('query: no SQL; try `sluice query "SELECT COUNT(*) AS searches FROM search"`')
    target = Target.find(find_root(), env)
    answer = ask(target, sql, most_bytes=None if target.is_local else int(most_gib * GIB))
    if json:
        print_json(answer.documents())
        return
    out = console()
    if answer.columns:
        print_rows(out, answer.columns, answer.rows)
    out.print(plural(len(answer.rows), "row"), style="dim")
