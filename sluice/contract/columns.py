"""From an annotation to a column: the one description that every other form of the contract is made from."""

import enum
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from sluice.contract.bounds import check_spec
from sluice.contract.fields import FreeJson, Spec
from sluice.contract.kinds import INT64_MAX, INT64_MIN, Kind, Mode
from sluice.contract.names import check_column, wire_name
from sluice.errors import ContractError

MAX_DESCRIPTION = 1024
"""Characters in a column's description. cloud.google.com/bigquery/docs/schemas (as of 2025)."""

_SCALARS: Mapping[Any, Kind] = {
    str: Kind.STRING,
    bool: Kind.BOOLEAN,
    int: Kind.INTEGER,
    float: Kind.FLOAT,
    Decimal: Kind.DECIMAL,
    datetime: Kind.TIMESTAMP,
    date: Kind.DATE,
}
_ACCEPTED = "str, int, float, bool, Decimal, datetime, date, Enum, Literal, a Nested class, Json, or a list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field of an event, or of a nested struct, with everything that is known about it."""

    name: str
    """As in JSON and in BigQuery."""
    attribute: str
    """As in Python."""
    kind: Kind
    mode: Mode
    optional: bool
    """Whether an event may leave it out: the field has a default."""
    nullable: bool
    """Whether JSON may say null; with a default other than null, a NULLABLE column has no nulls."""
    spec: Spec
    """Constraints of the value, or of each item of a list."""
    container: type[list[Any]] | type[tuple[Any, ...]] = list
    choices: tuple[Any, ...] = ()
    """What an Enum or Literal accepts, as Python values; empty for everything else."""
    struct: type[msgspec.Struct] | None = None
    columns: tuple["Column", ...] = ()
    annotation: Any = dataclass_field(repr=False, compare=False)
    """What msgspec decodes into."""

    @property
    def description(self) -> str:
        """What analysts read beside the column."""
        return f"{self.spec.description} (retired)".lstrip() if self.spec.retired else self.spec.description

    @property
    def wire_choices(self) -> tuple[str | int, ...]:
        """What an Enum or Literal accepts, as it stands in JSON."""
        return tuple(choice.value if isinstance(choice, enum.Enum) else choice for choice in self.choices)


@dataclass(slots=True)
class _Parsed:
    """What has been learned from an annotation so far."""

    spec: Spec = dataclass_field(default_factory=Spec)
    nullable: bool = False
    container: Any = None
    kind: Kind | None = None
    choices: tuple[Any, ...] = ()
    struct: type[msgspec.Struct] | None = None
    base: Any = None


def column(
    attribute: str,
    annotation: Any,
    *,
    where: str,
    has_default: bool,
    default: Any,
    identity: bool,
    nested: bool,
) -> Column:
    """Compile one field; a ContractError names `where` and says what would be accepted.

    An `identity` is the field that makes two records one event, so it must not be empty.
    """
    name = wire_name(attribute)
    check_column(name, where, nested=nested)
    parsed = _Parsed()
    _parse(annotation, parsed, where)
    if parsed.kind is None:
        raise ContractError(f"{where}: {_name(annotation)} has no BigQuery type; use {_ACCEPTED}")
    if identity and parsed.kind is Kind.STRING and not parsed.choices and parsed.spec.min_length is None:
        parsed.spec = replace(parsed.spec, min_length=1)
    spec = parsed.spec
    check_spec(
        spec, parsed.kind, listed=parsed.container is not None, chosen=bool(parsed.choices), where=where
    )
    if len(spec.description) > MAX_DESCRIPTION:
        raise ContractError(
            f"{where}: the description has {len(spec.description)} characters, of {MAX_DESCRIPTION} at most"
        )
    mode = _mode(parsed, has_default=has_default, where=where)
    if spec.retired and not (has_default and (parsed.nullable or parsed.container)):
        raise ContractError(
            f"{where}: a retired field must be optional; write `... | None = None`, or `= []` for a list"
        )
    compiled = Column(
        name=name,
        attribute=attribute,
        kind=parsed.kind,
        mode=mode,
        optional=has_default,
        nullable=parsed.nullable,
        spec=spec,
        container=parsed.container or list,
        choices=parsed.choices,
        struct=parsed.struct,
        columns=parsed.struct.__sluice_columns__ if parsed.struct is not None else (),  # type: ignore[attr-defined] # _parse only takes structs that have it
        annotation=_wire_annotation(parsed),
    )
    if has_default and (parsed.kind is not Kind.JSON or parsed.container):
        _check_value(default, compiled.annotation, f"{where}: the default {default!r}")
    for example in spec.examples:
        _check_value(example, _constrained(parsed), f"{where}: the example {example!r}")
    return compiled


