"""Array functions, and arrays that are generated."""

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Call, function
from sluice.local.bigquery.sql.coercion import convert, mismatch, unify
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.sql.temporal import MICROS, part_of
from sluice.local.bigquery.types import DATE, INT64, STRING, TIMESTAMP, array_of

# More elements than this are refused: BigQuery has a limit of its own (about a million of INT64).
MAX_GENERATED = 1_000_000


def _array(call: Call, index: int = 0) -> Expr:
    value = call.arg(index)
    if value.type.item is None:
        raise mismatch(f"function {call.name}", value)
    return value


@function("ARRAY_LENGTH")
def _length(call: Call) -> Expr:
    call.count(1)
    value = _array(call)
    return computed(f"CAST(len({value.sql}) AS BIGINT)", INT64, value, plain=True)


@function("ARRAY_REVERSE")
def _reverse(call: Call) -> Expr:
    call.count(1)
    value = _array(call)
    return computed(f"list_reverse({value.sql})", value.type, value, plain=True)


@function("ARRAY_CONCAT")
def _concat(call: Call) -> Expr:
    args = unify(call.args(), "function ARRAY_CONCAT")
    if not args or args[0].type.item is None:
        raise mismatch("function ARRAY_CONCAT", *args)
    missing = " OR ".join(f"{arg.sql} IS NULL" for arg in args)
    joined = " || ".join(arg.sql for arg in args)
    return computed(f"CASE WHEN {missing} THEN NULL ELSE {joined} END", args[0].type, *args, plain=True)


@function("ARRAY_TO_STRING")
def _to_string(call: Call) -> Expr:
    call.count(2, 3)
    value = _array(call)
    if value.type.item != STRING:
        raise unsupported(f"ARRAY_TO_STRING of {value.type}")
    delimiter = convert(call.arg(1), STRING)
    items = f"list_filter({value.sql}, lambda v: v IS NOT NULL)"
    parts = [value, delimiter]
    if len(call.nodes) == 3:  # noqa: PLR2004 - the step may be left out
        null_text = convert(call.arg(2), STRING)
        items = f"list_transform({value.sql}, lambda v: coalesce(v, {null_text.sql}))"
        parts.append(null_text)
    joined = f"array_to_string({items}, {delimiter.sql})"
    body = f"CASE WHEN {value.sql} IS NULL THEN NULL WHEN len({items}) = 0 THEN '' ELSE {joined} END"
    return computed(body, STRING, *parts, plain=True)


@function("GENERATE_ARRAY")
def _generate(call: Call) -> Expr:
    call.count(2, 3)
    args = [convert(arg, INT64) if arg.type.kind in {"INT64", "NULL"} else arg for arg in call.args()]
    if any(arg.type != INT64 for arg in args):
        raise unsupported("GENERATE_ARRAY of anything but INT64")
    start, end = args[0], args[1]
    step = args[2] if len(args) > 2 else literals.constant(1, INT64)  # noqa: PLR2004 - the step may be left out
    return computed(_series(start.sql, end.sql, step.sql, "BIGINT[]"), array_of(INT64), *args)


def _series(start: str, end: str, step: str, duck: str) -> str:
    return (
        f"CASE WHEN {start} IS NULL OR {end} IS NULL OR {step} IS NULL THEN NULL "
        f"WHEN {step} = 0 THEN error('Sequence step cannot be 0.') "
        f"WHEN abs(({end} - {start}) // {step}) > {MAX_GENERATED} "
        f"THEN error('A generated array of more than {MAX_GENERATED} elements "
        "is not supported by the local BigQuery') "
        f"ELSE CAST(generate_series({start}, {end}, {step}) AS {duck}) END"
    )


@function("GENERATE_DATE_ARRAY", "GENERATE_TIMESTAMP_ARRAY")
def _generate_dates(call: Call) -> Expr:
    dates = call.name == "GENERATE_DATE_ARRAY"
    call.count(2 if dates else 3, 3)
    type_ = DATE if dates else TIMESTAMP
    start, end = (convert(call.arg(index), type_) for index in (0, 1))
    amount, part = 1, "DAY"
    if len(call.nodes) == 3:  # noqa: PLR2004 - the step may be left out
        interval = call.nodes[2]
        if not isinstance(interval, exp.Interval) or not isinstance(interval.this, exp.Literal):
            raise unsupported(f"{call.name} with a step that is not a literal INTERVAL")
        amount, part = int(interval.this.this), part_of(interval.args["unit"])
    if amount <= 0:
        raise unsupported(f"{call.name} with a step of {amount}")
    if dates and part in {"DAY", "WEEK"}:
        days = amount * (7 if part == "WEEK" else 1)
        numbers = _series(f"bq_days({start.sql})", f"bq_days({end.sql})", str(days), "INTEGER[]")
        return computed(
            f"list_transform({numbers}, lambda d: DATE '1970-01-01' + d)", array_of(DATE), start, end
        )
    if dates and part in {"MONTH", "QUARTER", "YEAR"}:
        months = amount * {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[part]
        count = f"(date_diff('month', {start.sql}, {end.sql}) // {months})"
        month = f"CAST({start.sql} + to_months(CAST(i * {months} AS INTEGER)) AS DATE)"
        dates_of = f"list_transform(range(0, {count} + 1), lambda i: {month})"
        body = f"list_filter({dates_of}, lambda d: d <= {end.sql})"
        return computed(f"CASE WHEN {count} IS NULL THEN NULL ELSE {body} END", array_of(DATE), start, end)
    if not dates and part in MICROS:
        step = amount * MICROS[part]
        numbers = _series(f"epoch_us({start.sql})", f"epoch_us({end.sql})", str(step), "BIGINT[]")
        return computed(
            f"list_transform({numbers}, lambda u: make_timestamp(u))", array_of(TIMESTAMP), start, end
        )
    raise invalid_query(f"{call.name} does not support the {part} date part")
