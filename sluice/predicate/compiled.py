"""From a checked tree to one Python function, written out and compiled.

SQL's logic has three values, and a filter only wants to know whether it is TRUE. So each condition is written
as what makes it TRUE or as what makes it FALSE, with the tests for NULL that this takes. Over two nullable
fields, `x < 1 AND NOT y = 'a'` reads

    (t0 := event.x) is not None and t0 < 1 and (t1 := event.y) is not None and not t1 == 'a'

Every part of a condition appears once, so the function grows with the filter and no faster.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from sluice.contract import Event
from sluice.contract.columns import Column
from sluice.predicate import evaluated
from sluice.predicate.like import matcher, parse_pattern
from sluice.predicate.parsed import too_deep
from sluice.predicate.tree import (
    And,
    Call,
    Case,
    Coalesce,
    Compare,
    Constant,
    Convert,
    Field,
    In,
    Is,
    IsNull,
    Items,
    Length,
    Like,
    Member,
    Node,
    Not,
    Or,
    Tag,
)
from sluice.predicate.types import Type

_PYTHON = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class _Read(NamedTuple):
    """How a value is read: it is NULL unless the tests hold, in this order; then it is what `text` gives."""

    tests: tuple[str, ...]
    text: str
    nullable: bool
    """Whether `text` may still give None."""


def compiled(node: Node) -> Callable[[Event], bool]:
    """The function that tells whether a condition is TRUE for an event.

    Raises:
        ContractError: the condition is too large for Python's compiler.
    """
    writer = _Writer()
    try:
        condition = writer.true(node)
        code = compile(_SOURCE.format(condition), "<filter>", "exec")
    except (SyntaxError, RecursionError, MemoryError):
        raise too_deep() from None
    exec(code, writer.names)  # noqa: S102 - written below, of the classes' own attributes and reprs of constants
    made: Callable[[Event], bool] = writer.names["wanted"]
    return made


_SOURCE = """\
def wanted(event):
    try:
        return True if {} else False
    except Unanswerable:
        return False
