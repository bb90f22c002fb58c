"""Three questions that an analyst would ask of a pipeline, as SQL over its views, and words to search for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.contract import Contract, EventType

NUMBER_TYPES = frozenset({"INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC", "BIGNUMERIC"})
GROUPED_TYPES = frozenset({"STRING", "INTEGER", "INT64", "BOOLEAN", "BOOL"})


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the query that answers it."""

    title: str
    sql: str


DEFAULT_PIPELINE = (
    Question(
        "What do people search for?",
        """\
SELECT tag, COUNT(*) AS searches, COUNT(DISTINCT username) AS people
FROM search, UNNEST(tags) AS tag
GROUP BY tag
ORDER BY searches DESC, tag
LIMIT 5""",
    ),
    Question(
        "Who spends the most?",
        """\
SELECT username, COUNT(*) AS purchases, SUM(amount) AS spent
FROM `transaction`
GROUP BY username
ORDER BY spent DESC, username
LIMIT 5""",
    ),
    Question(
        "Which pages are slow?",
        """\
SELECT path, COUNT(*) AS views, ROUND(AVG(load_ms)) AS average_ms
FROM page_view
WHERE load_ms IS NOT NULL
GROUP BY path
ORDER BY average_ms DESC, path
LIMIT 5""",
    ),
)
REFUSED = Question(
    "What could not be delivered, and why?",
    """\
SELECT kind, reason, COUNT(*) AS records
FROM dead_letters
GROUP BY kind, reason
ORDER BY records DESC, reason
LIMIT 8""",
)
DEFAULT_NEEDS = {
    "search": {"tags", "username"},
    "transaction": {"username", "amount"},
    "page_view": {"path", "load_ms"},
}


def words_of(contract: "Contract") -> str:
    """Return what to search for: words that the default contract's events have, else everything."""
    return "tags:museum AND platform:ios" if _questions(contract) is DEFAULT_PIPELINE else "*"


def questions(contract: "Contract", *, dead_letters: bool) -> Sequence[Question]:
    """Return three questions for the contract: its own if it is the default one, else general ones.

    With `dead_letters` the last one asks what could not be delivered.
    """
    chosen = _questions(contract)
    return (*chosen[:2], REFUSED) if dead_letters else chosen


def of_lake(contract: "Contract") -> Question:
    """Return a question to the lake, in Athena's SQL on one line: it is shown as a command to copy."""
    from sluice.contract.iceberg import table_name

    kind = list(contract.types.values())[-1]
    column, table = _telling_column(kind), table_name(kind)
    sql = f'COUNT(*) AS events FROM "{table}"'
    if column is not None:
        name = column.lower()
        sql = f'"{name}", {sql} GROUP BY "{name}" ORDER BY events DESC, "{name}" LIMIT 5'
    return Question("The lake: the same events as Parquet files, counted in SQL", f"SELECT {sql}")


def _questions(contract: "Contract") -> Sequence[Question]:
    columns = {kind.table: {field["name"] for field in kind.schema} for kind in contract.types.values()}
    if all(columns.get(table, set()) >= needed for table, needed in DEFAULT_NEEDS.items()):
        return DEFAULT_PIPELINE
    kinds = list(contract.types.values())
    return (_volume(kinds), _values(kinds[0]), _newest(kinds[0]))


def _volume(kinds: Sequence["EventType"]) -> Question:
    # A type's event time may be a date, another's a timestamp.
    mixed = len({_type_of(kind, kind.time_column) for kind in kinds}) > 1
    parts = []
    for kind in kinds:
        time = f"CAST(`{kind.time_column}` AS TIMESTAMP)" if mixed else f"`{kind.time_column}`"
        parts.append(
            f"SELECT '{kind.table}' AS event, COUNT(*) AS events, MIN({time}) AS first, MAX({time}) AS last\n"
            f"FROM `{kind.table}`"
        )
    return Question("How much of what, and from when?", "\nUNION ALL\n".join(parts))


def _type_of(kind: "EventType", column: str) -> str:
    return next(str(field["type"]) for field in kind.schema if field["name"] == column)


def _values(kind: "EventType") -> Question:
    column = _telling_column(kind)
    if column is None:
        day = f"DATE(`{kind.time_column}`)"
        return Question(
            f"How many {kind.name} events a day?",
            f"SELECT {day} AS day, COUNT(*) AS events\nFROM `{kind.table}`\nGROUP BY day\n"
            "ORDER BY day DESC\nLIMIT 8",
        )
    return Question(
        f"Which {column} is the most frequent?",
        f"SELECT `{column}`, COUNT(*) AS events\nFROM `{kind.table}`\nGROUP BY `{column}`\n"
        f"ORDER BY events DESC, `{column}`\nLIMIT 8",
    )


def _telling_column(kind: "EventType") -> str | None:
    """Return a column worth grouping by: what the table is clustered by, else its first short one."""
    own = [
        field
        for field in kind.schema
        if not field["name"].startswith("_")
        and field["name"] not in {"type", kind.id_column, kind.time_column}
        and field.get("mode") != "REPEATED"
        and field["type"] in GROUPED_TYPES
    ]
    names = [field["name"] for field in own]
    return next((name for name in (*kind.cluster, *names) if name in names), None)


def _newest(kind: "EventType") -> Question:
    names = [
        field["name"]
        for field in kind.schema
        if not field["name"].startswith("_")
        and field["type"] not in {"RECORD", "STRUCT", "JSON"}
        and field["name"] not in {"type", kind.time_column}
    ]
    shown = ", ".join(f"`{name}`" for name in (kind.time_column, *names[:4]))
    return Question(
        f"What came last in {kind.name}?",
        f"SELECT {shown}\nFROM `{kind.table}`\nORDER BY `{kind.time_column}` DESC\nLIMIT 5",
    )
