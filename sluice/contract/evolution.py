"""What changed between two snapshots, and what of it BigQuery or its Pulumi provider cannot do in place.

Sources, as of 2025: cloud.google.com/bigquery/docs/managing-table-schemas (columns may be added as NULLABLE
or REPEATED, REQUIRED may become NULLABLE, a new RECORD may hold REQUIRED fields) and the provider's source,
resource_bigquery_table.go (another type or mode, a REQUIRED addition, a nested removal and another partition
field replace the table; a removed top-level column is dropped in place; clustering is updated in place).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_WIDER = {
    "INTEGER": ("NUMERIC", "BIGNUMERIC", "FLOAT"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT"),
    "BIGNUMERIC": ("FLOAT",),
}
"""What ALTER COLUMN SET DATA TYPE converts without loss of rows (not of precision, for FLOAT)."""
_SQL_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64"}


class Severity(StrEnum):
    """Whether a change may be deployed."""

    REFUSE = "refuse"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One change. `why` and `instead` are empty for a change that just works."""

    severity: Severity
    where: str
    what: str
    why: str = ""
    instead: str = ""


def check(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Compare two snapshots; what must not be deployed comes first."""
    findings: list[Finding] = []
    before, after = old["types"], new["types"]
    for name, kind in before.items():
        if name in after:
            findings += _types(name, kind, after[name])
        else:
            findings.append(_gone(name, kind))
    findings += [
        Finding(Severity.NOTE, name, f"new event type; its table `{kind['table']}` will be created")
        for name, kind in after.items()
        if name not in before
    ]
    return sorted(findings, key=lambda finding: finding.severity is not Severity.REFUSE)


def _gone(name: str, kind: Mapping[str, Any]) -> Finding:
    return Finding(
        Severity.REFUSE,
        name,
        "the event type is gone",
        f"the deployment would delete the table `{kind['table']}` with its rows, and records still in the "
        "stream would become dead letters",
        "keep the class for as long as its rows matter; to part with them for good, export the table, then "
        "write the snapshot anew with --force",
    )


def _types(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    if old["table"] != new["table"]:
        yield Finding(
            Severity.REFUSE,
            name,
            f"the table is renamed from `{old['table']}` to `{new['table']}`",
            "the provider would delete the one with all its rows, and create the other, empty",
            f"keep table={old['table']!r}, and give analysts another name with a view of their own",
        )
    for key, words in (("time", "event time"), ("partition", "partitioning")):
        if old[key] != new[key]:
            yield Finding(
                Severity.REFUSE,
                name,
                f"the {words} changes from {old[key]} to {new[key]}",
                "a table's partitioning is fixed when it is created; the provider would replace the table",
                "declare a new event type with a table of its own, and bring the two together in a view",
            )
    if old["id"] != new["id"]:
        yield Finding(
            Severity.NOTE,
            name,
            f"the id changes from {old['id'] or 'none'} to {new['id'] or 'none'}",
            "rows keep the id they were written with: an event sent before and after the change counts twice",
        )
    yield from _version(name, old.get("version"), new.get("version"))
    if old["cluster"] != new["cluster"]:
        yield Finding(
            Severity.NOTE,
            name,
            f"clustering changes from {_listed(old['cluster'])} to {_listed(new['cluster'])}",
            "changed in place, but BigQuery orders only rows that are written from then on",
        )
    yield from _columns(name, old["columns"], new["columns"], table=old["table"])


def _version(name: str, old: str | None, new: str | None) -> Iterator[Finding]:
    """What tells newer states of an event from older ones."""
    what = f"the version changes from {old or 'none'} to {new or 'none'}"
    if old == new:
        return
    if old and new:
        yield Finding(
            Severity.REFUSE,
            name,
            what,
            "documents in the search index keep the numbers they were written with, so a newer state could "
            "look older and be passed over there, while views show it",
            f"keep version={old!r}, and fill that field so that it goes on growing",
        )
    elif new:
        yield Finding(
            Severity.NOTE,
            name,
            what,
            "views show the highest version, then the first that arrived; documents that were indexed before "
            "count as version 1 and give way to any higher one",
        )
    else:
        yield Finding(
            Severity.NOTE,
            name,
            what,
            "views show the first state that arrived, also of events that are there already; documents in "
            "the search index stay as they are",
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _columns(
    where: str, old: list[Mapping[str, Any]], new: list[Mapping[str, Any]], *, table: str | None
) -> Iterator[Finding]:
    """Compare the columns of a table, or the fields of a struct (then `table` is None)."""
    before = {column["name"]: column for column in old}
    after = {column["name"]: column for column in new}
    added = [column for name, column in after.items() if name not in before]
    for name, column in before.items():
        if name in after:
            yield from _column(f"{where}.{name}", column, after[name], table)
        else:
            yield _removed(f"{where}.{name}", column, added, nested=table is None)
    for column in added:
        yield _added(f"{where}.{column['name']}", column)


def _removed(
    where: str, column: Mapping[str, Any], added: list[Mapping[str, Any]], *, nested: bool
) -> Finding:
    listed = column["mode"] == "REPEATED"
    alike = [
        one["name"]
        for one in added
        if one["type"] == column["type"] and (one["mode"] == "REPEATED") == listed
    ]
    same = [name for name in alike if name.lower() == column["name"].lower()]
    renamed = (same or alike)[0] if len(same or alike) == 1 else None
    default = "`= []`" if column["mode"] == "REPEATED" else "`... | None = None`"
    keep = f"{default} and field(..., retired=True)"
    if same:
        why, instead = "BigQuery does not tell names apart by case", f"keep the name `{column['name']}`"
    elif nested or added:
        why = "the provider would replace the table, and its rows would be gone"
        instead = f"keep the field as {keep}"
    else:
        why = "the provider would drop the column with all its values, and no protection stops that"
        instead = f"keep the field as {keep}"
    if renamed and not same:
        instead += f"; if `{renamed}` is its new name, bring the two together with COALESCE in a view"
    what = f"the column is renamed to `{renamed}`" if same else "the column is gone"
    return Finding(Severity.REFUSE, where, what, why, instead)


def _added(where: str, column: Mapping[str, Any]) -> Finding:
    if column["optional"]:
        return Finding(Severity.NOTE, where, f"new {column['mode']} column of type {column['type']}")
    if column["mode"] == "REQUIRED":
        why = "BigQuery adds no REQUIRED column to a table, and the provider would replace the table"
    else:
        why = "producers do not send it yet, and each of their events would become a dead letter"
    default = "`= []`" if column["mode"] == "REPEATED" else "`... | None = None`"
    return Finding(
        Severity.REFUSE, where, "the new column is not optional", why, f"give it a default: {default}"
    )


def _column(
    where: str, old: Mapping[str, Any], new: Mapping[str, Any], table: str | None
) -> Iterator[Finding]:
    if old["type"] != new["type"]:
        yield _retyped(where, old, new["type"], table)
        return
    if old["mode"] != new["mode"]:
        yield _remoded(where, old["mode"], new["mode"])
    elif old["optional"] and not new["optional"]:
        yield Finding(
            Severity.REFUSE,
            where,
            "the field is no longer optional",
            "events without it are in the stream, and would become dead letters",
            "keep its default",
        )
    yield from _constraints(where, old, new)
    if new.get("retired") and not old.get("retired"):
        yield Finding(Severity.NOTE, where, "the field is retired; its column stays")
    if "columns" in old:
        yield from _columns(where, old["columns"], new["columns"], table=None)


def _retyped(where: str, old: Mapping[str, Any], new: str, table: str | None) -> Finding:
    what = f"the type changes from {old['type']} to {new}"
    if new in _WIDER.get(old["type"], ()) and old["mode"] != "REPEATED" and table is not None:
        return Finding(
            Severity.REFUSE,
            where,
            what,
            "BigQuery could widen the column in place, but the provider would replace the table",
            f"run ALTER TABLE {table} ALTER COLUMN {old['name']} SET DATA TYPE {_SQL_NAMES.get(new, new)} "
            "in each environment, then `pulumi refresh`, then `sluice contract snapshot --force`"
            + _elsewhere(old["type"]),
        )
    return Finding(
        Severity.REFUSE,
        where,
        what,
        "BigQuery cannot convert it; the provider would replace the table, and its rows would be gone",
        "retire the field and add another under a new name",
    )


def _elsewhere(old: str) -> str:
    """Where else the number lies, and cannot be widened.

    Iceberg promotes no long and no decimal to such types. OpenSearch keeps a field `long` that was mapped as
    an integer; every other number is a `double` there from the beginning.
    """
    where = "the lake or the search sink" if old == "INTEGER" else "the lake"
    return f". With {where} on, retire the field and add another instead: types are kept there"


def _remoded(where: str, old: str, new: str) -> Finding:
    what = f"the mode changes from {old} to {new}"
    if (old, new) == ("REQUIRED", "NULLABLE"):
        return Finding(Severity.NOTE, where, what)
    if (old, new) == ("NULLABLE", "REQUIRED"):
        why, instead = "rows may hold nulls, and the provider would replace the table", "keep the default"
    else:
        why = "BigQuery cannot turn a single value into a list or back; the provider would replace the table"
        instead = "retire the field and add another under a new name"
    return Finding(Severity.REFUSE, where, what, why, instead)


def _constraints(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    """Constraints are Sluice's alone; stricter ones turn events that were accepted into dead letters."""
    before, after = old.get("constraints", {}), new.get("constraints", {})
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Finding(
                Severity.NOTE,
                where,
                f"{name} changes from {before.get(name, 'none')} to {after.get(name, 'none')}",
                "events that no longer fit become dead letters" if after.get(name) is not None else "",
            )
    gone = [str(choice) for choice in old.get("choices", ()) if choice not in new.get("choices", ())]
    if gone and "choices" in new:
        yield Finding(
            Severity.NOTE,
            where,
            f"no longer accepted: {', '.join(gone)}",
            "events that still carry it become dead letters",
        )
    added = [str(choice) for choice in new.get("choices", ()) if choice not in old.get("choices", ())]
    if added:
        words = "newly accepted" if "choices" in old else "only these are accepted from now on"
        yield Finding(Severity.NOTE, where, f"{words}: {', '.join(added)}")
