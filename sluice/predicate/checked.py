"""From parsed SQL to a tree that fits the contract, every value of a known type.

What BigQuery would refuse is refused here, and so is what could not be evaluated exactly as BigQuery does.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from sluice.contract import EventType
from sluice.errors import ContractError
from sluice.predicate import coercion, functions
from sluice.predicate.choices import check_choices
from sluice.predicate.coercion import convert, described, unify
from sluice.predicate.fields import field, scalar, single
from sluice.predicate.like import parse_pattern
from sluice.predicate.parsed import parse_filter, shown, too_deep
from sluice.predicate.tree import (
    And,
    Call,
    Case,
    Compare,
    Constant,
    Field,
    In,
    Is,
    IsNull,
    Items,
    Like,
    Member,
    Node,
    Not,
    Operator,
    Or,
)
from sluice.predicate.types import COMPARABLE, NUMBERS, Type, parse_date, parse_timestamp

_OPERATORS: dict[type[exp.Expr], Operator] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_ARITHMETIC = {exp.Add: ("ADD", "+"), exp.Sub: ("SUBTRACT", "-"), exp.Mul: ("MULTIPLY", "*")}
_CONDITIONS: tuple[type[exp.Expr], ...] = (
    *_OPERATORS,
    exp.In,
    exp.Is,
    exp.Like,
    exp.Between,
    exp.Not,
    exp.And,
    exp.Or,
)
_LITERALS = {
    exp.DType.DATE: Type.DATE,
    exp.DType.TIMESTAMPTZ: Type.TIMESTAMP,
    exp.DType.DECIMAL: Type.NUMERIC,
    exp.DType.BIGDECIMAL: Type.BIGNUMERIC,
}
_NULL = Constant(Type.NULL, None, "NULL")


def check(sql: str, event_type: EventType) -> Node:
    """The checked tree of a condition over the fields of an event type.

    Raises:
        ContractError: one line that quotes the SQL, says what is wrong with it and what is accepted.
    """
    try:
        found = _Checker(event_type).condition(parse_filter(sql), "a filter")
    except RecursionError:
        raise ContractError(f"where={sql!r:.60}: {too_deep()}") from None
    except ContractError as error:
        raise ContractError(f"where={_quoted(sql)}: {error}") from None
    return found


def _quoted(sql: str, most: int = 120) -> str:
    text = " ".join(sql.split())
    return repr(text if len(text) <= most else f"{text[:most]}...")


class _Checker:
    """Checks one filter, node by node."""

    def __init__(self, event_type: EventType) -> None:
        self._event_type = event_type
        self._by_node: dict[type[exp.Expr], Callable[[Any], Node]] = {
            exp.Paren: lambda node: self.value(node.this),
            exp.Column: self._column,
            exp.Dot: self._column,
            exp.Literal: lambda node: _literal(node, negative=False),
            exp.Boolean: lambda node: Constant(Type.BOOL, bool(node.this), str(node.this).upper()),
            exp.Null: lambda _: _NULL,
            exp.Cast: _typed_literal,
            exp.Neg: self._negate,
            exp.And: lambda node: And(self._terms(node, "AND")),
            exp.Or: lambda node: Or(self._terms(node, "OR")),
            exp.Not: lambda node: Not(self.condition(node.this, "NOT")),
            exp.In: self._in,
            exp.Between: self._between,
            exp.Like: self._like,
            exp.Is: self._is,
            exp.If: self._if,
            exp.Case: self._case,
            exp.DPipe: lambda node: functions.call("CONCAT", self._values(node.flatten())),
            exp.Anonymous: self._function,
            exp.Extract: self._extract,
            **dict.fromkeys(_OPERATORS, self._compare),
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
        }

    def value(self, node: exp.Expr) -> Node:
        """A value of any type but STRUCT; a NULL that stands alone has the type NULL."""
        check_node = self._by_node.get(type(node))
        if check_node is None:
            raise ContractError(functions.refusal(node))
        return check_node(node)

    def condition(self, node: exp.Expr, what: str) -> Node:
        """A BOOL."""
        return _condition(node, self.value(node), what)

    def _values(self, nodes: Any) -> list[Node]:
        return [self.value(node) for node in nodes]

    def _terms(self, node: exp.And | exp.Or, word: str) -> tuple[Node, ...]:
        return tuple(self.condition(term, word) for term in node.flatten(unnest=False))

    def _column(self, node: exp.Column | exp.Dot) -> Node:
        if any(not isinstance(part, exp.Identifier) for part in node.parts):
            raise ContractError(functions.refusal(node))
        return scalar(single(field(node, self._event_type)))

    def _negate(self, node: exp.Neg) -> Node:
        if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return _literal(node.this, negative=True)
        return functions.call("NEGATE", [self.value(node.this)])

    def _arithmetic(self, node: exp.Binary) -> Node:
        name, sign = _ARITHMETIC[type(node)]
        left, right = self.value(node.this), self.value(node.expression)
        for one in (left, right):
            if one.type not in (*NUMBERS, Type.NULL):
                raise ContractError(f"`{sign}` takes numbers, not {described(one)}")
        left, right = unify([left, right], shown(node))
        return Call(name, left.type, (left, right))

    def _operand(self, node: exp.Expr) -> Node:
        """A value beside a comparison, which is no comparison itself."""
        if isinstance(node, _CONDITIONS):
            raise ContractError(f"put parentheses around {shown(node)}: BigQuery chains no comparisons")
        return self.value(node)

    def _operands(self, node: exp.Expr, operands: Sequence[exp.Expr]) -> list[Node]:
        """The operands of a comparison, in the type that they meet in."""
        found = unify([self._operand(one) for one in operands], shown(node))
        if found[0].type not in COMPARABLE:
            raise ContractError(f"{shown(node)}: {found[0].type} cannot be compared")
        return found

    def _compare(self, node: exp.Binary) -> Node:
        operator = _OPERATORS[type(node)]
        left, right = self._operands(node, [node.this, node.expression])
        _refuse_null(left, right)
        if operator in ("=", "!="):
            check_choices(left, [right])
            check_choices(right, [left])
        return Compare(operator, left, right)

    def _between(self, node: exp.Between) -> Node:
        _only(node, "this", "low", "high")
        value, low, high = self._operands(node, [node.this, node.args["low"], node.args["high"]])
        _refuse_null(value, low, high)
        return And((Compare(">=", value, low), Compare("<=", value, high)))

    def _in(self, node: exp.In) -> Node:
        _only(node, "this", "expressions", "unnest")
        unnest = node.args.get("unnest")
        if unnest is not None:
            return self._member(node, unnest)
        if not node.expressions:
            raise ContractError("IN takes values in parentheses, such as IN ('a', 'b'), or UNNEST(a list)")
        value, *options = self._operands(node, [node.this, *node.expressions])
        _refuse_null(value)
        check_choices(value, options)
        constants = tuple(one for one in options if isinstance(one, Constant))
        if len(constants) == len(options):
            return In(value, constants)
        return Or(tuple(Compare("=", value, one) for one in options))

    def _member(self, node: exp.In, unnest: exp.Unnest) -> Node:
        inner = unnest.expressions
        if len(inner) != 1 or not isinstance(inner[0], exp.Column | exp.Dot):
            raise ContractError(f"{shown(node)}: IN UNNEST(...) takes a field that is a list")
        items = field(inner[0], self._event_type)
        if not isinstance(items, Items) or items.element is Type.STRUCT:
            raise ContractError(
                f"{shown(node)}: {items.name} is no list of single values; IN UNNEST takes one"
            )
        value = self._operand(node.this)
        _refuse_null(value)
        value, item = unify([value, Field(items.element, items.columns)], shown(node))
        check_choices(Field(items.element, items.columns), [value])
        return Member(value, items, item.type)

    def _like(self, node: exp.Like) -> Node:
        _only(node, "this", "expression", "negate")
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise ContractError(f"{shown(node)}: LIKE takes a pattern that is written out, such as 'a%'")
        value = self._operand(node.this)
        if value.type is not Type.STRING:
            raise ContractError(f"{shown(node)}: LIKE takes STRINGs, not {described(value)}")
        parse_pattern(pattern.this)
        found = Like(value, pattern.this)
        return Not(found) if node.args.get("negate") else found

    def _is(self, node: exp.Is) -> Node:
        _only(node, "this", "expression")
        if isinstance(node.expression, exp.Boolean):
            term = _condition(node.this, self._operand(node.this), "IS TRUE")
            return Is(term, bool(node.expression.this))
        if not isinstance(node.expression, exp.Null):
            raise ContractError(f"{shown(node)}: IS takes NULL, TRUE and FALSE")
        if isinstance(node.this, exp.Column | exp.Dot):
            found = field(node.this, self._event_type)
            if isinstance(found, Items):
                raise ContractError(f"{found.name} is a list, never NULL; ask ARRAY_LENGTH({found.name}) = 0")
            return IsNull(found)
        return IsNull(self._operand(node.this))

    def _if(self, node: exp.If) -> Node:
        if node.args.get("true") is None or node.args.get("false") is None:
            raise ContractError("IF takes a condition and two values, such as IF(x > 0, 'a', 'b')")
        condition = self.condition(node.this, "IF")
        yes, no = unify(self._values([node.args["true"], node.args["false"]]), shown(node))
        return Case(yes.type, ((condition, yes),), no)

    def _case(self, node: exp.Case) -> Node:
        branches, default, subject = node.args["ifs"], node.args.get("default"), node.args.get("this")
        if subject is None:
            tests = [self.condition(one.this, "WHEN") for one in branches]
        else:
            value, *given = unify(self._values([subject, *(one.this for one in branches)]), shown(node))
            check_choices(value, given)
            tests = [Compare("=", value, one) for one in given]
        results = self._values(one.args["true"] for one in branches)
        *results, last = unify([*results, _NULL if default is None else self.value(default)], shown(node))
        return Case(last.type, tuple(zip(tests, results, strict=True)), last)

    def _function(self, node: exp.Anonymous) -> Node:
        name = str(node.this).upper()
        if name == "ARRAY_LENGTH":
            return functions.array_length(
                [
                    field(one, self._event_type)
                    for one in node.expressions
                    if isinstance(one, exp.Column | exp.Dot)
                ]
            )
        return functions.call(name, self._values(node.expressions))

    def _extract(self, node: exp.Extract) -> Node:
        return functions.extract(node.this.name.upper(), self.value(node.expression))


def _condition(node: exp.Expr, found: Node, what: str) -> Node:
    if found.type not in (Type.BOOL, Type.NULL):
        raise ContractError(f"{shown(node)} is {found.type}, and {what} takes a condition, such as x > 0")
    return convert(found, Type.BOOL)


def _literal(node: exp.Literal, *, negative: bool) -> Constant:
    text: str = node.this
    if node.is_string:
        return Constant(Type.STRING, text, text)
    text = "-" * negative + text
    return coercion.integer(text) if node.this.isdigit() else coercion.floating(text)


def _typed_literal(node: exp.Cast) -> Constant:
    """Such as DATE '2024-03-31'."""
    kind, text = _LITERALS[node.to.this], node.this.this
    if kind is Type.DATE:
        return Constant(kind, parse_date(text), text, bare=False)
    if kind is Type.TIMESTAMP:
        return Constant(kind, parse_timestamp(text), text, bare=False)
    return Constant(kind, coercion.decimal_value(text, kind), text, bare=False)


def _refuse_null(*operands: Node) -> None:
    if any(isinstance(one, Constant) and one.value is None for one in operands):
        raise ContractError("a comparison with NULL is never TRUE; ask IS NULL or IS NOT NULL")


def _only(node: exp.Expr, *known: str) -> None:
    """Refuse a node that carries more than the known parts."""
    for key, value in node.args.items():
        if value and key not in known:
            raise ContractError(f"{shown(node)}: {functions.refusal(node)}")
