"""Prints a contract as a module that is ready to be a pipeline.py.

Names come from data that anybody may have written. So a name becomes code only if it passed the contract's
own check of names or is quoted, and stands in a comment only as `shown` writes it: on one line.
"""

from collections.abc import Hashable, Iterable, Iterator

from sluice.contract.names import RESERVED_TABLES
from sluice.discover.layout import INDENT, WIDTH, bracketed, comment, quoted
from sluice.discover.model import Base, EventClass, Field, Held, Inferred, walk
from sluice.discover.naming import attribute, class_name, one_of, table_name
from sluice.discover.reading import printable

_HOMES = {
    "Annotated": "typing",
    "Literal": "typing",
    "Decimal": "decimal",
    "date": "datetime",
    "datetime": "datetime",
    "Event": "sluice.contract",
    "Json": "sluice.contract",
    "Nested": "sluice.contract",
    "field": "sluice.contract",
    "Pipeline": "sluice.pipeline",
    "bool": "builtins",
    "float": "builtins",
    "int": "builtins",
    "list": "builtins",
    "str": "builtins",
}
"""Where each name that a module may use comes from."""

_THEIRS = ("builtins", "datetime", "decimal", "typing")
_OURS = ("sluice.contract", "sluice.pipeline")
_HEAD = (
    "Read what is marked `unsure:` before you rely on it, and say what each field means, as in",
    '`status: Annotated[int, field("Status of the answer")]`. docs/contract.md shows what a field can say.',
)


def render(inferred: Inferred) -> str:
    """Return the module's text; it defines `pipeline`."""
    return _Writer(inferred).module()


