"""Parsing, with sqlglot, of BigQuery SQL as it is written: no function is renamed or merged with another."""

import re
from typing import Any, ClassVar, Final

import sqlglot
from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.bigquery import BigQueryParser

from sluice.local.bigquery.errors import ApiError, invalid_query, unsupported

# BigQuery refuses longer SQL too (quotas: unresolved query length; read in November 2026).
MAX_QUERY_LENGTH: Final = 1024 * 1024
# How an analyst writes what sqlglot names otherwise.
_CLAUSES: Final = {
    "version": "FOR SYSTEM_TIME AS OF", "sample": "TABLESAMPLE", "recursive": "WITH RECURSIVE",
    "ordinality": "WITH ORDINALITY", "columns": "A list of columns behind an alias", "hint": "A hint",
    "match": "MATCH_RECOGNIZE",
}  # fmt: skip
_NODES: Final = {
    "BitwiseLeftShift": "Operator <<", "BitwiseRightShift": "Operator >>", "BitwiseXor": "Operator ^",
    "BitwiseNot": "Operator ~", "Interval": "An INTERVAL value", "StrToDate": "CAST with FORMAT",
    "StrToTime": "CAST with FORMAT", "TimeToStr": "CAST with FORMAT", "Lambda": "A lambda",
}  # fmt: skip
_STATEMENTS: Final = frozenset({
    "ALTER", "ANALYZE", "ASSERT", "BEGIN", "CALL", "CASE", "COMMIT", "CREATE", "DECLARE", "DELETE", "DROP",
    "EXECUTE", "EXPLAIN", "EXPORT", "FOR", "FROM", "GRANT", "GRAPH", "IF", "INSERT", "LOAD", "LOOP", "MERGE",
    "RAISE", "REPEAT", "RETURN", "REVOKE", "ROLLBACK", "SELECT", "SET", "TRUNCATE", "UNDROP", "UPDATE",
    "WHILE", "WITH",
})  # fmt: skip
_KEPT_PARSERS: Final = ("CAST", "SAFE_CAST", "EXTRACT")


class _Parser(BigQueryParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: parser for name, parser in BigQueryParser.FUNCTION_PARSERS.items() if name in _KEPT_PARSERS
    }


class _Dialect(BigQuery):
    Parser = _Parser


def parse(sql: str) -> exp.Expr:
    """Parse one statement. Raises ApiError 400 for bad syntax, an empty text or several statements."""
    if len(sql) > MAX_QUERY_LENGTH:
        raise invalid_query(
            "The query is too large. The maximum standard SQL query length is 1024.00K characters."
        )
    first = re.match(r"\s*([A-Za-z_]\w*)", sql)
    if first and first[1].upper() not in _STATEMENTS:
        line = sql.count("\n", 0, first.start(1)) + 1
        column = first.start(1) - sql.rfind("\n", 0, first.start(1))
        raise invalid_query(f'Syntax error: Unexpected identifier "{first[1]}" at [{line}:{column}]')
    try:
        statements = [
            statement for statement in sqlglot.parse(sql, dialect=_Dialect) if statement is not None
        ]
    except ParseError as error:
        raise _syntax_error(error) from None
    except TokenError as error:
        raise invalid_query(f"Syntax error: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise invalid_query("The query is nested too deeply.") from None
    if not statements:
        raise invalid_query("Syntax error: Unexpected end of statement")
    if len(statements) > 1:
        raise unsupported("A script of several statements")
    return statements[0]


def _syntax_error(error: ParseError) -> ApiError:
    detail = error.errors[0] if error.errors else {}
    found = detail.get("highlight") or "end of statement"
    place = f" at [{detail['line']}:{_column(detail)}]" if detail.get("line") else ""
    return invalid_query(
        f'Syntax error: Unexpected "{found}"{place} ({detail.get("description", "unreadable")})'
    )


def _column(detail: dict[str, Any]) -> int:
    return max(1, int(detail.get("col") or 1) - len(detail.get("highlight") or "") + 1)


def place(node: exp.Expr) -> str:
    """Return ` at [line:column]` of a name in the query, or nothing where sqlglot kept no position."""
    meta = node.meta
    if not meta.get("line"):
        return ""
    start = int(meta.get("col") or 1) - (int(meta.get("end", 0)) - int(meta.get("start", 0)))
    return f" at [{meta['line']}:{max(1, start)}]"


def only(node: exp.Expr, *known: str) -> None:
    """Refuse a node that carries anything else than the known parts."""
    for key, value in node.args.items():
        if value and key not in known:
            raise unsupported(_clause(node, key, value))


def refuse(node: exp.Expr) -> ApiError:
    """Refuse a construct by its name."""
    return unsupported(_words(node))


def _clause(node: exp.Expr, key: str, value: Any) -> str:
    if key == "pivots":
        return "UNPIVOT" if value[0].args.get("unpivot") else "PIVOT"
    return _CLAUSES.get(key) or f"{_words(node)} with {key.strip('_').replace('_', ' ').upper()}"


def _words(node: exp.Expr) -> str:
    name = type(node).__name__
    if name in _NODES:
        return _NODES[name]
    if isinstance(node, exp.NetFunc):
        return f"Function NET.{node.this.name.upper()}"
    spaced = "".join(
        f" {letter}" if letter.isupper() and index and not name[index - 1].isupper() else letter
        for index, letter in enumerate(name)
    )
    return spaced.upper()
