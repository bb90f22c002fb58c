"""Searching and counting: the part of the query language that Sluice needs, exactly or not at all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sluice.local.opensearch.catalog import Index
from sluice.local.opensearch.errors import Body, bad, unsupported
from sluice.local.opensearch.found import LINEAGE_ID, Found, Hit, exists, fields_of, term, within
from sluice.local.opensearch.lucene import parsed
from sluice.local.opensearch.values import LEAST_INT, LEAST_LONG, MOST_INT, MOST_LONG

DEFAULT_SIZE: Final = 10
MOST_HITS: Final = 10_000
"""`index.max_result_window` of an index that does not set it."""

_SEARCH: Final = frozenset({"query", "sort", "size", "from", "track_total_hits", "_source", "timeout"})
_QUERY_STRING: Final = frozenset({"query", "default_operator", "lenient", "fields", "default_field"})
_BOUNDS: Final = frozenset({"gte", "gt", "lte", "lt"})
_OCCURS: Final = frozenset({"must", "filter", "should", "must_not", "minimum_should_match"})
_SHARDS: Final = {"skipped": 0, "failed": 0}


def count(indices: Sequence[Index], body: Body) -> Body:
    """Count what matches."""
    if set(body) - {"query"}:
        raise unsupported(f"{', '.join(sorted(set(body) - {'query'}))} in a count")
    if not body.get("query"):
        found = sum(len(index.documents) for index in indices)
    else:
        found = sum(1 for _ in _matching(indices, compiled(body["query"])))
    return {"count": found, "_shards": _shards(indices)}


def search(indices: Sequence[Index], body: Body) -> Body:
    """Find, sort and cut.

    Raises:
        Refused: OpenSearch would refuse it, or the stand-in does not know it.
    """
    unknown = set(body) - _SEARCH
    if unknown:
        raise unsupported(f"{', '.join(sorted(unknown))} in a search")
    size, begin = int(body.get("size", DEFAULT_SIZE)), int(body.get("from", 0))
    if size + begin > MOST_HITS:
        raise bad(f"Result window is too large, from + size must be less than or equal to: [{MOST_HITS}]")
    query = body.get("query") or {"match_all": {}}
    found = list(_matching(indices, compiled(query)))
    keys = [_key(one, indices) for one in _sorts(body.get("sort"))]
    if not keys and size and "match_all" not in query:
        raise unsupported("hits without `sort`: it computes no scores")
    for key in reversed(keys):
        found = _sorted(found, key.value, descending=key.descending)
    hits = [
        _hit(index, one, [key.shown(one) for key in keys], body) for index, one in found[begin : begin + size]
    ]
    total = {"value": len(found), "relation": "eq"}
    score = None if keys or not found else 1.0
    return {
        "took": 0,
        "timed_out": False,
        "_shards": _shards(indices),
        "hits": {"total": total, "max_score": score, "hits": hits},
    }


def _sorted(
    found: list[tuple[Index, Found]], key: Callable[[Found], Any], *, descending: bool
) -> list[tuple[Index, Found]]:
    present = [one for one in found if key(one[1]) is not None]
    present.sort(key=lambda one: key(one[1]), reverse=descending)
    return [*present, *(one for one in found if key(one[1]) is None)]


def _shards(indices: Sequence[Index]) -> Body:
    return {"total": len(indices), "successful": len(indices), **_SHARDS}


def _matching(indices: Sequence[Index], hit: Hit) -> Iterable[tuple[Index, Found]]:
    for index in indices:
        fields = fields_of(index.properties)
        for identity, document in index.documents.items():
            found = Found(identity, msgspec.json.decode(document.source), fields)
            if hit(found):
                yield index, found


def _hit(index: Index, found: Found, sort: list[Any], body: Body) -> Body:
    wanted = body.get("_source", True)
    if not isinstance(wanted, bool):
        raise unsupported("parts of `_source`")
    scored = {"_score": None if sort else 1.0}
    source = {"_source": found.source} if wanted else {}
    return {
        "_index": index.name,
        "_id": found.id,
        **scored,
        **source,
        **({"sort": sort} if sort else {}),
    }


def _sorts(given: Any) -> list[tuple[str, Body]]:
    listed = given if isinstance(given, list) else [given] if given else []
    sorts = []
    for one in listed:
        ((name, how),) = one.items() if isinstance(one, dict) else ((one, {}),)
        how = {"order": how} if isinstance(how, str) else how
        if set(how) - {"order", "unmapped_type", "missing"} or how.get("missing", "_last") != "_last":
            raise unsupported(f"sort {one}")
        sorts.append((name, how))
    return sorts


class _Key(NamedTuple):
    """How hits are sorted: by which value, which way round, and what an answer shows of it."""

    value: Callable[[Found], Any]
    descending: bool
    shown: Callable[[Found], Any]


def _key(sort: tuple[str, Body], indices: Sequence[Index]) -> _Key:
    name, how = sort
    descending = how.get("order", "asc") == "desc"
    kind = how.get("unmapped_type")
    for index in indices:
        field = fields_of(index.properties).get(name)
        if field is None and "unmapped_type" not in how:
            reason = f"No mapping found for [{name}] in order to sort on"
            raise bad(reason, "query_shard_exception", index=index.name)
        if field is not None and field["type"] == "text":
            raise bad(
                f"Text fields are not optimised for operations that require per-document field data like "
                f"aggregations and sorting, so these operations are disabled by default. ([{name}])"
            )
        kind = kind if field is None else field["type"]
    missing = _missing(kind, descending=descending)

    def key(found: Found) -> Any:
        values = found.values(name)
        return (max if descending else min)(values) if values else None

    def shown(found: Found) -> Any:
        value = key(found)
        return missing if value is None else int(value) if isinstance(value, bool) else value

    return _Key(key, descending, shown)


def _missing(kind: str | None, *, descending: bool) -> Any:
    """What is shown as the sort value of a document without one: the end of the scale that comes last."""
    if kind == "keyword":
        return None
    if kind == "double":
        return "-Infinity" if descending else "Infinity"
    if kind == "boolean":
        return LEAST_INT if descending else MOST_INT
    return LEAST_LONG if descending else MOST_LONG


def compiled(query: Mapping[str, Any]) -> Hit:
    """What a query of the query language matches."""
    if len(query) != 1:
        raise bad("[query] expects exactly one query", "parsing_exception")
    ((name, what),) = query.items()
    build = _QUERIES.get(name)
    if build is None:
        raise unsupported(f"the query [{name}]")
    return build(what)


def _match_all(_what: Any) -> Hit:
    return lambda _found: True


def _match_none(_what: Any) -> Hit:
    return lambda _found: False


def _ids(what: Body) -> Hit:
    among = frozenset(what["values"])
    return lambda found: found.id in among


def _term(what: Body) -> Hit:
    ((path, value),) = what.items()
    if isinstance(value, dict):
        if set(value) != {"value"}:
            raise unsupported(f"term {what}")
        value = value["value"]
    return term(path, value)


def _terms(what: Body) -> Hit:
    ((path, values),) = what.items()
    hits = [term(path, value) for value in values]
    return lambda found: any(hit(found) for hit in hits)


def _range(what: Body) -> Hit:
    ((path, bounds),) = what.items()
    if set(bounds) - _BOUNDS or path == LINEAGE_ID:
        raise unsupported(f"range {what}")
    return within(path, {name: bound for name, bound in bounds.items() if bound is not None})


def _exists(what: Body) -> Hit:
    return exists(what["field"])


def _bool(what: Body) -> Hit:
    if set(what) - _OCCURS:
        raise unsupported(f"{', '.join(sorted(set(what) - _OCCURS))} of a bool query")
    parts = {
        name: [compiled(one) for one in _listed(what.get(name))] for name in ("must", "filter", "should")
    }
    never = [compiled(one) for one in _listed(what.get("must_not"))]
    required = [*parts["must"], *parts["filter"]]
    least = what.get("minimum_should_match", 0 if required else 1)
    if not isinstance(least, int):
        raise unsupported(f"minimum_should_match {least}")
    least = least if parts["should"] else 0

    def hit(found: Found) -> bool:
        return (
            all(one(found) for one in required)
            and not any(one(found) for one in never)
            and (least == 0 or sum(one(found) for one in parts["should"]) >= least)
        )

    return hit


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given] if given else []


def _query_string(what: Body) -> Hit:
    if set(what) - _QUERY_STRING or not what.get("lenient"):
        raise unsupported("a query_string that is not lenient, or with more than query, fields and operator")
    fields = what.get("fields") or ([what["default_field"]] if what.get("default_field") else None)
    if fields and any("*" in one or "^" in one for one in fields):
        raise unsupported(f"fields {', '.join(fields)}")
    return parsed(what["query"], fields, every=str(what.get("default_operator", "or")).lower() == "and")


_QUERIES: Final[Mapping[str, Callable[[Any], Hit]]] = {
    "match_all": _match_all,
    "match_none": _match_none,
    "ids": _ids,
    "term": _term,
    "terms": _terms,
    "range": _range,
    "exists": _exists,
    "bool": _bool,
    "query_string": _query_string,
}
