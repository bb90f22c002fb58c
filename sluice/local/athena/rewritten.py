"""Expressions that Trino and DuckDB write alike and mean differently, one function for each."""

from typing import Any, Final

from sqlglot import exp

from sluice.local.athena.refusals import syntax, unsupported

Type = exp.DataType.Type

WHOLE: Final = "whole"
"""Meta data of a sum of integers, with the OVER and FILTER that belong to it: DuckDB gives a HUGEINT."""

_INTEGERS: Final = exp.DataType.INTEGER_TYPES
_DOUBLES: Final = exp.DataType.FLOAT_TYPES
_TEXTS: Final = exp.DataType.TEXT_TYPES
_MOMENTS: Final = {Type.TIMESTAMP, Type.TIMESTAMPTZ, Type.TIMESTAMPNTZ, Type.DATETIME, Type.DATE}
_DECIMALS: Final = {Type.DECIMAL, Type.BIGDECIMAL}
_NUMBERS: Final = {*_INTEGERS, *_DOUBLES, *_DECIMALS}

_UNITS: Final = {"second", "minute", "hour", "day", "week", "month", "quarter", "year"}
_FIXED: Final = {"millisecond", "second", "minute", "hour", "day", "week"}
"""Units that are always equally long: of the others DuckDB counts a month's last days in its own way."""

_PARTS: Final = {"year", "quarter", "month", "week", "day", "hour", "minute", "second"}

MILLISECONDS: Final = 3
"""Digits of a second that a TIMESTAMP keeps whose precision is not named."""

