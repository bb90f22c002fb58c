"""String and bytes functions."""

from collections.abc import Callable
from typing import Final

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import FUNCTIONS, Call, function
from sluice.local.bigquery.sql.coercion import convert, mismatch, try_convert, unify
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.types import BOOL, BYTES, INT64, STRING, Type, array_of

# What Unicode calls white space, which TRIM removes when it is not told otherwise.
_WHITE: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

_BASE64: Final = r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"


def signature(
    name: str,
    types: tuple[Type, ...],
    result: Type,
    template: str,
    *,
    required: int | None = None,
    plain: bool = True,
) -> None:
    """Register a function that has one signature; a SAFE. call needs it to be plain."""

    def bind(call: Call) -> Expr:
        call.count(len(types) if required is None else required, len(types))
        args = []
        for given, type_ in zip(call.args(), types, strict=False):
            converted = try_convert(given, type_)
            if converted is None:
                raise mismatch(f"function {name}", *call.args())
            args.append(converted)
        if call.safe and not plain:
            raise unsupported(f"Function SAFE.{name}")
        return computed(template.format(*(arg.sql for arg in args)), result, *args, plain=plain)

    FUNCTIONS[name] = bind


for _name, _types, _result, _template in (
    ("UPPER", (STRING,), STRING, "upper({0})"),
    ("LOWER", (STRING,), STRING, "lower({0})"),
    ("CHAR_LENGTH", (STRING,), INT64, "length({0})"),
    ("CHARACTER_LENGTH", (STRING,), INT64, "length({0})"),
    ("STARTS_WITH", (STRING, STRING), BOOL, "starts_with({0}, {1})"),
    ("ENDS_WITH", (STRING, STRING), BOOL, "suffix({0}, {1})"),
    ("STRPOS", (STRING, STRING), INT64, "strpos({0}, {1})"),
    ("REPLACE", (STRING, STRING, STRING), STRING, "replace({0}, {1}, {2})"),
    ("TO_HEX", (BYTES,), STRING, "lower(hex({0}))"),
    ("TO_BASE64", (BYTES,), STRING, "to_base64({0})"),
):
    signature(_name, _types, _result, _template)


@function("FROM_BASE64")
def _from_base64(call: Call) -> Expr:
    call.count(1)
    text = convert(call.arg(0), STRING)
    if call.safe:
        raise unsupported("Function SAFE.FROM_BASE64")
    refusal = "error('FROM_BASE64 of text without its padding is not supported by the local BigQuery')"
    body = (
        f"CASE WHEN {text.sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({text.sql}, {literals.text(_BASE64)}) THEN from_base64({text.sql}) "
        f"WHEN regexp_full_match({text.sql}, '[A-Za-z0-9+/=]*') THEN {refusal} "
        "ELSE error('Failed to decode invalid base64 string') END"
    )
    return computed(body, BYTES, text)


@function("LENGTH", "BYTE_LENGTH", "OCTET_LENGTH")
def _length(call: Call) -> Expr:
    call.count(1)
    value = call.arg(0)
    if value.type == STRING and call.name == "LENGTH":
        return computed(f"length({value.sql})", INT64, value, plain=True)
    if value.type == STRING:
        return computed(f"octet_length(encode({value.sql}))", INT64, value, plain=True)
    if value.type == BYTES:
        return computed(f"octet_length({value.sql})", INT64, value, plain=True)
    raise mismatch(f"function {call.name}", value)


@function("CONCAT")
def _concat(call: Call) -> Expr:
    args = unify(call.args(), "function CONCAT")
    if not args or args[0].type not in (STRING, BYTES):
        raise mismatch("function CONCAT", *args)
    return computed("(" + " || ".join(arg.sql for arg in args) + ")", args[0].type, *args, plain=True)


@function("REVERSE")
def _reverse(call: Call) -> Expr:
    call.count(1)
    text = call.arg(0)
    if text.type == BYTES:
        raise unsupported("REVERSE of BYTES")
    text = convert(text, STRING)
    # Character by character, where DuckDB's own keeps accents with their letters.
    characters = f"list_transform(range(length({text.sql}), 0, -1), lambda i: substr({text.sql}, i, 1))"
    body = f"CASE WHEN {text.sql} IS NULL THEN NULL ELSE array_to_string({characters}, '') END"
    return computed(body, STRING, text, plain=True)


@function("GENERATE_UUID")
def _uuid(call: Call) -> Expr:
    call.count(0)
    return Expr("CAST(gen_random_uuid() AS VARCHAR)", STRING)


@function("TRIM", "LTRIM", "RTRIM")
def _trim(call: Call) -> Expr:
    call.count(1, 2)
    args = [convert(arg, STRING) for arg in call.args()]
    characters = args[1].sql if len(args) > 1 else literals.text(_WHITE)
    return computed(f"{call.name.lower()}({args[0].sql}, {characters})", STRING, *args, plain=True)


