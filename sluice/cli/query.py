"""`sluice query`: SQL over the analysts' views, in BigQuery or in the lake."""

from typing import Annotated

import typer

from sluice.cli.options import Env, Json
from sluice.errors import UsageError

EXAMPLE = """\b
Examples:
  sluice query "SELECT COUNT(*) AS searches FROM search"
  sluice query "SELECT username, SUM(amount) AS spent FROM transaction GROUP BY username" --json
  sluice query "SELECT kind, reason, COUNT(*) AS n FROM dead_letters GROUP BY 1, 2" --env dev
  sluice query --lake "SELECT tag, COUNT(*) AS n FROM search CROSS JOIN UNNEST(tags) AS t(tag) GROUP BY tag"
"""

GIB = 1024**3


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One query, or - for stdin.")],
    *,
    lake: Annotated[
        bool, typer.Option("--lake", help="Ask Athena about the lake, in Athena's SQL, instead of BigQuery.")
    ] = False,
    most_gib: Annotated[
        float,
        typer.Option(
            "--most-gib",
            metavar="G",
            help="With --env: refuse a query that would read more than this; Athena stops it when it has.",
        ),
    ] = 10,
    env: Env = None,
    json: Json = False,
) -> None:
    """Ask BigQuery, or with --lake Athena: the local ones, or a deployed stack's.

    Names without a dataset or database are the analysts' views: one per event type, without duplicates; in
    BigQuery also dead_letters. The local ones answer as the real ones would, or say what they do not support.
    """
    import sys

    from sluice.cli.answers import ask
    from sluice.cli.lake import ask_lake
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
    most_bytes = None if target.is_local else int(most_gib * GIB)
    answer = (
        ask_lake(target, sql, most_bytes, quiet=json) if lake else ask(target, sql, most_bytes=most_bytes)
    )
    if json:
        print_json(answer.documents())
        return
    out = console()
    if answer.columns:
        print_rows(out, answer.columns, answer.rows)
    out.print(plural(len(answer.rows), "row"), style="dim")
