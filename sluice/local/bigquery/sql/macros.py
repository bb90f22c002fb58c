"""DuckDB macros for what BigQuery does otherwise: errors instead of NULL or infinity, NaN, rounding, weeks.

A macro that needs an argument twice takes it through a lambda, so that nested calls do not double the SQL.
"""

from typing import Final


def _let(name: str, parameters: tuple[str, ...], body: str) -> str:
    """Define a macro whose body sees each argument, evaluated once, as `p.<name>`."""
    packed = ", ".join(f"{each} := {each}" for each in parameters)
    return (
        f"CREATE MACRO {name}({', '.join(parameters)}) AS "
        f"list_transform([struct_pack({packed})], lambda p: {body})[1]"
    )


_ZERO: Final = "error('division by zero: ' || p.a || ' / ' || p.b)"
_BILLION: Final = "CAST(1000000000 AS DECIMAL(10,0))"

MACROS: Final = (
    # Arithmetic that fails as BigQuery's does.
    _let("bq_div", ("a", "b"), f"CASE WHEN p.b = 0 THEN {_ZERO} ELSE p.a / p.b END"),
    _let("bq_intdiv", ("a", "b"), f"CASE WHEN p.b = 0 THEN {_ZERO} ELSE p.a // p.b END"),
    _let(
        "bq_mod",
        ("a", "b"),
        "CASE WHEN p.b = 0 THEN error('division by zero: MOD(' || p.a || ', ' || p.b || ')') "
        "ELSE p.a % p.b END",
    ),
    _let("bq_finite", ("x",), "CASE WHEN isinf(p.x) THEN error('Floating point overflow') ELSE p.x END"),
    # Whole numbers divided, halves rounded away from zero.
    _let(
        "bq_round_div",
        ("a", "b"),
        "CASE WHEN 2 * abs(p.a % p.b) >= abs(p.b) "
        "THEN p.a // p.b + CASE WHEN (p.a < 0) = (p.b < 0) THEN 1 ELSE -1 END ELSE p.a // p.b END",
    ),
    # A NUMERIC as its whole number of billionths, and back.
    f"CREATE MACRO bq_units(x) AS CAST(x * {_BILLION} AS HUGEINT)",
    (
        "CREATE MACRO bq_from_units(u) AS "
        "CAST(CAST(u AS DECIMAL(38,0)) * CAST(0.000000001 AS DECIMAL(9,9)) AS DECIMAL(38,9))"
    ),
    _let(
        "bq_numeric_div",
        ("a", "b"),
        f"CASE WHEN p.b = 0 THEN {_ZERO} "
        "ELSE bq_from_units(bq_round_div(bq_units(p.a) * 1000000000, bq_units(p.b))) END",
    ),
    _let(
        "bq_numeric_avg",
        ("s", "n"),
        "CASE WHEN p.n = 0 THEN NULL "
        "ELSE bq_from_units(bq_round_div(bq_units(p.s), CAST(p.n AS HUGEINT))) END",
    ),
    # FLOAT64 comparisons: NaN equals nothing and is neither above nor below anything.
    (
        "CREATE MACRO bq_cmp(a, b, held, unordered) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL "
        "WHEN isnan(a) OR isnan(b) THEN unordered ELSE held END"
    ),
    # Conversions.
    "CREATE MACRO bq_numeric_text(x) AS regexp_replace(CAST(x AS VARCHAR), '\\.?0+$', '')",
    "CREATE MACRO bq_numeric_float(x) AS CAST(CAST(x AS VARCHAR) AS DOUBLE)",
    _let(
        "bq_float_int",
        ("x",),
        "CASE WHEN isnan(p.x) OR isinf(p.x) "
        "THEN error('Illegal conversion of non-finite floating point number to an integer: ' || p.x) "
        "ELSE CAST(round(p.x) AS BIGINT) END",
    ),
    # 15 digits where they say it all, else 17. Zero with a sign, and where 16 would do, are not documented.
    _let(
        "bq_float_text",
        ("x",),
        "CASE WHEN p.x IS NULL THEN NULL WHEN isnan(p.x) THEN 'nan' WHEN isinf(p.x) THEN "
        "CASE WHEN p.x > 0 THEN 'inf' ELSE '-inf' END "
        "WHEN (p.x = 0 AND NOT signbit(p.x)) OR "
        "(p.x <> 0 AND TRY_CAST(printf('%.15g', p.x) AS DOUBLE) = p.x) THEN printf('%.15g', p.x) "
        "WHEN p.x <> 0 AND TRY_CAST(printf('%.16g', p.x) AS DOUBLE) IS DISTINCT FROM p.x "
        "THEN printf('%.17g', p.x) "
        "ELSE error('A cast of the FLOAT64 ' || p.x || ' to STRING is not supported by the local BigQuery "
        "(ROUND it, or FORMAT it with %.2f)') END",
    ),
    # Array access.
    _let(
        "bq_at",
        ("l", "i"),
        "CASE WHEN p.l IS NULL OR p.i IS NULL THEN NULL WHEN p.i < 0 OR p.i >= len(p.l) "
        "THEN error('Array index ' || p.i || ' is out of bounds') ELSE p.l[p.i + 1] END",
    ),
    _let("bq_safe_at", ("l", "i"), "CASE WHEN p.i < 0 OR p.i >= len(p.l) THEN NULL ELSE p.l[p.i + 1] END"),
    # Days since 1970-01-01, a Thursday; weeks counted from a weekday (shift 4 for Sunday, 3 for Monday).
    "CREATE MACRO bq_days(d) AS CAST(CAST(d AS DATE) - DATE '1970-01-01' AS BIGINT)",
    "CREATE MACRO bq_week(d, shift) AS CAST(floor((bq_days(d) + shift) / 7.0) AS BIGINT)",
    (
        "CREATE MACRO bq_week_start(d, shift) AS "
        "CAST(d AS DATE) - CAST((((bq_days(d) + shift) % 7) + 7) % 7 AS INTEGER)"
    ),
    # Sub-seconds are written in groups of three digits, and not at all when they are zero.
    _let(
        "bq_fraction",
        ("us",),
        "CASE WHEN p.us % 1000000 = 0 THEN '' "
        "WHEN p.us % 1000 = 0 THEN '.' || lpad(CAST((p.us % 1000000) // 1000 AS VARCHAR), 3, '0') "
        "ELSE '.' || lpad(CAST(p.us % 1000000 AS VARCHAR), 6, '0') END",
    ),
    "CREATE MACRO bq_datetime_text(x) AS strftime(x, '%Y-%m-%d %H:%M:%S') || bq_fraction(microsecond(x))",
    (
        "CREATE MACRO bq_time_text(x) AS "
        "strftime(DATE '2000-01-01' + x, '%H:%M:%S') || bq_fraction(microsecond(x))"
    ),
    # Quantiles by nearest rank: exact, where BigQuery's own are exact for few rows and approximate for many.
    _let(
        "bq_quantiles",
        ("l", "n"),
        "CASE WHEN p.l IS NULL OR len(p.l) = 0 THEN NULL ELSE list_transform(range(0, p.n + 1), "
        "lambda i: p.l[greatest(1, (i * len(p.l) + p.n - 1) // p.n)]) END",
    ),
    # The most frequent values, NULL among them, and those of the greatest sums; equal ones by their value.
    _let(
        "bq_top_count",
        ("l", "n"),
        "CASE WHEN p.l IS NULL THEN NULL ELSE list_transform(list_slice(list_sort("
        "list_transform(coalesce(map_entries(list_aggregate(p.l, 'histogram')), []), "
        "lambda e: struct_pack(o := -CAST(e.value AS BIGINT), v := e.key)) || "
        "CASE WHEN len(p.l) > list_count(p.l) "
        "THEN [struct_pack(o := CAST(list_count(p.l) AS BIGINT) - len(p.l), v := NULL)] ELSE [] END"
        '), 1, p.n), lambda e: struct_pack("value" := e.v, "count" := -e.o)) END',
    ),
    _let(
        "bq_top_sum",
        ("l", "d", "n", "most"),
        "CASE WHEN p.l IS NULL THEN NULL WHEN len(p.l) * len(p.d) > p.most "
        "THEN error('APPROX_TOP_SUM over so many values is not supported by the local BigQuery') "
        "ELSE list_transform(list_slice(list_sort(list_transform(p.d, lambda k: struct_pack(o := "
        "-list_sum(list_transform(list_filter(p.l, lambda e: e.v IS NOT DISTINCT FROM k), lambda e: e.w)), "
        'v := k))), 1, p.n), lambda e: struct_pack("value" := e.v, "sum" := -e.o)) END',
    ),
)