@function("SUBSTR", "SUBSTRING")
def _substr(call: Call) -> Expr:
    call.count(2, 3)
    text, start = convert(call.arg(0), STRING), convert(call.arg(1), INT64)
    # Position 0 is the first one; one before the beginning is the first one too.
    begin = (
        f"CASE WHEN {start.sql} = 0 THEN 1 WHEN {start.sql} < -length({text.sql}) THEN 1 ELSE {start.sql} END"
    )
    if len(call.nodes) == 2:  # noqa: PLR2004 - the length may be left out
        return computed(f"substr({text.sql}, {begin})", STRING, text, start, plain=True)
    length = convert(call.arg(2), INT64)
    failure = "NULL" if call.safe else "error('Third argument in SUBSTR() cannot be negative')"
    checked = f"CASE WHEN {length.sql} < 0 THEN {failure} ELSE {length.sql} END"
    return computed(f"substr({text.sql}, {begin}, {checked})", STRING, text, start, length, plain=call.safe)


@function("LEFT", "RIGHT", "REPEAT", "LPAD", "RPAD")
def _cut(call: Call) -> Expr:
    padded = call.name in {"LPAD", "RPAD"}
    call.count(2, 3 if padded else 2)
    text, size = convert(call.arg(0), STRING), convert(call.arg(1), INT64)
    bad = f"{size.sql} < 0"
    failure = "NULL" if call.safe else f"error('Second argument in {call.name}() cannot be negative')"
    checked = f"CASE WHEN {bad} THEN {failure} ELSE {size.sql} END"
    if not padded:
        return computed(f"{call.name.lower()}({text.sql}, {checked})", STRING, text, size, plain=call.safe)
    pattern = literals.constant(" ", STRING) if len(call.nodes) == 2 else call.arg(2)  # noqa: PLR2004 - may be left out
    if not literals.string_value(pattern, f"A pattern of {call.name}"):
        raise invalid_query(f"Third argument (pad pattern) in {call.name} cannot be empty")
    return computed(
        f"{call.name.lower()}({text.sql}, CAST({checked} AS INTEGER), {pattern.sql})",
        STRING,
        text,
        size,
        plain=call.safe,
    )


@function("SPLIT")
def _split(call: Call) -> Expr:
    call.count(1, 2)
    text = convert(call.arg(0), STRING)
    delimiter = call.arg(1) if len(call.nodes) > 1 else literals.constant(",", STRING)
    if not literals.string_value(delimiter, "A delimiter of SPLIT"):
        raise unsupported("SPLIT by an empty delimiter")
    return computed(f"string_split({text.sql}, {delimiter.sql})", array_of(STRING), text, plain=True)


def _pattern(call: Call) -> tuple[str, int]:
    """Return a regular expression's text and its number of capturing groups."""
    pattern = literals.string_value(call.arg(1), f"A pattern of {call.name}")
    groups = 0
    escaped = bracket = False
    for index, character in enumerate(pattern):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
            if pattern[index + 1 : index + 2] == "Q":
                raise unsupported(f"\\Q in a pattern of {call.name}")
        elif bracket:
            bracket = character != "]" or pattern[index - 1] == "["
        elif character == "[":
            bracket = True
        elif character == "(" and (
            pattern[index + 1 : index + 2] != "?" or pattern[index + 2 : index + 3] in {"P", "<"}
        ):
            groups += 1
    return pattern, groups


@function("REGEXP_CONTAINS")
def _regexp_contains(call: Call) -> Expr:
    call.count(2)
    text = convert(call.arg(0), STRING)
    pattern, _ = _pattern(call)
    return computed(f"regexp_matches({text.sql}, {literals.text(pattern)})", BOOL, text, plain=True)


@function("REGEXP_EXTRACT", "REGEXP_SUBSTR", "REGEXP_EXTRACT_ALL")
def _regexp_extract(call: Call) -> Expr:
    call.count(2)
    text = convert(call.arg(0), STRING)
    pattern, groups = _pattern(call)
    if groups > 1:
        raise invalid_query(
            "Regular expressions passed into extraction functions must not have more than 1 capturing group "
            f"({pattern})"
        )
    written = literals.text(pattern)
    if call.name == "REGEXP_EXTRACT_ALL":
        return computed(
            f"regexp_extract_all({text.sql}, {written}, {groups})", array_of(STRING), text, plain=True
        )
    found = f"regexp_extract({text.sql}, {written}, {groups})"
    return computed(
        f"CASE WHEN regexp_matches({text.sql}, {written}) THEN {found} END", STRING, text, plain=True
    )


@function("REGEXP_REPLACE")
def _regexp_replace(call: Call) -> Expr:
    call.count(3)
    text = convert(call.arg(0), STRING)
    pattern, _ = _pattern(call)
    replacement = literals.string_value(call.arg(2), "A replacement of REGEXP_REPLACE")
    return computed(
        f"regexp_replace({text.sql}, {literals.text(pattern)}, {literals.text(replacement)}, 'g')",
        STRING,
        text,
        plain=True,
    )


def _digest(name: str, duck: str) -> Callable[[Call], Expr]:
    def bind(call: Call) -> Expr:
        call.count(1)
        value = call.arg(0)
        if value.type not in (STRING, BYTES):
            raise mismatch(f"function {name}", value)
        return computed(f"unhex({duck}({value.sql}))", BYTES, value, plain=True)

    return bind


for _name, _duck in (("MD5", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256")):
    FUNCTIONS[_name] = _digest(_name, _duck)