"""


class _Writer:
    """Writes Python expressions over `event`; what they need by name goes to `names`."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"Unanswerable": evaluated.Unanswerable}
        self._temporaries = 0
        self._by_node: dict[type[Any], Callable[[Any], _Read]] = {
            Constant: lambda node: _Read((), self._constant(node.value), node.value is None),
            Tag: lambda node: _Read((), repr(node.value), nullable=False),
            Field: self._field,
            Convert: self._convert,
            Call: self._call,
            Coalesce: self._coalesce,
            Case: self._case,
            Length: lambda node: _Read((), f"len({self._items(node.items)})", nullable=False),
            Compare: self._compare,
            In: self._in,
            Member: self._member,
            Like: self._like,
            Not: self._not,
            And: lambda node: self._logic(node.terms, decided="False"),
            Or: lambda node: self._logic(node.terms, decided="True"),
            IsNull: self._certain,
            Is: self._certain,
        }

    def true(self, node: Node) -> str:
        """An expression that is true if the condition is TRUE."""
        match node:
            case And(terms):
                return _joined("and", [self.true(term) for term in terms])
            case Or(terms):
                return _joined("or", [self.true(term) for term in terms])
            case Not(term):
                return self.false(term)
            case Is(term, value):
                return self.true(term) if value else self.false(term)
        return self._plainly_true(node)

    def _plainly_true(self, node: Node) -> str:
        if isinstance(node, IsNull):
            return f"(not {self._known(node.term)})"
        if isinstance(node, Compare) and node.operator == "=":
            return self._equal(node.left, node.right)
        read = self.read(node)
        return _joined("and", [*read.tests, read.text])

    def false(self, node: Node) -> str:
        """An expression that is true if the condition is FALSE."""
        match node:
            case And(terms):
                return _joined("or", [self.false(term) for term in terms])
            case Or(terms):
                return _joined("and", [self.false(term) for term in terms])
            case Not(term):
                return self.true(term)
            case Is() | IsNull():
                return f"(not {self.true(node)})"
        read = self.read(node)
        text = f"({read.text}) is False" if read.nullable else f"not {read.text}"
        return _joined("and", [*read.tests, text])

    def read(self, node: Node) -> _Read:
        """How a value of any type is read."""
        return self._by_node[type(node)](node)

    def value(self, node: Node) -> str:
        """An expression that gives the value, or None for NULL."""
        read = self.read(node)
        return f"({read.text} if {' and '.join(read.tests)} else None)" if read.tests else read.text

    def certain(self, node: Node) -> _Read:
        """How a value is read, all tests for NULL among its tests."""
        return self._tested(self.read(node))

    def _tested(self, read: _Read) -> _Read:
        if not read.nullable:
            return read
        name = self._temporary()
        return _Read((*read.tests, f"({name} := {read.text}) is not None"), name, nullable=False)

    def _known(self, node: Node) -> str:
        """An expression that is true if a value is not NULL; a call is made, as it may have no answer."""
        read = self._path(node.columns) if isinstance(node, Field) else self.read(node)
        certain = isinstance(node, Constant | Field | Tag) and not read.nullable
        tests = [*read.tests] if certain else [*read.tests, f"({read.text}) is not None"]
        return _joined("and", tests or ["True"])

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries - 1}"

    def _named(self, thing: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = thing
        return name

    def _constant(self, value: Any) -> str:
        if isinstance(value, datetime | date | Decimal):
            return self._named(value)
        return f"({value!r})" if isinstance(value, int | float) and value < 0 else repr(value)

    def _path(self, columns: Sequence[Column]) -> _Read:
        read = _Read((), "event", nullable=False)
        for column in columns:
            around = self._tested(read)
            read = _Read(around.tests, f"{around.text}.{column.attribute}", column.nullable)
        return read

    def _field(self, node: Field) -> _Read:
        read = self._path(node.columns)
        if not _is_enum(node.columns[-1]):
            return read
        read = self._tested(read)
        return read._replace(text=f"{read.text}._value_")

    def _items(self, items: Items) -> str:
        """An expression that gives the list; without items if a struct around it is NULL."""
        read = self._path(items.columns)
        return f"({read.text} if {' and '.join(read.tests)} else ())" if read.tests else read.text

    def _convert(self, node: Convert) -> _Read:
        if node.type is not Type.FLOAT64:
            return self.read(node.term)  # Python computes and compares int and Decimal exactly
        read = self.certain(node.term)
        return read._replace(text=f"float({read.text})")

    def _call(self, node: Call) -> _Read:
        reads = [self.certain(argument) for argument in node.arguments]
        texts = [read.text for read in reads]
        tests = tuple(test for read in reads for test in read.tests)
        inline = evaluated.INLINE.get(node.name)
        if inline is not None:
            return _Read(tests, inline.format(*texts), nullable=False)
        name = self._named(evaluated.function(node.name, node.type))
        return _Read(tests, f"{name}({', '.join(texts)})", node.name == "SAFE_DIVIDE")

    def _coalesce(self, node: Coalesce) -> _Read:
        opened, last = "", "None"
        for depth, term in enumerate(node.terms):
            read = self.read(term)
            if depth == len(node.terms) - 1 or not (read.tests or read.nullable):
                last = self.value(term)
                break
            name = self._temporary()
            text = f"({read.text} if {' and '.join(read.tests)} else None)" if read.tests else read.text
            opened += f"{name} if ({name} := {text}) is not None else "
        return _Read((), f"({opened}{last})", nullable=True)

    def _case(self, node: Case) -> _Read:
        arms = "".join(f"{self.value(then)} if {self.true(when)} else " for when, then in node.branches)
        return _Read((), f"({arms}{self.value(node.default)})", nullable=True)

    def _compare(self, node: Compare) -> _Read:
        left, right = self.certain(node.left), self.certain(node.right)
        text = f"({left.text} {_PYTHON[node.operator]} {right.text})"
        return _Read((*left.tests, *right.tests), text, nullable=False)

    def _equal(self, left: Node, right: Node) -> str:
        """Equality, where a value that is not NULL differs from None without a test."""
        one, other = self.read(left), self.read(right)
        if one.nullable and other.nullable:
            one = self._tested(one)
        return _joined("and", [*one.tests, *other.tests, f"{one.text} == {other.text}"])

    def _in(self, node: In) -> _Read:
        read = self.certain(node.value)
        known = [one.value for one in node.options if one.value is not None]
        text = f"({read.text} in {self._named(frozenset(known))})"
        if len(known) == len(node.options):
            return read._replace(text=text)
        return _Read(read.tests, f"({text} or None)", nullable=True)

    def _member(self, node: Member) -> _Read:
        name = self._temporary()
        read = self.certain(node.value)
        if _is_enum(node.items.columns[-1]):
            found = f"{self._named(_has_choice)}({name}, {read.text})"
        elif node.compared is Type.FLOAT64 and node.items.element is not Type.FLOAT64:
            found = f"{self._named(_has_float)}({name}, {read.text})"
        else:
            found = f"{read.text} in {name}"
        if read.tests:
            found = f"{found} if {' and '.join(read.tests)} else None"
        return _Read((), f"(({found}) if ({name} := {self._items(node.items)}) else False)", bool(read.tests))

    def _like(self, node: Like) -> _Read:
        read = self.certain(node.value)
        parts = parse_pattern(node.pattern)
        ends = [None if None in part else "".join(map(str, part)) for part in parts]
        match ends:
            case [str(whole)]:
                text = f"({read.text} == {whole!r})"
            case [str(start), ""]:
                text = f"{read.text}.startswith({start!r})"
            case ["", str(end)]:
                text = f"{read.text}.endswith({end!r})"
            case ["", str(within), ""]:
                text = f"({within!r} in {read.text})"
            case _:
                text = f"{self._named(matcher(parts))}({read.text})"
        return read._replace(text=text)

    def _not(self, node: Not) -> _Read:
        read = self.certain(node.term)
        return read._replace(text=f"(not {read.text})")

    def _logic(self, terms: Sequence[Node], *, decided: str) -> _Read:
        """AND or OR with NULL as a possible outcome; `decided` is the value of a term that settles it."""
        names = [self._temporary() for _ in terms]
        tests = [
            f"({name} := {self.value(term)}) is {decided}" for name, term in zip(names, terms, strict=True)
        ]
        unknown = " or ".join(f"{name} is None" for name in names)
        text = f"({decided} if {' or '.join(tests)} else None if {unknown} else {decided != 'True'})"
        return _Read((), text, nullable=True)

    def _certain(self, node: Is | IsNull) -> _Read:
        return _Read((), f"(True if {self.true(node)} else False)", nullable=False)


def _is_enum(column: Column) -> bool:
    return bool(column.choices) and isinstance(column.choices[0], Enum)


def _joined(word: str, terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({f' {word} '.join(terms)})"


def _has_choice(items: Sequence[Enum], value: object) -> bool:
    return any(item.value == value for item in items)


def _has_float(items: Sequence[int | Decimal], value: float) -> bool:
    return any(float(item) == value for item in items)
