"""CAST and SAFE_CAST. What is not known to come out as in BigQuery is refused, text by text where need be."""

import dataclasses
from typing import Final

from sqlglot import exp

from sluice.local.bigquery.coerce import normal_json
from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.coercion import try_convert
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.types import (
    BIGNUMERIC,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    JSON,
    NULL,
    NUMERIC,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    array_of,
    struct_of,
)

_TYPES: Final = {
    "BIGINT": INT64, "INT": INT64, "SMALLINT": INT64, "TINYINT": INT64, "DOUBLE": FLOAT64, "DECIMAL": NUMERIC,
    "BIGDECIMAL": BIGNUMERIC, "BOOLEAN": BOOL, "TEXT": STRING, "VARCHAR": STRING, "BINARY": BYTES,
    "VARBINARY": BYTES, "DATE": DATE, "DATETIME": DATETIME, "TIMESTAMP": DATETIME, "TIMESTAMPTZ": TIMESTAMP,
    "TIME": TIME, "JSON": JSON,
}  # fmt: skip

# Conversions that cannot fail, or fail in DuckDB exactly where BigQuery's do.
_SIMPLE: Final = {
    ("INT64", "FLOAT64"): "CAST({0} AS DOUBLE)",
    ("INT64", "NUMERIC"): "CAST({0} AS DECIMAL(38,9))",
    ("INT64", "STRING"): "CAST({0} AS VARCHAR)",
    ("INT64", "BOOL"): "({0} <> 0)",
    ("BOOL", "INT64"): "CAST({0} AS BIGINT)",
    ("BOOL", "STRING"): "CAST({0} AS VARCHAR)",
    ("FLOAT64", "INT64"): "bq_float_int({0})",
    ("FLOAT64", "STRING"): "bq_float_text({0})",
    ("NUMERIC", "INT64"): "CAST({0} AS BIGINT)",
    ("NUMERIC", "FLOAT64"): "bq_numeric_float({0})",
    ("NUMERIC", "STRING"): "bq_numeric_text({0})",
    ("BIGNUMERIC", "STRING"): "{0}",
    ("BIGNUMERIC", "INT64"): "bq_big_int({0})",
    ("BIGNUMERIC", "NUMERIC"): "CAST(bq_big_numeric({0}) AS DECIMAL(38,9))",
    ("BIGNUMERIC", "FLOAT64"): "bq_big_float({0})",
    ("INT64", "BIGNUMERIC"): "CAST({0} AS VARCHAR)",
    ("NUMERIC", "BIGNUMERIC"): "bq_numeric_text({0})",
    ("STRING", "BYTES"): "encode({0})",
    ("BYTES", "STRING"): "decode({0})",
    ("DATE", "STRING"): "CAST({0} AS VARCHAR)",
    ("DATE", "DATETIME"): "CAST({0} AS TIMESTAMP)",
    ("DATE", "TIMESTAMP"): "CAST({0} AS TIMESTAMP)",
    ("DATETIME", "DATE"): "CAST({0} AS DATE)",
    ("DATETIME", "TIME"): "CAST({0} AS TIME)",
    ("DATETIME", "TIMESTAMP"): "{0}",
    ("DATETIME", "STRING"): "bq_datetime_text({0})",
    ("TIMESTAMP", "DATE"): "CAST({0} AS DATE)",
    ("TIMESTAMP", "TIME"): "CAST({0} AS TIME)",
    ("TIMESTAMP", "DATETIME"): "{0}",
    ("TIMESTAMP", "STRING"): "(bq_datetime_text({0}) || '+00')",
    ("TIME", "STRING"): "bq_time_text({0})",
}
_NOT_HERE: Final = frozenset({("FLOAT64", "NUMERIC"), ("FLOAT64", "BIGNUMERIC")})
_MAY_FAIL: Final = frozenset({
    ("BYTES", "STRING"), ("FLOAT64", "INT64"), ("NUMERIC", "INT64"), ("BIGNUMERIC", "INT64"),
    ("BIGNUMERIC", "NUMERIC"),
})  # fmt: skip
# Text read as a type: the forms known to be read alike, and those known to be refused by BigQuery. Text of
# neither kind (blanks around a number, hexadecimal, exponents in a NUMERIC, odd dates) is refused by name.
_MOMENT: Final = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
# Of exponents of three digits, those behind which no double is too large and none becomes zero.
_DOUBLE: Final = (
    r"[+-]?(\d{1,30}\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"
    r"|[+-]?[1-9](\.\d+)?[eE](\+?([12]\d\d|30[0-7])|-([12]\d\d|3[01]\d|32[0-3]))"
    r"|[+-]?(?i:nan|inf|infinity)"
)
_READ: Final = {
    "INT64": (r"[+-]?\d{1,30}", r"[^0-9]*|[+-]?\d*\.\d*|\d+[A-WYZa-wyz_]\w*", "BIGINT", "int64"),
    "FLOAT64": (
        _DOUBLE,
        r"|[A-Za-z_]\w*",
        "DOUBLE",
        "double",
    ),
    "NUMERIC": (r"[+-]?(\d{1,29}(\.\d{0,9})?|\.\d{1,9})", r"|[A-Za-z_]\w*", "DECIMAL(38,9)", "NUMERIC"),
    "BOOL": (r"(?i)true|false", r"(?i)|[a-su-z]\w*|yes|no|t|f|y|n|on|off", "BOOLEAN", "bool"),
    "DATE": (r"\d{4}-\d{2}-\d{2}", r"|[A-Za-z_].*", "DATE", "DATE"),
    "DATETIME": (_MOMENT + r"|\d{4}-\d{2}-\d{2}", r"|[A-Za-z_].*", "TIMESTAMP", "DATETIME"),
    "TIMESTAMP": (
        _MOMENT + r"(Z|\+00(:00)?| ?UTC)?|\d{4}-\d{2}-\d{2}",
        r"|[A-Za-z_].*",
        "TIMESTAMP",
        "TIMESTAMP",
    ),
    "TIME": (r"\d{2}:\d{2}:\d{2}(\.\d{1,6})?", r"|[A-Za-z_].*", "TIME", "TIME"),
}


