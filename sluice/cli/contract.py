"""`sluice contract`: what is made of the event classes, and whether a change to them can be deployed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.contract_forms import DOCUMENTS, STATEMENTS, Format
from sluice.cli.options import Json, PipelineFile
from sluice.cli.output import console, grid, plural, print_json
from sluice.errors import ContractError, UsageError

if TYPE_CHECKING:
    from sluice.contract import Contract, EventType
    from sluice.contract.columns import Column
    from sluice.contract.evolution import Finding

SHOW_EXAMPLE = """\b
Examples:
  sluice contract show
  sluice contract show search --format bigquery
  sluice contract show search --format redshift > search.sql
  sluice contract show --format json-schema > events.schema.json
"""
SNAPSHOT_EXAMPLE = """\b
Example:
  sluice contract snapshot && git add contract.lock.json
"""
CHECK_EXAMPLE = """\b
Example:
  sluice contract check --json
"""

app = typer.Typer(
    name="contract",
    rich_markup_mode=None,
    help="Show the event types, and check a change to them before it is deployed.",
)


@app.command("show", epilog=SHOW_EXAMPLE)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="One event type.  [default: all]")
    ] = None,
    *,
    shown: Annotated[
        Format,
        typer.Option(
            "--format",
            help="Columns; BigQuery's schema; OpenSearch's mapping; Iceberg's schema and Athena's view; "
            "Redshift's and Snowflake's statements; JSON Schema; an event as it is sent.",
        ),
    ] = Format.columns,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> None:
    """Show what is made of each event class: its table, its columns and their rules."""
    contract, _ = _load(pipeline)
    if name is not None and name not in contract.types:
        raise UsageError(f"{name}: no such event type; the pipeline has {', '.join(contract.types)}")
    kinds = [kind for kind in contract.types.values() if name in (None, kind.name)]
    if json:
        print_json({"types": [_document(contract, kind) for kind in kinds]})
    elif shown is Format.columns:
        for kind in kinds:
            _print_type(kind)
    elif shown is Format.example:
        for kind in kinds:
            sys.stdout.write(_example(contract, kind).decode() + "\n")
    elif shown in STATEMENTS:
        sys.stdout.write("\n\n".join(STATEMENTS[shown](kind) for kind in kinds) + "\n")
    elif shown is Format.json_schema and name is None:
        from sluice.contract.json_schema import json_schema

        print_json(json_schema(contract))
    else:
        documents = {kind.table: DOCUMENTS[shown](kind) for kind in kinds}
        print_json(documents if name is None else documents[kinds[0].table])


@app.command("snapshot", epilog=SNAPSHOT_EXAMPLE)
def snapshot(
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Write it even though the change cannot be deployed in place.")
    ] = False,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> int:
    """Write the contract to contract.lock.json, which is committed beside the pipeline.

    A change that `sluice contract check` refuses is not written without --force.
    """
    from sluice.contract.evolution import Severity, check
    from sluice.contract.snapshot import read_snapshot, render, snapshot_file
    from sluice.contract.snapshot import snapshot as take

    contract, file = _load(pipeline)
    path, document = snapshot_file(file), take(contract)
    if path.exists() and not force:
        refused = [one for one in check(read_snapshot(path), document) if one.severity is Severity.REFUSE]
        if refused:
            _print_findings(refused, stderr=True)
            raise ContractError(
                f"{path.name} stays as it is: {plural(len(refused), 'change')} cannot be deployed in place; "
                f"mend the contract, or repeat with --force after doing what is said above"
            )
    try:
        path.write_text(render(document), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    if json:
        print_json(document)
    else:
        sys.stdout.write(f"{path}: {plural(len(contract.types), 'event type')}\n")
    return 0


@app.command("check", epilog=CHECK_EXAMPLE)
def check(*, pipeline: PipelineFile = None, json: Json = False) -> int:
    """Compare the contract with its snapshot, and refuse what BigQuery could not change in place.

    Exit status 1 when a change is refused, each with the reason and what to do instead.
    """
    from dataclasses import asdict

    from sluice.contract.evolution import Severity
    from sluice.contract.evolution import check as compare
    from sluice.contract.snapshot import read_snapshot, snapshot_file
    from sluice.contract.snapshot import snapshot as take

    contract, file = _load(pipeline)
    path = snapshot_file(file)
    findings = compare(read_snapshot(path), take(contract))
    refused = sum(one.severity is Severity.REFUSE for one in findings)
    if json:
        print_json({"ok": not refused, "snapshot": str(path), "findings": [asdict(one) for one in findings]})
    elif not findings:
        sys.stdout.write(f"The contract is as in {path.name}.\n")
    else:
        _print_findings(findings)
        noted = len(findings) - refused
        sys.stdout.write(f"\n{plural(refused, 'change')} refused, {noted} that can be deployed.\n")
        if noted and not refused:
            sys.stdout.write("Commit them with `sluice contract snapshot`.\n")
    return 1 if refused else 0


def _load(given: Path | None) -> "tuple[Contract, Path]":
    from sluice.cli.project import checked_pipeline, find_root, pipeline_file

    file = pipeline_file(find_root(), given)
    return checked_pipeline(file).contract, file


def _document(contract: "Contract", kind: "EventType") -> dict[str, Any]:
    from json import loads

    return {
        "type": kind.name,
        "table": kind.table,
        "description": kind.description,
        "id": kind.id_column,
        "version": kind.version_column,
        "time": kind.time_column,
        "partition": kind.partition,
        "cluster": list(kind.cluster),
        **{str(form): DOCUMENTS[form](kind) for form in (Format.bigquery, Format.opensearch)},
        "json_schema": DOCUMENTS[Format.json_schema](kind),
        "example": loads(_example(contract, kind)),
    }


def _example(contract: "Contract", kind: "EventType") -> bytes:
    """An event of this type as a producer would send it."""
    from datetime import UTC, datetime

    from sluice.contract.fake import fake_events

    now = datetime.now(UTC).replace(microsecond=0)
    return contract.encode(next(fake_events(contract, seed=1, start=now, only=kind.name)))


def _print_type(kind: "EventType") -> None:
    from rich.text import Text

    out = console()
    out.print(Text(kind.name, style="bold"), end="  ")
    out.print(Text(" ".join(kind.description.split())))
    table = grid()
    for title in ("column", "type", "mode", "rules"):
        table.add_column(title)
    table.add_column("description", overflow="fold")
    for depth, column in _walk(kind.columns, 0):
        role = _role(kind, column) if depth == 0 else ""
        table.add_row(
            Text("  " * depth + column.name, style="dim" if column.spec.retired else ""),
            _type_name(column),
            str(column.mode).lower(),
            Text("\n".join(filter(None, (role, *_rules(column)))), style="cyan"),
            Text(column.description),
        )
    out.print(table)
    cluster = f", clustered by {', '.join(kind.cluster)}" if kind.cluster else ""
    out.print(Text(f"table {kind.table}, partitioned by {kind.partition}{cluster}\n", style="dim"))


def _walk(columns: "tuple[Column, ...]", depth: int) -> "list[tuple[int, Column]]":
    found: list[tuple[int, Column]] = []
    for column in columns:
        found += [(depth, column), *_walk(column.columns, depth + 1)]
    return found


def _type_name(column: "Column") -> str:
    from sluice.contract.bigquery import type_name

    return type_name(column)


def _role(kind: "EventType", column: "Column") -> str:
    roles = {
        kind.id_column: "the event's id",
        kind.time_column: "the event time",
        kind.version_column: "the event's version",
    }
    return roles.get(column.name, "")


def _rules(column: "Column") -> list[str]:
    rules = [f"{name} {value}" for name, value in column.spec.constraints().items() if name != "bignumeric"]
    if column.choices:
        rules.append(" | ".join(str(choice) for choice in column.wire_choices))
    return rules


def _print_findings(findings: "list[Finding]", *, stderr: bool = False) -> None:
    from rich.text import Text

    from sluice.contract.evolution import Severity

    out = console(stderr=stderr)
    for one in findings:
        refused = one.severity is Severity.REFUSE
        head = Text("refused  " if refused else "noted    ", style="bold red" if refused else "green")
        out.print(head.append(f"{one.where}: {one.what}", style="default"))
        for label, text in (("why", one.why), ("instead", one.instead)):
            if text:
                out.print(Text(f"         {label}: {text}", style="dim"), soft_wrap=True)