_INTEGER: Final = r"[+-]?[0-9]+"
_NUMBER: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""What Trino reads as numbers; DuckDB rounds 1.5 to an integer and takes 1_000."""


def division(node: exp.Div) -> exp.Expr:
    """Divide: integers give an integer, cut off towards zero."""
    kinds = {_kind(node.left), _kind(node.right)}
    left, right = node.left.copy(), node.right.copy()
    if kinds <= _INTEGERS:
        return exp.Paren(this=exp.IntDiv(this=exp.Paren(this=left), expression=exp.Paren(this=right)))
    if kinds & _DOUBLES and kinds <= _NUMBERS:
        put = exp.Div(this=left, expression=right, typed=False, safe=False)
        put.type = exp.DataType.build("double")
        return put
    raise unsupported(f"the division `{_sql(node)}`", "make one side a DOUBLE with CAST(... AS DOUBLE)")


def total(node: exp.Sum) -> exp.Expr:
    """Sum: of integers a BIGINT, an error beyond it."""
    inner = node.this.this if isinstance(node.this, exp.Distinct) else node.this
    kind = _kind(node.this.expressions[0] if isinstance(node.this, exp.Distinct) else inner)
    if kind in _INTEGERS:
        return whole(node)
    if kind in _DOUBLES or kind in _DECIMALS:
        return node
    raise unsupported(f"`{_sql(node)}` of this type", "sum up numbers")


def whole(node: exp.Expr) -> exp.Expr:
    """Mark a sum or a count that is a BIGINT in Athena, together with the OVER and FILTER around it."""
    outer = node
    while isinstance(outer.parent, exp.Window | exp.Filter) and outer.parent.this is outer:
        outer = outer.parent
    outer.meta[WHOLE] = True
    return node


def average(node: exp.Avg) -> exp.Expr:
    """Average: a DOUBLE of integers and doubles in both; of decimals Trino rounds a decimal."""
    if _kind(node.this) in {*_INTEGERS, *_DOUBLES}:
        return node
    raise unsupported(f"`{_sql(node)}`", "average CAST(... AS DOUBLE)")


def cast(node: exp.Cast) -> exp.Expr:  # noqa: PLR0911 - a line for each pair of types
    """Convert: only from and to what both write and round alike."""
    kind, to = _kind(node.this), node.to.this
    if isinstance(node.this, exp.Literal):
        return _literal(node)
    if to in _INTEGERS and kind in _DOUBLES:
        return exp.cast(exp.Round(this=node.this.copy()), node.to)
    if kind in _TEXTS and to in {*_INTEGERS, *_DOUBLES, *_DECIMALS}:
        return _read(node, _INTEGER if to in _INTEGERS else _NUMBER)
    if to in {*_INTEGERS, *_DECIMALS, *_DOUBLES} and kind in {*_NUMBERS, Type.BOOLEAN}:
        return node
    plain = not node.to.expressions
    if to in _TEXTS and plain and kind in {*_INTEGERS, *_DECIMALS, *_TEXTS, Type.BOOLEAN, Type.DATE}:
        return node
    if to is Type.DATE and kind in {*_MOMENTS, *_TEXTS}:
        return node
    if to in {Type.TIMESTAMP, Type.TIMESTAMPTZ} and kind in _MOMENTS and node.to.sql().endswith("(6)"):
        return exp.Cast(
            this=node.this.copy(),
            to=exp.DataType.build("timestamp" if to is Type.TIMESTAMP else "timestamptz"),
        )
    raise unsupported(
        f"`{_sql(node)}`",
        "JSON only around a whole column of the answer; moments become TIMESTAMP(6), doubles no text",
    )


def _literal(node: exp.Cast) -> exp.Expr:
    """A literal with its type: its digits say how precise it is."""
    to = node.to.this
    if to in _MOMENTS:
        fraction = node.this.name.partition(".")[2]
        if node.to.expressions or len(fraction) <= MILLISECONDS:
            return exp.Cast(this=node.this.copy(), to=exp.DataType(this=to))
        raise unsupported(
            f"`{_sql(node)}`", "it rounds to milliseconds; write TIMESTAMP '...' for all digits"
        )
    if to in _DECIMALS and not node.to.expressions:
        raise unsupported(f"`{_sql(node)}`", "write the number itself, or CAST(... AS DECIMAL(p, s))")
    if node.this.is_string and to in _NUMBERS:
        return _read(node, _INTEGER if to in _INTEGERS else _NUMBER)
    if to in {*_NUMBERS, Type.BOOLEAN} or (to in _TEXTS and not node.to.expressions):
        return node
    raise unsupported(f"`{_sql(node)}`")


def _read(node: exp.Cast, pattern: str) -> exp.Expr:
    """A number out of a text: NULL (TRY_CAST) or an error where Trino reads none."""
    text = node.this
    fits = exp.Anonymous(this="regexp_full_match", expressions=[text.copy(), exp.Literal.string(pattern)])
    wrong: exp.Expr = exp.Null()
    if not isinstance(node, exp.TryCast):
        words = exp.Literal.string(f"Cannot cast to {node.to.sql('athena').lower()}: ")
        wrong = exp.Anonymous(this="error", expressions=[exp.DPipe(this=words, expression=text.copy())])
    case = exp.Case().when(exp.Is(this=text.copy(), expression=exp.Null()), exp.Null())
    return case.when(fits, exp.Cast(this=text.copy(), to=node.to.copy())).else_(wrong)


def elapsed(node: exp.DateDiff) -> exp.Expr:
    """date_diff: whole units that have passed; DuckDB's own counts the boundaries between."""
    unit = _unit(node)
    if unit not in _FIXED or not {_kind(node.this), _kind(node.expression)} <= _MOMENTS:
        raise unsupported(f"`{_sql(node)}`", f"count in {', '.join(sorted(_FIXED))} between moments or dates")
    ends = [node.expression.copy(), node.this.copy()]
    return exp.Anonymous(this="date_sub", expressions=[exp.Literal.string(unit), *ends])


