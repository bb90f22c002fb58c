"""Asking Athena about the lake, in the command line's own terms."""

from typing import TYPE_CHECKING

from sluice.cli.answers import Answer
from sluice.cli.progress import stages
from sluice.errors import NoCloud

if TYPE_CHECKING:
    from sluice.cli.target import Target
    from sluice.lake.athena import Athena

MIB = 1024**2


def athena_of(target: "Target") -> "Athena":
    """Return Athena in the lake's workgroup; names without a database are the analysts' views.

    Raises:
        NoCloud: the target has no lake.
    """
    from sluice.lake.athena import Athena

    lake = target.outputs.lake
    if lake is None:
        raise NoCloud(
            f"{target.where} has no lake: set `sluice:lake: {{enabled: true}}` in "
            f"Pulumi.{target.outputs.environment}.yaml and deploy"
        )
    return Athena(
        client=target.athena,
        workgroup=lake.workgroup,
        database=lake.views_database,
        where=f"Athena at {target.where}",
    )


def ask_lake(target: "Target", sql: str, most_bytes: int | None = None, *, quiet: bool = True) -> Answer:
    """Run a query in Athena's SQL; says how far it is on stderr unless `quiet`.

    Raises:
        QueryError: Athena refuses the SQL, or it read more than `most_bytes`.
        EnvironmentProblem: Athena does not answer.
        NoCloud: the target has no lake.
    """
    athena = athena_of(target)
    with stages(quiet=quiet) as shown, shown.stage("asking Athena") as stage:
        found = athena.ask(
            sql,
            most_bytes=most_bytes,
            on_progress=lambda _, scanned: stage.update(0, note=f"{scanned / MIB:,.1f} MiB read"),
        )
        stage.finish(f"{found.bytes_scanned / MIB:,.1f} MiB read")
    return Answer(found.columns, found.rows, found.bytes_scanned)
