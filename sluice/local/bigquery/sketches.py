"""The sketch functions of `bqutil.datasketches`, as functions that DuckDB calls: sketches are BYTES.

The same library that BigQuery's functions are compiled from reads and merges them, so the bytes are the same:
https://github.com/apache/datasketches-bigquery (read in November 2026). It is imported by the first call,
which most runs of the server never see.
"""

from collections.abc import Sequence
from typing import Any, Final

from sluice.local.bigquery.native import Native

_LG_K: Final = 12
_KLL_K: Final = 200
_ITEM: Final = "STRUCT(item VARCHAR, estimate BIGINT, lower_bound BIGINT, upper_bound BIGINT)"


def _hll_union(sketches: Sequence[bytes]) -> bytes:
    import datasketches  # noqa: PLC0415 - see the module's text

    union = datasketches.hll_union(_LG_K)
    for sketch in sketches:
        union.update(datasketches.hll_sketch.deserialize(sketch))
    return bytes(union.get_result(datasketches.tgt_hll_type.HLL_4).serialize_compact())


def _hll_estimate(sketch: bytes) -> float:
    import datasketches  # noqa: PLC0415 - see the module's text

    return float(datasketches.hll_sketch.deserialize(sketch).get_estimate())


def _kll_merge(sketches: Sequence[bytes]) -> bytes:
    import datasketches  # noqa: PLC0415 - see the module's text

    merged = datasketches.kll_floats_sketch(_KLL_K)
    for sketch in sketches:
        merged.merge(datasketches.kll_floats_sketch.deserialize(sketch))
    return bytes(merged.serialize())


def _kll_quantile(sketch: bytes | None, rank: float | None, inclusive: bool | None) -> float | None:  # noqa: FBT001 - the function's own order
    import datasketches  # noqa: PLC0415 - see the module's text

    if sketch is None or rank is None or inclusive is None:
        return None
    found = datasketches.kll_floats_sketch.deserialize(sketch)
    return None if found.is_empty() else float(found.get_quantile(rank, inclusive))


def _strings_merge(sketches: Sequence[bytes], lg_map_size: int) -> bytes:
    import datasketches  # noqa: PLC0415 - see the module's text

    merged = datasketches.frequent_strings_sketch(lg_map_size)
    for sketch in sketches:
        merged.merge(datasketches.frequent_strings_sketch.deserialize(sketch))
    return bytes(merged.serialize())


def _strings_result(sketch: bytes, error_type: str, threshold: int) -> list[dict[str, Any]]:
    import datasketches  # noqa: PLC0415 - see the module's text

    kind = getattr(datasketches.frequent_items_error_type, error_type)
    rows = datasketches.frequent_strings_sketch.deserialize(sketch).get_frequent_items(kind, threshold)
    names = ("item", "estimate", "lower_bound", "upper_bound")
    return [dict(zip(names, row, strict=True)) for row in rows]


FUNCTIONS: Final[tuple[Native, ...]] = (
    Native("bq_hll_union", _hll_union, ("BLOB[]",), "BLOB"),
    Native("bq_hll_estimate", _hll_estimate, ("BLOB",), "DOUBLE"),
    Native("bq_kll_merge", _kll_merge, ("BLOB[]",), "BLOB"),
    Native("bq_kll_quantile", _kll_quantile, ("BLOB", "DOUBLE", "BOOLEAN"), "DOUBLE", null_too=True),
    Native("bq_strings_merge", _strings_merge, ("BLOB[]", "BIGINT"), "BLOB"),
    Native("bq_strings_result", _strings_result, ("BLOB", "VARCHAR", "BIGINT"), f"{_ITEM}[]"),
)
