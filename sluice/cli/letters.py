"""Dead letters as people and programs see them: what, why and where, and never what they contain."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sluice.cli.output import count, grid, printable
from sluice.deadletters import Letter
from sluice.deadletters.listing import document
from sluice.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

SHORT_DIGITS = 8
MOST_GROUPS = 20


def short_ids(letters: Sequence[Letter]) -> dict[str, str]:
    """Return for each id what is enough for `find`: the sink, and as much of the id's end as tells all apart.

    Several sinks refuse the same record, so their letters' ids end alike.
    """
    ids = {letter.id for letter in letters}
    lengths = range(SHORT_DIGITS, max(map(len, ids), default=SHORT_DIGITS))
    for length in lengths:
        found = {each: f"{each.partition('/')[0]}/{each[-length:]}" for each in ids}
        if len({*found.values()}) == len(ids) and all(len(found[each]) < len(each) for each in ids):
            return found
    return {each: each for each in ids}


def find(letters: Iterable[Letter], wanted: str) -> Letter:
    """Return the letter of an id, of an id's end, or of a short id; raises UsageError unless it is one."""
    sink, slash, end = wanted.partition("/")
    ending = [
        letter
        for letter in letters
        if letter.id.endswith(wanted)
        or (slash and end and letter.id.startswith(f"{sink}/") and letter.id.endswith(end))
    ]
    exact = [letter for letter in ending if letter.id == wanted]
    if exact or len(ending) == 1:
        return (exact or ending)[0]
    if not ending:
        raise UsageError(
            f"{wanted}: no dead letter has this id; `sluice dlq list` shows those that there are"
        )
    sinks = sorted({each.id.partition("/")[0] for each in ending})
    raise UsageError(
        f"{wanted}: {len(ending)} dead letters end so, of {', '.join(sinks)}; give more of the id,"
        f" or the sink before it: {sinks[0]}/{end or wanted}"
    )


def summary_table(documents: Sequence[dict[str, Any]]) -> "Table":
    """Return the letters grouped by what is wrong with them, the most frequent first."""
    from rich.text import Text

    groups: Counter[tuple[str, ...]] = Counter()
    for each in documents:
        name = tuple(str(each.get(part) or "") for part in ("sink", "kind", "type", "field"))
        groups[(*name, alike(each["reason"]))] += each["count"]
    table = grid()
    table.add_column("count", justify="right")
    for column in ("sink", "kind", "type", "field"):
        table.add_column(column)
    table.add_column("reason", overflow="fold", ratio=1)
    shown = groups.most_common(MOST_GROUPS)
    for name, total in shown:
        table.add_row(count(total), *(Text(printable(part)) for part in name))
    if len(groups) > len(shown):
        rest = groups.total() - sum(total for _, total in shown)
        table.add_row(count(rest), "", "", "", "", f"{len(groups) - len(shown)} reasons more; --json has all")
    return table


def alike(reason: str) -> str:
    """Return the reason without what differs from record to record: values and places in them."""
    return re.sub(r"[0-9]{6,}|(?<=byte )[0-9]+", "...", reason)


def newest_table(letters: Sequence[Letter], functions: dict[str, str], *, most: int) -> "Table":
    """Return the first letters one by one, with the short id by which `dlq show` finds each."""
    from rich.text import Text

    ids = short_ids(letters)
    table = grid()
    table.add_column("id", overflow="fold")
    table.add_column("arrived", no_wrap=True, min_width=len("2026-11-21T10:00:00"))
    table.add_column("bytes", justify="right")
    table.add_column("reason", overflow="fold", ratio=1)
    for letter in letters[:most]:
        told = document(letter, functions)
        table.add_row(
            Text(printable(ids[letter.id])),
            str(told.get("arrived_at") or "")[:19],
            count(told["size"]) if "size" in told else "",
            Text(printable(told["reason"])),
        )
    return table
