"""Texts, patterns and JSON: what DuckDB finds, cuts or leaves out in its own way."""

import re
from typing import Final

from sqlglot import exp

from sluice.local.athena.json_paths import SCALAR, steps
from sluice.local.athena.refusals import unsupported
from sluice.local.athena.typed import NESTED, TEXTS, Type, kind, said

_MAY_BE_MISSING: Final = re.compile(r"\)[?*]|\)\{,?0|\|")
"""A group behind which this stands may match nothing: NULL in Trino, an empty text in DuckDB."""


def matched(node: exp.RegexpExtract) -> exp.Expr:
    """regexp_extract: NULL without a match."""
    pattern, group = node.expression, node.args.get("group")
    if group and not (
        isinstance(pattern, exp.Literal)
        and isinstance(group, exp.Literal)
        and (group.name == "0" or not _MAY_BE_MISSING.search(pattern.name))
    ):
        raise unsupported(f"`{said(node)}`", "take a group that each match of a written pattern has")
    arguments = [node.this.copy(), pattern.copy()]
    fits = exp.Anonymous(this="regexp_matches", expressions=[each.copy() for each in arguments])
    got = exp.Anonymous(this="regexp_extract", expressions=[*arguments, *([group.copy()] if group else [])])
    return exp.Case().when(fits, got).else_(exp.Null())


def part(node: exp.Substring) -> exp.Expr:
    """substr: from a place of 1 on; a length below 0 gives nothing."""
    start, length = node.args.get("start"), node.args.get("length")
    if not isinstance(start, exp.Literal) or start.is_string or int(start.name) < 1:
        raise unsupported(f"`{said(node)}`", "start at a number from 1 on")
    if length is not None and not isinstance(length, exp.Literal):
        known = exp.Is(this=length.copy(), expression=exp.Null())
        most = exp.Greatest(this=length.copy(), expressions=[exp.Literal.number(0)])
        node.set("length", exp.Case().when(known, exp.Null()).else_(most))
    return node


def piece(node: exp.SplitPart) -> exp.Expr:
    """split_part: NULL beyond the last one."""
    place = node.args.get("part_index")
    if not isinstance(place, exp.Literal) or int(place.name) < 1:
        raise unsupported(f"`{said(node)}`", "take a part by a number from 1 on")
    pieces = exp.Anonymous(this="string_split", expressions=[node.this.copy(), node.args["delimiter"].copy()])
    return exp.Anonymous(this="list_extract", expressions=[pieces, place.copy()])


def pieces(node: exp.Split) -> exp.Expr:
    """split: at something, and all of it."""
    if node.args.get("limit") or not _something(node.expression):
        raise unsupported(f"`{said(node)}`", "split at a written text, without a limit")
    return node


def found(node: exp.StrPosition) -> exp.Expr:
    """strpos: the first place."""
    if node.args.get("occurrence") or node.args.get("position"):
        raise unsupported(f"`{said(node)}`", "ask for the first one")
    return node


def replaced(node: exp.Replace) -> exp.Expr:
    """replace: of something; instead of an empty text Trino puts it between all letters."""
    if not _something(node.expression):
        raise unsupported(f"`{said(node)}`", "replace a written text")
    return node


def joined(node: exp.DPipe | exp.Concat) -> exp.Expr:
    """`||` and concat: texts, or arrays."""
    parts = node.expressions if isinstance(node, exp.Concat) else [node.left, node.right]
    kinds = {kind(part) for part in parts} - {Type.UNKNOWN, Type.NULL}
    if kinds <= TEXTS or kinds <= NESTED:
        return node
    raise unsupported(f"`{said(node)}`", "join texts: CAST(... AS VARCHAR)")


def json_scalar(node: exp.JSONExtractScalar) -> exp.Expr:
    """json_extract_scalar: the scalar as it is written, NULL of what is none."""
    path = _path(node.expression)
    if kind(node.this) not in {*TEXTS, Type.UNKNOWN} or steps(path) is None:
        raise unsupported(f"`{said(node)}`", """write a path such as '$.a["b c"][0]'""")
    return exp.Anonymous(this=SCALAR, expressions=[node.this.copy(), exp.Literal.string(path)])


def _path(written: exp.Expr) -> str:
    """Write a path that sqlglot has read as it was, as far as keys and places go."""
    if not isinstance(written, exp.JSONPath):
        return written.name
    _, *parts = written.expressions
    if any(
        not (isinstance(each, exp.JSONPathKey | exp.JSONPathSubscript) and isinstance(each.this, str | int))
        for each in parts
    ):
        return ""
    keys = [f'["{each.this}"]' if isinstance(each, exp.JSONPathKey) else f"[{each.this}]" for each in parts]
    return "".join(["$", *keys])


def _something(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.name)