def later(node: exp.DateAdd) -> exp.Expr:
    """date_add: as many units later."""
    unit = _unit(node)
    if unit not in _UNITS or _kind(node.this) not in _MOMENTS or _kind(node.expression) not in _INTEGERS:
        raise unsupported(f"`{_sql(node)}`", f"add {', '.join(sorted(_UNITS))} to a moment")
    step = exp.Anonymous(
        this=f"to_{unit}s", expressions=[exp.cast(exp.Paren(this=node.expression.copy()), "integer")]
    )
    put: exp.Expr = exp.Paren(this=exp.Add(this=node.this.copy(), expression=step))
    return exp.cast(put, "date") if _kind(node.this) is Type.DATE else put


def truncated(node: exp.TimestampTrunc | exp.DateTrunc) -> exp.Expr:
    """date_trunc: a date stays one."""
    unit = _unit(node)
    if unit not in _UNITS or _kind(node.this) not in _MOMENTS:
        raise unsupported(f"`{_sql(node)}`", f"truncate a moment to {', '.join(sorted(_UNITS))}")
    put = exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(unit), node.this.copy()])
    return exp.cast(put, "date") if _kind(node.this) is Type.DATE else put


def extracted(node: exp.Extract) -> exp.Expr:
    """EXTRACT: a few parts that mean the same."""
    if node.name.lower() not in _PARTS:
        raise unsupported(f"`{_sql(node)}`", f"extract {', '.join(sorted(_PARTS))}")
    return node


def day(node: exp.Date) -> exp.Expr:
    """date(x): the day of a moment, in UTC."""
    if _kind(node.this) not in {*_MOMENTS, *_TEXTS} or node.args.get("zone") or node.expressions:
        raise unsupported(f"`{_sql(node)}`")
    return exp.cast(node.this.copy(), "date")


def epoch(node: exp.TimeToUnix) -> exp.Expr:
    """to_unixtime: seconds with their fraction."""
    return exp.Anonymous(this="epoch", expressions=[node.this.copy()])


def zoned(node: exp.AtTimeZone) -> exp.Expr:
    """AT TIME ZONE: in UTC everything is already."""
    if node.args["zone"].name.upper() != "UTC":
        raise unsupported("a zone other than UTC")
    moment: exp.Expr = node.this.copy()
    return moment


def element(node: exp.Bracket) -> exp.Expr:
    """An element by its place: beyond the end an error of x[n], NULL of element_at(x, n)."""
    (index,) = node.expressions
    if not isinstance(index, exp.Literal) or int(index.name) < 0:
        raise unsupported(f"`{_sql(node)}`", "name an element by a number from 1 on")
    if node.args.get("safe"):
        return node
    place = int(index.name) + 1
    size = exp.Anonymous(this="len", expressions=[node.this.copy()])
    beyond = exp.Anonymous(
        this="error",
        expressions=[
            exp.Literal.string(f"Array subscript must be less than or equal to array length: {place}")
        ],
    )
    got = exp.Anonymous(this="list_extract", expressions=[node.this.copy(), exp.Literal.number(place)])
    return exp.Case().when(exp.LT(this=size, expression=exp.Literal.number(place)), beyond).else_(got)


def contained(node: exp.ArrayContains) -> exp.Expr:
    """contains: NULL where the element may be one of the array's NULLs."""
    array, sought = node.this, node.expression
    has = exp.Anonymous(this="list_contains", expressions=[array.copy(), sought.copy()])
    known = exp.Anonymous(this="list_count", expressions=[array.copy()])
    size = exp.Anonymous(this="len", expressions=[array.copy()])
    null = exp.Is(this=sought.copy(), expression=exp.Null())
    return (
        exp.Case()
        .when(exp.Or(this=null, expression=exp.Is(this=array.copy(), expression=exp.Null())), exp.Null())
        .when(has, exp.true())
        .when(exp.LT(this=known, expression=size), exp.Null())
        .else_(exp.false())
    )


