"""The head of an event class: which of its fields have a role, and whether they can play it."""

from dataclasses import dataclass
from typing import Any

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode
from sluice.contract.names import check_table
from sluice.errors import ContractError

MAX_CLUSTER_COLUMNS = 4
MAX_NESTING = 15
MAX_COLUMNS = 10_000
MAX_TABLE_DESCRIPTION = 16_384
"""cloud.google.com/bigquery/quotas#standard_tables and .../nested-repeated#limitations (as of 2025)."""

MAX_WEIGHT = 1e9
PARTITIONS = ("HOUR", "DAY", "MONTH", "YEAR")
_CLUSTERABLE = {Kind.STRING, Kind.INTEGER, Kind.BOOLEAN, Kind.DECIMAL, Kind.TIMESTAMP, Kind.DATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """What the head of an event class says."""

    type: str
    table: str
    description: str
    id: str | None
    time: str
    partition: str
    cluster: tuple[str, ...]
    weight: float
    version: str | None


def check_options(cls: Any) -> None:
    """Refuse a head that does not fit its fields, naming the class and what would be accepted."""
    options: EventOptions = cls.__sluice_event__
    where = cls.__qualname__
    columns = {compiled.attribute: compiled for compiled in cls.__sluice_columns__}
    check_table(options.table, where)
    if len(options.description) > MAX_TABLE_DESCRIPTION:
        raise ContractError(
            f"{where}: the docstring is longer than the {MAX_TABLE_DESCRIPTION} characters BigQuery takes"
        )
    for word, name in (
        ("id", options.id),
        ("time", options.time),
        ("version", options.version),
        *(("cluster", one) for one in options.cluster),
    ):
        if name is not None and name not in columns:
            raise ContractError(
                f"{where}: {word}={name!r} is no field of the class; it has {', '.join(columns) or 'none'}"
            )
    if options.id is not None:
        _check_id(columns[options.id], where)
    _check_time(columns[options.time], options.partition, where)
    if options.version is not None:
        _check_version(columns[options.version], options, where)
    _check_cluster([columns[name] for name in options.cluster], where)
    if (
        isinstance(options.weight, bool)
        or not isinstance(options.weight, (int, float))
        or not 0 <= options.weight < MAX_WEIGHT
    ):
        raise ContractError(f"{where}: weight={options.weight!r} must be a number, 0 or more")
    if _depth(cls.__sluice_columns__) > MAX_NESTING:
        raise ContractError(
            f"{where}: structs are nested deeper than the {MAX_NESTING} levels BigQuery takes"
        )
    if _count(cls.__sluice_columns__) + 5 > MAX_COLUMNS:
        raise ContractError(f"{where}: more than the {MAX_COLUMNS} columns BigQuery takes")


def _check_id(compiled: Column, where: str) -> None:
    if (
        compiled.mode is not Mode.REQUIRED
        or compiled.kind not in (Kind.STRING, Kind.INTEGER)
        or compiled.choices
    ):
        raise ContractError(f"{where}: id={compiled.attribute!r} must be a str or int without a default")
    if compiled.spec.min_length == 0:
        raise ContractError(
            f"{where}: id={compiled.attribute!r} may be empty, and all empty ids would count as one event; "
            f"drop min_length=0"
        )


def _check_time(compiled: Column, partition: str, where: str) -> None:
    if compiled.mode is not Mode.REQUIRED or compiled.kind not in (Kind.TIMESTAMP, Kind.DATE):
        raise ContractError(
            f"{where}: time={compiled.attribute!r} must be a datetime or date without a default"
        )
    if partition not in PARTITIONS:
        raise ContractError(f"{where}: partition={partition!r} is none of {', '.join(PARTITIONS)}")
    if partition == "HOUR" and compiled.kind is Kind.DATE:
        raise ContractError(
            f"{where}: partition='HOUR' needs a datetime as event time; {compiled.attribute!r} is a date"
        )


def _check_version(compiled: Column, options: EventOptions, where: str) -> None:
    name = compiled.attribute
    if options.id is None:
        raise ContractError(f"{where}: version={name!r} orders the states of one event; name its id, too")
    if name in (options.id, options.time):
        raise ContractError(
            f"{where}: version={name!r} is the event's {'id' if name == options.id else 'time'}, which all "
            f"its states share; name a field that grows from one state to the next"
        )
    if (
        compiled.mode is not Mode.REQUIRED
        or compiled.kind not in (Kind.INTEGER, Kind.TIMESTAMP)
        or compiled.choices
    ):
        raise ContractError(f"{where}: version={name!r} must be an int or datetime without a default")
    spec = compiled.spec
    least = spec.ge if spec.gt is None else spec.gt + 1
    if compiled.kind is Kind.INTEGER and (least is None or least < 0):
        raise ContractError(
            f"{where}: version={name!r} may be negative, and OpenSearch's versions are not; write "
            f"Annotated[int, field(..., ge=0)]"
        )


def _check_cluster(columns: list[Column], where: str) -> None:
    if len(columns) > MAX_CLUSTER_COLUMNS:
        raise ContractError(
            f"{where}: cluster= names {len(columns)} fields; BigQuery takes up to {MAX_CLUSTER_COLUMNS}"
        )
    if len({compiled.name for compiled in columns}) != len(columns):
        raise ContractError(f"{where}: cluster= names a field twice")
    for compiled in columns:
        if compiled.kind not in _CLUSTERABLE or compiled.mode is Mode.REPEATED:
            raise ContractError(
                f"{where}: cluster={compiled.attribute!r} is {compiled.mode} {compiled.kind}; BigQuery "
                f"clusters by single strings, integers, booleans, decimals, timestamps and dates"
            )


def _depth(columns: tuple[Column, ...]) -> int:
    return max((1 + _depth(compiled.columns) for compiled in columns if compiled.columns), default=0)


def _count(columns: tuple[Column, ...]) -> int:
    return len(columns) + sum(_count(compiled.columns) for compiled in columns)