def _parse(annotation: Any, into: _Parsed, where: str) -> None:
    """Peel `Annotated`, `| None` and the list off an annotation until its scalar is left."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extras = get_args(annotation)
        for extra in extras:
            _take_extra(extra, into, where)
        if into.kind is None:
            _parse(inner, into, where)
    elif origin in (Union, types.UnionType):
        _parse_union(annotation, into, where)
    elif origin in (list, tuple) or annotation in (list, tuple):
        _parse_list(annotation, into, where)
    else:
        _parse_scalar(annotation, into, where)


def _parse_scalar(annotation: Any, into: _Parsed, where: str) -> None:
    if get_origin(annotation) is Literal:
        into.choices = get_args(annotation)
        into.kind = _choice_kind(into.choices, where)
        into.base = annotation
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        into.choices = tuple(annotation)
        into.kind = _choice_kind([member.value for member in annotation], where)
        into.base = annotation
    elif isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        if not getattr(annotation, "__sluice_columns__", ()) or hasattr(annotation, "__sluice_event__"):
            raise ContractError(
                f"{where}: {annotation.__name__} must derive from sluice.contract.Nested and have a field"
            )
        into.kind, into.struct, into.base = Kind.STRUCT, annotation, annotation
    elif annotation in _SCALARS:
        into.kind, into.base = _SCALARS[annotation], annotation


def _take_extra(extra: Any, into: _Parsed, where: str) -> None:
    if isinstance(extra, Spec):
        if into.container is not None:
            extra = _merge(into.spec, extra, where)
        elif into.spec != Spec():
            raise ContractError(f"{where}: two field(...) for one field; write one")
        into.spec = extra
    elif extra is FreeJson:
        into.kind, into.base = Kind.JSON, Any
    elif isinstance(extra, msgspec.Meta):
        raise ContractError(f"{where}: write constraints as field(...), not as msgspec.Meta(...)")


def _merge(outer: Spec, item: Spec, where: str) -> Spec:
    """The list's own specification together with that of its items."""
    values = {name: getattr(outer, name) for name in Spec.__dataclass_fields__}
    empty = Spec()
    for name in Spec.__dataclass_fields__:
        value = getattr(item, name)
        if value == getattr(empty, name):
            continue
        if name in ("min_items", "max_items", "retired"):
            raise ContractError(f"{where}: {name} belongs in the field(...) of the list, not of its items")
        if name != "description" or not outer.description:
            values[name] = value
    return Spec(**values)


def _parse_union(annotation: Any, into: _Parsed, where: str) -> None:
    members = [member for member in get_args(annotation) if member is not type(None)]
    if len(members) != 1:
        raise ContractError(
            f"{where}: a column has one type, not {_name(annotation)}; use one, or Json for free values"
        )
    if into.container is not None:
        raise ContractError(f"{where}: BigQuery's lists cannot hold null; drop `| None` from the items")
    into.nullable = True
    _parse(members[0], into, where)


