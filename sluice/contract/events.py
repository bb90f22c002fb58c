"""The base classes of everything in `pipeline.py`: `Event` and `Nested`.

A class is compiled when Python reads it, so a mistake shows as one line with its place, before anything runs.
"""

import inspect
import typing
from typing import Any, ClassVar

import msgspec

from sluice.contract.columns import Column, column
from sluice.contract.heads import EventOptions, check_options
from sluice.contract.names import TYPE_COLUMN, check_column, check_distinct, check_type, wire_name
from sluice.errors import ContractError


class StructMeta(msgspec.StructMeta):
    """Makes each class keyword-only, frozen, strict about unknown fields, and knows its columns."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        identity: str | None = None,
        **options: Any,
    ) -> Any:
        """Create the struct, compile its columns, and hand their constraints to msgspec."""
        if TYPE_COLUMN in namespace.get("__annotations__", ()):
            check_column(TYPE_COLUMN, f"{name}.{TYPE_COLUMN}", nested=mcs is StructMeta)
        cls = super().__new__(
            mcs, name, bases, namespace, kw_only=True, frozen=True, gc=False,
            forbid_unknown_fields=True, rename=wire_name, **options,
        )  # fmt: skip
        if bases and cls.__struct_fields__:
            _compile(cls, identity)
        return cls


def _compile(cls: Any, identity: str | None) -> None:
    try:
        own = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        hint = "; a Nested class cannot hold itself in BigQuery" if error.name == cls.__name__ else ""
        raise ContractError(
            f"{cls.__qualname__}: the type {error.name!r} is not defined above the class{hint}"
        ) from None
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        hints |= getattr(base, "__dict__", {}).get("__sluice_hints__", {})
    hints |= {name: own[name] for name in inspect.get_annotations(cls) if name in cls.__struct_fields__}
    defaults = _defaults(cls)
    cls.__sluice_hints__ = hints
    cls.__sluice_columns__ = tuple(
        column(
            name,
            hints[name],
            where=f"{cls.__qualname__}.{name}",
            has_default=name in defaults,
            default=defaults.get(name),
            identity=name == identity,
            nested=not isinstance(cls, EventMeta),
        )
        for name in cls.__struct_fields__
    )
    cls.__annotations__ = {compiled.attribute: compiled.annotation for compiled in cls.__sluice_columns__}
    check_distinct((compiled.name for compiled in cls.__sluice_columns__), cls.__qualname__)


def _defaults(cls: Any) -> dict[str, Any]:
    """Each defaulted field's default, factories called."""
    found: dict[str, Any] = {}
    for info in msgspec.structs.fields(cls):
        if info.default is not msgspec.NODEFAULT:
            found[info.name] = info.default
        elif info.default_factory is not msgspec.NODEFAULT:
            found[info.name] = info.default_factory()
    return found


@typing.dataclass_transform(kw_only_default=True)
class Nested(msgspec.Struct, metaclass=StructMeta):
    """Base of a struct inside an event: a RECORD column in BigQuery."""

    __sluice_columns__: ClassVar[tuple[Column, ...]] = ()


class EventMeta(StructMeta):
    """Takes the keywords of an event class's head."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        type: str | None = None,  # noqa: A002 - the field's own word
        id: str | None = None,  # noqa: A002 - same
        time: str | None = None,
        partition: str = "DAY",
        cluster: typing.Sequence[str] = (),
        table: str | None = None,
        weight: float = 1,
        version: str | None = None,
        **options: Any,
    ) -> Any:
        """Create the class; without `type` it is a base for others, and no event itself."""
        if options:
            raise ContractError(
                f"{name}: unknown keyword {', '.join(options)}; an event class takes type, id, time, "
                f"version, partition, cluster, table and weight"
            )
        if type is None:
            given = {"id": id, "time": time, "version": version, "cluster": cluster or None, "table": table}
            if any(value is not None for value in given.values()):
                raise ContractError(
                    f'{name}: give the event type\'s name, as in class {name}(Event, type="...")'
                )
            return super().__new__(mcs, name, bases, namespace)
        check_type(type, name)
        cls = super().__new__(mcs, name, bases, namespace, tag=type, tag_field=TYPE_COLUMN, identity=id)
        cls.__sluice_event__ = EventOptions(
            type=type,
            table=type if table is None else table,
            description=_docstring(namespace),
            id=id,
            time=_required_time(name, time),
            partition=partition,
            cluster=(cluster,) if isinstance(cluster, str) else tuple(cluster),
            weight=weight,
            version=version,
        )
        check_options(cls)
        return cls


@typing.dataclass_transform(kw_only_default=True)
class Event(msgspec.Struct, metaclass=EventMeta):
    """Base of an event type.

    `class Search(Event, type="search", id="search_id", time="searched_at", cluster=["username"])`

    - `type`: the value of the tag field `type` in JSON, and the table's name unless `table=` says otherwise.
    - `id`: the field that makes two records the same event; without it each Kinesis record is its own event.
    - `time`: the timestamp or date at which it happened; the table is partitioned by it.
    - `version`: the field that tells a newer state of the event from an older one.
    - `partition`: HOUR, DAY (the default), MONTH or YEAR.
    - `cluster`: up to four fields that analysts filter on.
    - `weight`: how often fake data picks this type, relative to the others.
    """

    __sluice_columns__: ClassVar[tuple[Column, ...]] = ()

    if typing.TYPE_CHECKING:

        def __init_subclass__(
            cls,
            *,
            type: str | None = None,  # noqa: A002 - the field's own word
            id: str | None = None,  # noqa: A002 - same
            time: str | None = None,
            partition: str = "DAY",
            cluster: typing.Sequence[str] = (),
            table: str | None = None,
            weight: float = 1,
            version: str | None = None,
        ) -> None: ...


def _docstring(namespace: dict[str, Any]) -> str:
    """The class's own docstring, unindented; a table without one has an empty description."""
    lines = str(namespace.get("__doc__") or "").strip().splitlines()
    return "\n".join(line.strip() for line in lines)


def _required_time(name: str, time: str | None) -> str:
    if time is None:
        raise ContractError(f'{name}: name the field of the event time, as in time="happened_at"')
    return time
