"""What `sluice windows` is asked, read from its options, and the rows that answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sluice.cli.options import moment
from sluice.contract.kinds import Kind
from sluice.errors import UsageError
from sluice.metrics import Definition, GroupDefinition

if TYPE_CHECKING:
    from sluice.windows.reader import Follower, WindowRow

NULL = "NULL"
"""How the group without a value is named, and shown."""

TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question. `known` says that the table has the metric; one that is only declared has no windows yet.

    `since` and `until` are as they were typed: a span moves on while one follows.
    """

    definition: Definition
    known: bool
    group: Mapping[str, Any]
    measures: Sequence[str]
    since: str | None
    until: str | None
    all_versions: bool

    def rows(self, follower: "Follower", now: datetime) -> "tuple[list[WindowRow], int]":
        """Return the rows, and how many rows of earlier versions are left out."""
        if not self.known:
            return [], 0
        found = follower.read(
            self.definition.name,
            since=None if self.since is None else moment("--since", self.since, now, ahead=True),
            until=None if self.until is None else moment("--until", self.until, now, ahead=True),
            group=self.group,
            version="all",
        )
        rows = [row for row in found if self.all_versions or row.version == self.definition.version]
        return [replace(row, values=self._chosen(row.values)) for row in rows], len(found) - len(rows)

    def document(self, row: "WindowRow") -> dict[str, Any]:
        """Return a row as `--json` prints it."""
        return row.document() | ({"version": row.version} if self.all_versions else {})

    def _chosen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in self.measures}


def ask(
    definition: Definition,
    *,
    known: bool,
    group: Sequence[str],
    measures: Sequence[str],
    since: str | None,
    until: str | None,
    all_versions: bool,
) -> Asked:
    """Read the options; raises UsageError for what the metric does not have."""
    now = datetime.now(UTC)
    for option, text in (("--since", since), ("--until", until)):
        if text is not None:
            moment(option, text, now, ahead=True)
    names = [measure.name for measure in definition.measures]
    for name in measures:
        if name not in names:
            raise UsageError(
                f"--measure {name}: {definition.name} has no such figure; {_instead(name, names)}"
            )
    return Asked(
        definition=definition,
        known=known,
        group=_groups(definition, group),
        measures=[name for name in names if name in measures] or names,
        since=since,
        until=until,
        all_versions=all_versions,
    )


def _groups(definition: Definition, given: Sequence[str]) -> dict[str, Any]:
    """Return the values wanted by field; a field given several times takes any of its values."""
    fields = {each.name: each for each in definition.by}
    wanted: dict[str, list[Any]] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            raise UsageError(
                f"--group {each}: write FIELD=VALUE, such as --group {next(iter(fields), 'field')}=..."
            )
        if name not in fields:
            raise UsageError(
                f"--group {each}: {definition.name} is not grouped by {name}; {_instead(name, list(fields))}"
            )
        wanted.setdefault(name, []).append(_value(fields[name], text, each))
    return wanted


def _value(field: GroupDefinition, text: str, given: str) -> Any:
    if text == NULL:
        return None
    try:
        value = _parsed(field.kind, text)
    except (ValueError, KeyError, InvalidOperation):
        raise UsageError(f"--group {given}: {field.name} is a {field.kind}; {_example(field.kind)}") from None
    if field.choices and value not in field.choices:
        choices = [str(choice) for choice in field.choices]
        raise UsageError(f"--group {given}: {field.name} has no such value; {_instead(text, choices)}")
    return value


def _parsed(kind: Kind, text: str) -> Any:
    match kind:
        case Kind.INTEGER:
            return int(text)
        case Kind.BOOLEAN:
            return TRUTH[text.lower()]
        case Kind.DECIMAL:
            return Decimal(text)
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.TIMESTAMP:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        case _:
            return text


def _example(kind: Kind) -> str:
    examples = {
        Kind.INTEGER: "give a whole number",
        Kind.BOOLEAN: "give true or false",
        Kind.DECIMAL: "give a number like 9.99",
        Kind.DATE: "give a day like 2026-11-20",
        Kind.TIMESTAMP: "give a moment like 2026-11-20T08:00Z",
    }
    return f"{examples[kind]}, or {NULL}"


def _instead(name: str, names: Sequence[str]) -> str:
    if not names:
        return "it has no groups"
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
