"""String literals as they are written in BigQuery's SQL.

cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences (as of 2025).
"""

import re

from sluice.errors import ContractError

_LITERAL = re.compile(r"""([rR]?)('{3}|"{3}|'|")(.*)\2\Z""", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))",
    re.DOTALL,
)
_NAMED = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_LAST = 0x10FFFF


def text_of(written: str) -> str:
    """The text that a string literal stands for.

    Raises:
        ContractError: it holds an escape that BigQuery does not know, or a line break.
    """
    found = _LITERAL.match(written)
    if found is None:
        raise ContractError(f"{written} is no string; write 'text'")
    raw, quote, inner = found.groups()
    if len(quote) == 1 and ("\n" in inner or "\r" in inner):
        raise ContractError("a string in single quotes goes over several lines; write \\n for the break")
    return inner if raw else _ESCAPE.sub(_unescaped, inner)


def _unescaped(found: re.Match[str]) -> str:
    named, octal, *hexadecimal, other = found.groups()
    if named is not None:
        return _NAMED.get(named, named)
    number = int(octal, 8) if octal else int(next(filter(None, hexadecimal), "-1"), 16)
    if other is not None or number > _LAST or 0xD800 <= number <= 0xDFFF:  # noqa: PLR2004 - the surrogates
        hint = f"write \\\\{other} for a backslash, or r'...'" if other else "write another"
        raise ContractError(f"BigQuery knows no escape {found[0]!s} in a string; {hint}")
    return chr(number)
