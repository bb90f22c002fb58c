"""Expressions that Trino and DuckDB write alike and mean differently, one function for each."""

from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from sluice.local.athena.refusals import syntax, unsupported
from sluice.local.athena.typed import DECIMALS, DOUBLES, INTEGERS, NESTED, NUMBERS, Type, alike, kind, said

WHOLE: Final = "whole"
"""Meta data of a sum of integers, with the OVER and FILTER that belong to it: DuckDB gives a HUGEINT."""


MOST_DIGITS: Final = 38
"""Of a decimal."""


def division(node: exp.Div) -> exp.Expr:
    """Divide: integers give an integer, cut off towards zero."""
    kinds = {kind(node.left), kind(node.right)}
    left, right = node.left.copy(), node.right.copy()
    if kinds <= INTEGERS:
        return exp.Paren(this=exp.IntDiv(this=exp.Paren(this=left), expression=exp.Paren(this=right)))
    if kinds & DOUBLES and kinds <= NUMBERS:
        put = exp.Div(this=left, expression=right, typed=False, safe=False)
        put.type = exp.DataType.build("double")
        return put
    raise unsupported(f"the division `{said(node)}`", "make one side a DOUBLE with CAST(... AS DOUBLE)")


def total(node: exp.Sum) -> exp.Expr:
    """Sum: of integers a BIGINT, an error beyond it."""
    inner = node.this.this if isinstance(node.this, exp.Distinct) else node.this
    summed = kind(node.this.expressions[0] if isinstance(node.this, exp.Distinct) else inner)
    if summed in INTEGERS:
        return whole(node)
    if summed in DOUBLES or summed in DECIMALS:
        return node
    raise unsupported(f"`{said(node)}` of this type", "sum up numbers")


def whole(node: exp.Expr) -> exp.Expr:
    """Mark a sum or a count that is a BIGINT in Athena, together with the OVER and FILTER around it."""
    outer = node
    while isinstance(outer.parent, exp.Window | exp.Filter) and outer.parent.this is outer:
        outer = outer.parent
    outer.meta[WHOLE] = True
    return node


def average(node: exp.Avg) -> exp.Expr:
    """Average: a DOUBLE of integers and doubles in both; of decimals Trino rounds a decimal."""
    if kind(node.this) in {*INTEGERS, *DOUBLES}:
        return node
    raise unsupported(f"`{said(node)}`", "average CAST(... AS DOUBLE)")


def element(node: exp.Bracket) -> exp.Expr:
    """An element by its place: beyond the end an error of x[n], NULL of element_at(x, n)."""
    (index,) = node.expressions
    if not isinstance(index, exp.Literal) or int(index.name) < 0:
        raise unsupported(f"`{said(node)}`", "name an element by a number from 1 on")
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
        raise unsupported(f"`{said(node)}`", "ask for one value")
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return exp.Anonymous(this=name, expressions=[node.this.copy(), node.expression.copy()])


def unnested(node: exp.Unnest) -> exp.Expr:
    """UNNEST: one array at a time; rows within it become columns."""
    (array, *more) = node.expressions
    kind = array.type
    if more or kind is None or not kind.is_type(Type.ARRAY):
        raise unsupported(f"`{said(node)}`", "unnest one array at a time")
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
    alike(node, (node.left, node.right))
    _plain(node, (node.left, node.right))
    return node


def among(node: exp.In | exp.Between) -> exp.Expr:
    """IN and BETWEEN: comparisons as well."""
    others = node.expressions if isinstance(node, exp.In) else [node.args["low"], node.args["high"]]
    query = node.args.get("query")
    others = [*others, *(query.this.selects if query is not None else ())]
    alike(node, (node.this, *others))
    if not _chooses_rows(node):
        _plain(node, (node.this, *others))
    return node


def chosen(node: exp.Func) -> exp.Expr:
    """coalesce, nullif, greatest, least, CASE and if: one type for what they choose from."""
    if isinstance(node, exp.Case):
        cases = node.args["ifs"]
        alike(node, filter(None, (*(case.args["true"] for case in cases), node.args.get("default"))))
        if node.this is not None:
            alike(node, (node.this, *(case.this for case in cases)))
    elif isinstance(node, exp.If):
        if not isinstance(node.parent, exp.Case):
            alike(node, filter(None, (node.args["true"], node.args.get("false"))))
    else:
        alike(node, filter(None, (node.this, node.args.get("expression"), *node.expressions)))
    return node


def counted(node: exp.CountIf) -> exp.Expr:
    """count_if: 0 of no rows."""
    return exp.Count(this=exp.Case().when(node.this.copy(), exp.Literal.number(1)), big_int=True)


def distinct(node: exp.ApproxDistinct) -> exp.Expr:
    """approx_distinct: the number that it comes near to, whatever error is allowed."""
    return exp.Count(this=exp.Distinct(expressions=[node.this.copy()]), big_int=True)


def rounded(node: exp.Round) -> exp.Expr:
    """round(x, n): a decimal keeps its digits, as zeros."""
    if node.args.get("decimals") is None or kind(node.this) not in DECIMALS or node.this.type is None:
        return node
    params = node.this.type.expressions
    if len(params) != 2:  # noqa: PLR2004 - precision and scale
        raise unsupported(f"`{said(node)}`", "round CAST(... AS DOUBLE)")
    put = exp.cast(
        node.copy(), exp.DataType(this=Type.DECIMAL, expressions=[_most_digits(), params[1].copy()])
    )
    put.type = put.args["to"]
    return put


def edged(node: exp.Ceil | exp.Floor) -> exp.Expr:
    """ceil, floor: an integer stays what it is; DuckDB makes a double of it."""
    put = exp.Paren(this=node.this.copy()) if kind(node.this) in INTEGERS else node
    put.type = node.this.type
    return put


def number(node: exp.Literal) -> exp.Expr:
    """A number as it is written: DuckDB makes doubles of longer ones."""
    digits = node.name.replace(".", "")
    if not node.is_string and digits.isdecimal() and len(digits.lstrip("0")) > MOST_DIGITS:
        raise unsupported(f"the number {said(node)}", f"write at most {MOST_DIGITS} digits")
    return node


def grouped(node: exp.Group) -> exp.Expr:
    """GROUP BY: by what is named."""
    if node.args.get("all") is not None:
        raise unsupported("GROUP BY ALL", "name what to group by")
    return node


def _most_digits() -> exp.Expr:
    return exp.DataTypeParam(this=exp.Literal.number(MOST_DIGITS))


def _chooses_rows(node: exp.In | exp.Between) -> bool:
    """Whether rows are looked for among written ones, where not knowing is as good as no."""
    if not (isinstance(node, exp.In) and isinstance(node.this, exp.Tuple) and node.expressions):
        return False
    written = (isinstance(each, exp.Tuple) and not each.find(exp.Null) for each in node.expressions)
    above = node.parent
    while isinstance(above, exp.And | exp.Or | exp.Paren):
        above = above.parent
    return all(written) and isinstance(above, exp.Where)


def _plain(node: exp.Expr, parts: Iterable[exp.Expr]) -> None:
    """Refuse arrays and rows: with a NULL inside them Trino does not know, and DuckDB does."""
    if any(kind(part) in NESTED or isinstance(part, exp.Tuple) for part in parts):
        raise unsupported(f"comparing arrays or rows in `{said(node)}`", "compare their elements")