def parse_type(node: exp.Expr) -> Type:
    """Read a type as it is written in SQL. Raises ApiError 400."""
    if not isinstance(node, exp.DataType):
        raise unsupported(f"The type {node.sql(dialect='bigquery')}")
    kind = node.this.name if hasattr(node.this, "name") else str(node.this)
    if kind == "ARRAY":
        return array_of(parse_type(node.expressions[0]))
    if kind == "STRUCT":
        return struct_of(*(_field(index, part) for index, part in enumerate(node.expressions)))
    if kind not in _TYPES:
        raise unsupported(f"The type {node.sql(dialect='bigquery')}")
    if node.expressions:
        raise unsupported(f"A type with parameters ({node.sql(dialect='bigquery')})")
    return _TYPES[kind]


def _field(index: int, node: exp.Expr) -> tuple[str, Type]:
    if isinstance(node, exp.ColumnDef):
        return node.name, parse_type(node.args["kind"])
    return f"_field_{index + 1}", parse_type(node)


def cast(expr: Expr, target: Type, *, safe: bool) -> Expr:
    """Convert explicitly. Raises ApiError 400 where BigQuery or this server has no such cast."""
    if expr.type == target:
        return dataclasses.replace(expr, written=None)
    if expr.type == NULL or (expr.literal and expr.value is None):
        return literals.constant(None, target)
    return _cast_literal(expr, target, safe=safe) or _cast_value(expr, target, safe=safe)


def _cast_literal(expr: Expr, target: Type, *, safe: bool) -> Expr | None:
    """Convert a constant while binding, where that is possible."""
    if not expr.literal:
        return None
    if expr.type == STRING and target == JSON:
        return _json_literal(str(expr.value))
    if expr.type == FLOAT64 and target == NUMERIC:
        exact = literals.exact(expr.value)
        if exact is None:
            raise unsupported("A cast of this FLOAT64 literal to NUMERIC")
        return literals.constant(exact, NUMERIC)
    return try_convert(expr, target) if target.kind in _READ and not safe else None


def _cast_value(expr: Expr, target: Type, *, safe: bool) -> Expr:
    kinds = (expr.type.kind, target.kind)
    template = _SIMPLE.get(kinds)
    if template is not None:
        fails = kinds in _MAY_FAIL
        if kinds == ("FLOAT64", "STRING"):
            return computed(template.format(expr.sql), target, expr)
        return _simple(expr, target, template, safe=safe and fails, plain=not fails or safe)
    if expr.type == STRING and target == BIGNUMERIC:
        return computed(f"{'bq_big_try' if safe else 'bq_big_read'}({expr.sql})", target, expr)
    if expr.type == STRING and target.kind in _READ:
        return computed(_read(expr.sql, target, safe=safe), target, expr)
    if kinds in _NOT_HERE or {*kinds} & {"ARRAY", "STRUCT"}:
        raise unsupported(f"A cast from {expr.type} to {target}")
    raise invalid_query(f"Invalid cast from {expr.type} to {target}")


def _simple(expr: Expr, target: Type, template: str, *, safe: bool, plain: bool) -> Expr:
    sql = template.format(expr.sql)
    if safe and expr.type == FLOAT64:
        sql = f"TRY(CAST(round({expr.sql}) AS BIGINT))"
    elif safe:
        sql = f"TRY({sql})"
    return computed(sql, target, expr, plain=plain)


def _read(sql: str, target: Type, *, safe: bool) -> str:
    good, bad, duck, name = _READ[target.kind]
    refusal = (
        f"error('A cast of the text ''' || {sql} || ''' to {target} is not supported by the local BigQuery')"
    )
    failure = "NULL" if safe else f"error('Bad {name} value: ' || {sql})"
    read = f"CAST({sql} AS {duck})"
    return (
        f"CASE WHEN {sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({sql}, {literals.text(good)}) THEN "
        f"{f'TRY_CAST({sql} AS {duck})' if safe else read} "
        f"WHEN regexp_full_match({sql}, {literals.text(bad)}) THEN {failure} ELSE {refusal} END"
    )


def _json_literal(written: str) -> Expr:
    try:
        return literals.constant(normal_json(written), JSON)
    except ValueError as error:
        raise invalid_query(f"Invalid JSON literal: {error}") from None