def extreme(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    """max_by, min_by: the value may be NULL; DuckDB's own leaves such rows out."""
    if node.args.get("count"):
        raise unsupported(f"`{_sql(node)}`", "ask for one value")
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return exp.Anonymous(this=name, expressions=[node.this.copy(), node.expression.copy()])


def json_scalar(node: exp.JSONExtractScalar) -> exp.Expr:
    """json_extract_scalar: NULL of what is no scalar."""
    path = exp.Literal.string(node.expression.sql("duckdb").strip("'"))
    arguments = [node.this.copy(), path]
    kind = exp.Anonymous(this="json_type", expressions=[each.copy() for each in arguments])
    whole = exp.In(this=kind, expressions=[exp.Literal.string("OBJECT"), exp.Literal.string("ARRAY")])
    got = exp.Anonymous(this="json_extract_string", expressions=arguments)
    return exp.Case().when(whole, exp.Null()).else_(got)


def matched(node: exp.RegexpExtract) -> exp.Expr:
    """regexp_extract: NULL without a match."""
    arguments = [node.this.copy(), node.expression.copy()]
    fits = exp.Anonymous(this="regexp_matches", expressions=[each.copy() for each in arguments])
    group = node.args.get("group")
    got = exp.Anonymous(this="regexp_extract", expressions=[*arguments, *([group.copy()] if group else [])])
    return exp.Case().when(fits, got).else_(exp.Null())


def part(node: exp.Substring) -> exp.Expr:
    """substr: from a place of 1 on."""
    start = node.args.get("start")
    if not isinstance(start, exp.Literal) or int(start.name) < 1:
        raise unsupported(f"`{_sql(node)}`", "start at a number from 1 on")
    return node


def piece(node: exp.SplitPart) -> exp.Expr:
    """split_part: NULL beyond the last one."""
    place = node.args.get("part_index")
    if not isinstance(place, exp.Literal) or int(place.name) < 1:
        raise unsupported(f"`{_sql(node)}`", "take a part by a number from 1 on")
    pieces = exp.Anonymous(this="string_split", expressions=[node.this.copy(), node.args["delimiter"].copy()])
    return exp.Anonymous(this="list_extract", expressions=[pieces, place.copy()])


def unnested(node: exp.Unnest) -> exp.Expr:
    """UNNEST: one array at a time; rows within it become columns."""
    (array, *more) = node.expressions
    kind = array.type
    if more or kind is None or not kind.is_type(Type.ARRAY):
        raise unsupported(f"`{_sql(node)}`", "unnest one array at a time")
    inner = kind.expressions[0] if kind.expressions else None
    rows = inner is not None and inner.is_type(Type.STRUCT, Type.OBJECT)
    alias, place = node.args.get("alias"), node.args.get("offset")
    named = len(alias.columns) if alias else 0
    columns = (len(inner.expressions) if inner is not None and rows else 1) + bool(place)
    if named and named + isinstance(place, exp.Identifier) != columns:
        raise syntax(f"Column alias list has {named} entries but '{node.alias}' has {columns} columns")
    if not rows:
        return node
    if place:
        raise unsupported("WITH ORDINALITY over an array of rows", "leave the place out")
    call = exp.Anonymous(
        this="unnest",
        expressions=[
            array.copy(),
            exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=exp.Literal.number(2)),
        ],
    )
    select = exp.Select(expressions=[call])
    return exp.Lateral(this=exp.Subquery(this=select), alias=alias.copy() if alias else None)


def compared(node: exp.Binary) -> exp.Expr:
    """A comparison: Trino compares no text with a moment or a number, DuckDB guesses."""
    kinds = {_kind(node.left), _kind(node.right)}
    if kinds & _TEXTS and kinds & {*_MOMENTS, *_NUMBERS}:
        raise unsupported(
            f"comparing text with another type in `{_sql(node)}`",
            "write TIMESTAMP '...' or DATE '...' before a moment",
        )
    return node


def _kind(node: exp.Expr) -> Any:
    """Return the node's DataType.Type."""
    return Type.UNKNOWN if node.type is None else node.type.this


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.lower() if unit is not None else "day"


def _sql(node: exp.Expr) -> str:
    text = node.sql("athena")
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a line
