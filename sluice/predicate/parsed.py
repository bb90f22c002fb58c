"""The SQL of a filter as sqlglot reads it, without what BigQuery would not take.

Words are sorted before sqlglot sees them: it takes more of them, and other ones, for keywords than BigQuery
does, and knows functions under names that BigQuery has not.
"""

import re
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.bigquery import BigQueryParser
from sqlglot.tokenizer_core import Token, TokenType

from sluice.errors import ContractError
from sluice.predicate.words import HINTS, KEYWORDS, RESERVED, SIGN_HINTS, SIGNS, TYPES
from sluice.predicate.written import text_of

MAX_DEPTH = 40
"""Levels of nesting, far above what reads well; Python's own parser gives up at 200 parentheses."""

_SHOWN = 80
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?\Z")


class _Parser(BigQueryParser):
    """Keeps each function under the name that was written."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"EXTRACT": BigQueryParser.FUNCTION_PARSERS["EXTRACT"]}


def parse_filter(sql: str) -> exp.Expr:
    """One expression in BigQuery's dialect.

    Raises:
        ContractError: it is none, or holds a comment, which would swallow what a query puts after it.
    """
    dialect = BigQuery()
    try:
        tokens = dialect.tokenize(sql)
        if not tokens:
            raise ContractError("it is empty; write a condition such as amount > 0")
        sorted_out = [_token(tokens, at, sql) for at in range(len(tokens))]
        _check_depth(sorted_out)
        found = _Parser(dialect=dialect).parse_into(exp.Condition, sorted_out, sql)
    except ParseError as error:
        raise ContractError(f"it is no SQL condition{_near(error)}") from None
    except SqlglotError as error:
        raise ContractError(f"it is no SQL condition: {str(error).splitlines()[0]}") from None
    if len(found) != 1 or not isinstance(found[0], exp.Expr):
        raise ContractError("it is no SQL condition; write one expression such as amount > 0")
    return found[0]


def shown(node: exp.Expr) -> str:
    """A part of the SQL, as a message quotes it."""
    text: str = node.sql(dialect="bigquery")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _token(tokens: list[Token], at: int, sql: str) -> Token:
    """The token, as the parser is to see it."""
    token = tokens[at]
    if token.comments:
        raise ContractError("it holds a comment; leave it out")
    before = tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    if token.token_type in (TokenType.STRING, TokenType.RAW_STRING):
        if before is not None and before.token_type in (TokenType.STRING, TokenType.RAW_STRING):
            raise ContractError("two strings stand side by side; join them with ||")
        return _changed(token, TokenType.STRING, text_of(sql[token.start : token.end + 1]))
    if token.token_type is TokenType.NUMBER:
        if not _NUMBER.match(token.text) or (after and after.start == token.end + 1 and _is_word(after)):
            raise ContractError(f"{sql[token.start :][:_SHOWN]!r} does not start with a number of BigQuery's")
        return token
    if token.token_type is TokenType.IDENTIFIER:
        return token
    if not _is_word(token):
        if token.text not in SIGNS:
            sign = sql[token.start : token.end + 1]
            raise ContractError(f"`{sign}` is nothing that a filter takes{SIGN_HINTS.get(sign, '')}")
        return token
    return _word(token, before, after)


def _word(token: Token, before: Token | None, after: Token | None) -> Token:
    word = token.text.upper()
    if before is not None and before.text == "." and before.token_type is TokenType.DOT:
        return _changed(token, TokenType.VAR)
    if word in KEYWORDS:
        return token
    called = after is not None and after.token_type is TokenType.L_PAREN
    if word in HINTS and not (called and word == "AT"):
        raise ContractError(HINTS[word])
    if word in RESERVED and not called:
        raise ContractError(
            f"`{token.text}` is a reserved word that has no place in a filter; a field of that name stands in"
            " backquotes"
        )
    if after is not None and after.token_type in (TokenType.STRING, TokenType.RAW_STRING):
        if word in TYPES:
            return token
        raise ContractError(
            f"{token.text} '...' is no literal that a filter takes; it takes {_listed(TYPES)}"
        )
    return _changed(token, TokenType.VAR)


def _is_word(token: Token) -> bool:
    return token.token_type is not TokenType.IDENTIFIER and _WORD.match(token.text) is not None


def _changed(token: Token, kind: TokenType, text: str | None = None) -> Token:
    return Token(kind, token.text if text is None else text, token.line, token.col, token.start, token.end)


def _check_depth(tokens: list[Token]) -> None:
    """Refuse what would be nested too deeply, before a parser runs into it."""
    depth = run = 0
    for token in tokens:
        opens = token.token_type in (TokenType.L_PAREN, TokenType.CASE)
        closes = token.token_type in (TokenType.R_PAREN, TokenType.END)
        depth += opens - closes
        run = run + 1 if token.token_type in (TokenType.NOT, TokenType.DASH, TokenType.PLUS) else 0
        if depth + run > MAX_DEPTH:
            raise too_deep()


def too_deep() -> ContractError:
    """The error for a filter of too many levels."""
    return ContractError(f"it is nested more than {MAX_DEPTH} deep; split it into several metrics")


def _near(error: ParseError) -> str:
    detail = error.errors[0] if error.errors else {}
    highlight = detail.get("highlight")
    return f", near {highlight!r}" if highlight else "; write one such as amount > 0"


def _listed(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))