def _parse_list(annotation: Any, into: _Parsed, where: str) -> None:
    if into.container is not None:
        raise ContractError(
            f"{where}: BigQuery has no list of lists; use a list of a Nested class that holds a list, or Json"
        )
    if into.nullable:
        raise ContractError(
            f"{where}: BigQuery's lists cannot be null; write `list[...] = []`, which is stored as no items"
        )
    items = [item for item in get_args(annotation) if item is not Ellipsis]
    if len(items) != 1 or (get_origin(annotation) is tuple and get_args(annotation)[-1] is not Ellipsis):
        raise ContractError(f"{where}: say what the list holds: list[str], or tuple[str, ...]")
    into.container = get_origin(annotation)
    _parse(items[0], into, where)


def _choice_kind(values: Any, where: str) -> Kind:
    found = {type(value) for value in values}
    if found <= {str} and found:
        return Kind.STRING
    if found == {int}:
        if any(not INT64_MIN <= value <= INT64_MAX for value in values):
            raise ContractError(
                f"{where}: an accepted value is beyond 64 bits; BigQuery's INT64 cannot hold it"
            )
        return Kind.INTEGER
    raise ContractError(
        f"{where}: an Enum or Literal must hold only strings or only integers, and at least one"
    )


def _mode(parsed: _Parsed, *, has_default: bool, where: str) -> Mode:
    if parsed.container is not None:
        return Mode.REPEATED
    if parsed.nullable and not has_default:
        raise ContractError(
            f"{where}: a field that may be null may also be missing; write `... | None = None`"
        )
    return Mode.NULLABLE if has_default else Mode.REQUIRED


def _wire_annotation(parsed: _Parsed) -> Any:
    """What msgspec decodes into: lists and null around the constrained value."""
    base, spec = _constrained(parsed), parsed.spec
    if parsed.container is not None:
        base = list[base] if parsed.container is list else tuple[base, ...]  # type: ignore[valid-type] # built at run time
        if spec.min_items is not None or spec.max_items is not None:
            base = Annotated[base, msgspec.Meta(min_length=spec.min_items, max_length=spec.max_items)]
    return base | None if parsed.nullable else base


def _constrained(parsed: _Parsed) -> Any:
    """The annotation of a single value, with the constraints that msgspec itself checks while it decodes."""
    spec, base = parsed.spec, parsed.base
    meta: dict[str, Any] = {}
    if parsed.kind is Kind.INTEGER and not parsed.choices:
        low = max(
            bound
            for bound in (INT64_MIN, spec.ge, None if spec.gt is None else spec.gt + 1)
            if bound is not None
        )
        high = min(
            bound
            for bound in (INT64_MAX, spec.le, None if spec.lt is None else spec.lt - 1)
            if bound is not None
        )
        meta = {"ge": int(low), "le": int(high), "multiple_of": spec.multiple_of}
    elif parsed.kind is Kind.FLOAT:
        meta = {name: getattr(spec, name) for name in ("ge", "gt", "le", "lt", "multiple_of")}
    elif parsed.kind is Kind.STRING and not parsed.choices:
        meta = {"min_length": spec.min_length, "max_length": spec.max_length, "pattern": spec.pattern}
    elif parsed.kind is Kind.TIMESTAMP:
        meta = {"tz": True}
    meta = {name: value for name, value in meta.items() if value is not None}
    return Annotated[base, msgspec.Meta(**meta)] if meta else base


def _check_value(value: Any, annotation: Any, what: str) -> None:
    """A value in the class that the contract itself would refuse is a mistake."""
    try:
        msgspec.convert(msgspec.to_builtins(value), annotation)
    except (msgspec.ValidationError, TypeError, ValueError, ArithmeticError) as error:
        raise ContractError(f"{what} is not accepted by the field itself: {error}") from None


def _name(annotation: Any) -> str:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    plain = isinstance(annotation, type) and get_origin(annotation) is None
    return annotation.__name__ if plain else str(annotation).replace("typing.", "")