class _Writer:
    """Writes one module: knows which names are taken in it, and which of them it used."""

    def __init__(self, inferred: Inferred) -> None:
        self._inferred = inferred
        attributes = {attribute(field.name) for event in inferred.events for field in walk(event.fields)}
        self._local = {name: _apart(name, attributes) for name in _HOMES}
        self._taken = {*attributes, *_HOMES, *self._local.values(), "pipeline"}
        self._used = {"Event", "Pipeline"}
        self._tables = set(RESERVED_TABLES)
        self._classes: dict[Hashable, str] = {}
        self._literals: dict[tuple[str, ...], str] = {}
        self._lines: list[str] = []

    def module(self) -> str:
        names = {event.tag: self._name(event.tag) for event in self._inferred.events}
        for event in self._inferred.events:
            self._event(event, names[event.tag])
        ending = bracketed(f"pipeline = {self._use('Pipeline')}(events=[", list(names.values()), "])")
        if not self._lines[2].startswith(("class ", "#")):
            del self._lines[0]  # one blank line between imports and an assignment, as the formatter has it
        return "\n".join([*self._docstring(), "", *self._imports(), *self._lines, "", "", *ending, ""])

    def _name(self, wanted: str) -> str:
        name = class_name(wanted, self._taken)
        self._taken.add(name)
        return name

    def _use(self, name: str) -> str:
        self._used.add(name)
        return self._local[name]

    def _docstring(self) -> Iterator[str]:
        records = f"{self._inferred.records:,} record" + "s" * (self._inferred.records != 1)
        source = printable(self._inferred.source).replace("\\", "/").replace('"', "'")
        yield f'"""Events as `sluice discover` inferred them from {records} of {source}.'
        yield ""
        yield from _HEAD
        yield '"""'
        if self._inferred.must or self._inferred.unsure:
            yield ""
        for label, texts in (("must", self._inferred.must), ("unsure", self._inferred.unsure)):
            for text in texts:
                yield from comment("", label, text)

    def _imports(self) -> list[str]:
        theirs, ours = ([line for home in group for line in self._import(home)] for group in (_THEIRS, _OURS))
        return [*theirs, "", *ours] if theirs else ours

    def _import(self, home: str) -> list[str]:
        """Return the sorted lines that import what is used: a name with an alias has its own."""
        used = [name for name in sorted(self._used) if _HOMES[name] == home]
        plain = [name for name in used if self._local[name] == name and home != "builtins"]
        lines = {name: f"{name} as {self._local[name]}" for name in used if self._local[name] != name}
        if plain:
            lines[plain[0]] = ", ".join(plain)
        return [f"from {home} import {lines[name]}" for name in sorted(lines)]

    def _event(self, event: EventClass, name: str) -> None:
        body = self._body(event.fields)
        head = ["Event", f"type={quoted(event.tag)}"]
        table = table_name(event.tag, self._tables)
        self._tables.add(table.lower())
        if table != event.tag:
            head.append(f"table={quoted(table)}")
        if event.id is not None:
            head.append(f"id={quoted(attribute(event.id))}")
        head.append(f"time={quoted(attribute(event.time))}")
        if event.cluster:
            head.append(f"cluster=[{', '.join(quoted(attribute(one)) for one in event.cluster)}]")
        head[0] = self._use("Event")
        self._lines += ["", ""]
        for text in event.must:
            self._lines += comment("", "must", text)
        for text in event.unsure:
            self._lines += comment("", "unsure", text)
        self._lines += bracketed(f"class {name}(", head, "):")
        self._lines += [f'{INDENT}"""An event of type {event.tag}."""', "", *body]

    def _body(self, fields: Iterable[Field]) -> list[str]:
        """Return the lines of a class's fields; the classes that they need have then been written."""
        lines: list[str] = []
        for field in fields:
            lines += self._field(field)
        return lines

    def _field(self, field: Field) -> list[str]:
        name = attribute(field.name)
        held = field.held
        written = self._value(field.name, held)
        ending = ""
        if held.listed:
            written, ending = f"{self._use('list')}[{written}]", " = []"
        elif field.optional:
            written, ending = f"{written} | None", " = None"
        if held.rules:
            rules = ", ".join(f"{rule}={value}" for rule, value in held.rules)
            written = f"{self._use('Annotated')}[{written}, {self._use('field')}({rules})]"
        line = f"{INDENT}{name}: {written}{ending}"
        above = [one for text in field.unsure for one in comment(INDENT, "unsure", text)]
        if field.seen:
            beside = f"{line}  # seen: {field.seen}"
            if len(beside) <= WIDTH:
                return [*above, beside]
            above = [*comment(INDENT, "seen", field.seen), *above]
        return [*above, line]

    def _value(self, name: str, held: Held) -> str:
        if held.base is Base.NESTED:
            return self._nested(name, held)
        if held.base is Base.CHOICES:
            return self._literal(name, held)
        return self._use(str(held.base))

    def _literal(self, name: str, held: Held) -> str:
        items = [quoted(choice) for choice in held.choices]
        written = f"{self._use('Literal')}[{', '.join(items)}]"
        if len(f"{INDENT}{attribute(name)}: list[{written}] | None = None") <= WIDTH:
            return written
        known = self._literals.get(held.choices)
        if known is not None:
            return known
        alias = self._literals[held.choices] = self._name(name)
        self._lines += ["", "", *bracketed(f"{alias} = {self._use('Literal')}[", items, "]")]
        return alias

    def _nested(self, name: str, held: Held) -> str:
        key = _unordered(held.fields)
        known = self._classes.get(key)
        if known is not None:
            return known
        body = self._body(held.fields)
        found = self._name(one_of(name) if held.listed else name)
        self._classes[key] = found
        docstring = f'{INDENT}"""What an event holds in {name}."""'
        self._lines += ["", "", f"class {found}({self._use('Nested')}):", docstring, "", *body]
        return found


def _apart(name: str, attributes: set[str]) -> str:
    """Return a name for a type: within a class, a field of the same name would stand in its way."""
    while name in attributes:
        name += "_type"
    return name


def _unordered(fields: Iterable[Field]) -> Hashable:
    """Return what is equal for classes of the same fields, in whatever order objects had them."""
    return frozenset(
        (
            each.name,
            each.optional,
            each.held.base,
            each.held.choices,
            each.held.rules,
            each.held.listed,
            _unordered(each.held.fields),
        )
        for each in fields
    )
