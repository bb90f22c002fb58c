"""The stand-in for OpenSearch: what Sluice asks, answered from memory, and the rest refused by name."""

import gzip
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from sluice.local.opensearch.bulk import bulk
from sluice.local.opensearch.catalog import Catalog, Index
from sluice.local.opensearch.engines import Answered, Asked
from sluice.local.opensearch.errors import Body, Refused, bad, no_handler, unsupported
from sluice.local.opensearch.mapping import checked, grown
from sluice.local.opensearch.search import count, search

NOT_FOUND = 404
MOST_BYTES: Final = 100 * 1024 * 1024
"""`http.max_content_length`."""

VERSION: Final = "2.19.1"
_DONE: Final = {"acknowledged": True}
_IGNORED: Final = frozenset({"timeout", "refresh", "pretty", "cluster_manager_timeout"})
_KNOWN: Final = frozenset({"filter_path", "format"})

Handler = Callable[["_Request"], Any]


class _Request:
    """A request, its path taken apart."""

    def __init__(self, asked: Asked, parts: tuple[str, ...]) -> None:
        self.parts = parts
        self.parameters = dict(parse_qsl(asked.query, keep_blank_values=True))
        packed = asked.headers.get("content-encoding", "").lower() == "gzip"
        self.raw = gzip.decompress(asked.body) if packed else asked.body
        unknown = set(self.parameters) - _IGNORED - _KNOWN
        if unknown:
            raise unsupported(f"the parameter {', '.join(sorted(unknown))}")

    @property
    def body(self) -> Body:
        """The JSON object that came."""
        try:
            found = msgspec.json.decode(self.raw or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise bad(str(error), "json_parse_exception") from None
        if not isinstance(found, dict):
            raise bad("an object is expected", "parsing_exception")
        return found


class StandIn:
    """An OpenSearch of one node, in memory. Safe for several threads, one request at a time."""

    name = "OpenSearch (stand-in)"

    def __init__(self) -> None:
        self._catalog = Catalog()
        self._lock = threading.Lock()
        self._alive = True
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, re.compile(pattern), handler)
            for methods, pattern, handler in self._table()
            for method in methods.split()
        ]

    def start(self) -> None:
        """Begin, or go on: what it holds survives `kill`, as a node's folder does."""
        self._alive = True

    def kill(self) -> None:
        """Answer nothing any more."""
        self._alive = False

    def close(self) -> None:
        """Nothing is left behind."""

    def answer(self, asked: Asked) -> Answered | None:
        """Answer as a node would; None while it is dead."""
        if not self._alive:
            return None
        try:
            return self._answer(asked)
        except Refused as refused:
            return Answered(refused.status, refused.body())

    def _answer(self, asked: Asked) -> Answered:
        if len(asked.body) > MOST_BYTES:
            return Answered(413, b"", "text/plain")
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(asked.path)
            if found is None or method != asked.method:
                continue
            request = _Request(asked, tuple(unquote(part) for part in found.groups() if part is not None))
            with self._lock:
                status, body = _with_status(handler(request))
            if request.parameters.get("filter_path"):
                body = _filtered(body, request.parameters["filter_path"])
            return Answered(status, b"" if asked.method == "HEAD" else msgspec.json.encode(body))
        return Answered(400, no_handler(asked.method, asked.path))

    def _table(self) -> list[tuple[str, str, Handler]]:
        name = r"/([^/_][^/]*)"
        return [
            ("GET HEAD", "/", self._root),
            ("GET", "/_cluster/health", self._health),
            ("POST PUT", r"/_bulk", self._bulk),
            ("POST PUT", rf"{name}/_bulk", self._bulk),
            ("GET POST", rf"(?:{name})?/_search", self._search),
            ("GET POST", rf"(?:{name})?/_count", self._count),
            ("GET POST", rf"(?:{name})?/_refresh", self._refresh),
            ("GET", rf"{name}/_doc/([^/]+)", self._get),
            ("PUT POST", r"/_component_template/([^/]+)", self._put_component),
            ("GET", r"/_component_template/([^/]+)", self._get_component),
            ("PUT POST", r"/_index_template/([^/]+)", self._put_template),
            ("GET", r"/_index_template/([^/]+)", self._get_template),
            ("GET", rf"(?:{name})?/_mapping", self._get_mapping),
            ("PUT POST", rf"{name}/_mapping", self._put_mapping),
            ("PUT", rf"{name}/_settings", self._put_settings),
            ("GET", rf"(?:{name})?/_alias", self._get_aliases),
            ("POST", r"/_aliases", self._update_aliases),
            ("GET", r"/_cat/indices(?:/([^/]+))?", self._cat),
            ("PUT", name, self._create),
            ("DELETE", name, self._delete),
            ("HEAD", name, self._exists),
        ]

    def _root(self, _request: _Request) -> Body:
        return {
            "name": "stand-in",
            "cluster_name": "sluice",
            "version": {"distribution": "opensearch", "number": VERSION, "build_type": "sluice stand-in"},
        }

    def _health(self, _request: _Request) -> Body:
        return {"cluster_name": "sluice", "status": "green", "timed_out": False, "number_of_nodes": 1}

    def _bulk(self, request: _Request) -> Body:
        return bulk(self._catalog, request.raw, request.parts[0] if request.parts else None)

    def _indices(self, request: _Request) -> list[Index]:
        return self._catalog.found(request.parts[0] if request.parts else "_all")

    def _search(self, request: _Request) -> Body:
        return search(self._indices(request), request.body)

    def _count(self, request: _Request) -> Body:
        return count(self._indices(request), request.body)

    def _refresh(self, request: _Request) -> Body:
        found = len(self._indices(request))
        return {"_shards": {"total": found, "successful": found, "failed": 0}}

    def _get(self, request: _Request) -> tuple[int, Body]:
        name, identity = request.parts
        found = self._catalog.found(name)
        if len(found) != 1:
            raise bad(
                f"alias [{name}] has more than one index associated with it, can't execute a single index op"
            )
        document = found[0].documents.get(identity)
        where = {"_index": found[0].name, "_id": identity}
        if document is None:
            return NOT_FOUND, {**where, "found": False}
        source = msgspec.Raw(document.source)
        return 200, {**where, "_version": document.version, "found": True, "_source": source}

    def _put_component(self, request: _Request) -> Body:
        self._catalog.put_component(request.parts[0], request.body)
        return _DONE

    def _get_component(self, request: _Request) -> Body:
        one = _one(self._catalog.components, request.parts[0], "component template")
        return {"component_templates": [{"name": request.parts[0], "component_template": one}]}

    def _put_template(self, request: _Request) -> Body:
        self._catalog.put_template(request.parts[0], request.body)
        return _DONE

    def _get_template(self, request: _Request) -> Body:
        one = _one(self._catalog.templates, request.parts[0], "index template")
        return {"index_templates": [{"name": request.parts[0], "index_template": one}]}

    def _get_mapping(self, request: _Request) -> Body:
        return {index.name: {"mappings": index.mapping} for index in self._indices(request)}

    def _put_mapping(self, request: _Request) -> Body:
        more = checked(request.body)
        found = self._indices(request)
        merged = [grown(index.properties, more["properties"]) for index in found]
        for index, properties in zip(found, merged, strict=True):
            index.mapping = {**index.mapping, **more, "properties": properties}
        return _DONE

    def _put_settings(self, request: _Request) -> Body:
        for index in self._indices(request):
            index.settings.update(request.body.get("index") or request.body)
        return _DONE

    def _get_aliases(self, request: _Request) -> Body:
        return {
            index.name: {"aliases": {alias: {} for alias in sorted(index.aliases)}}
            for index in self._indices(request)
        }

    def _update_aliases(self, request: _Request) -> Body:
        self._catalog.update_aliases(request.body)
        return _DONE

    def _cat(self, request: _Request) -> list[Body]:
        if request.parameters.get("format") != "json":
            raise unsupported("_cat without format=json")
        return [
            {
                "health": "green",
                "status": "open",
                "index": index.name,
                "uuid": index.uuid,
                "pri": str(index.settings.get("number_of_shards", 1)),
                "rep": str(index.settings.get("number_of_replicas", 1)),
                "docs.count": str(len(index.documents)),
                "docs.deleted": "0",
            }
            for index in self._indices(request)
        ]

    def _create(self, request: _Request) -> Body:
        name = request.parts[0]
        if request.body:
            raise unsupported("an index with a mapping or settings of its own")
        if name in self._catalog.indices:
            raise bad(f"index [{name}] already exists", "resource_already_exists_exception", index=name)
        self._catalog.create(name)
        return {**_DONE, "shards_acknowledged": True, "index": name}

    def _delete(self, request: _Request) -> Body:
        for index in self._indices(request):
            del self._catalog.indices[index.name]
        return _DONE

    def _exists(self, request: _Request) -> tuple[int, Body]:
        try:
            return (200 if self._indices(request) else NOT_FOUND), {}
        except Refused as refused:
            return refused.status, {}


def _with_status(answer: Any) -> tuple[int, Any]:
    return answer if isinstance(answer, tuple) else (200, answer)


def _one(among: Mapping[str, Body], name: str, what: str) -> Body:
    if name not in among:
        reason = f"{what} matching [{name}] not found"
        raise Refused(NOT_FOUND, "resource_not_found_exception", reason)
    return among[name]


def _filtered(body: Any, paths: str) -> Any:
    """Only what the paths name, `*` standing for any one step; lists are passed through."""
    kept = _kept(body, [path.split(".") for path in paths.split(",")])
    return {} if kept is None else kept


def _kept(value: Any, paths: list[list[str]]) -> Any:
    if any(not path for path in paths):
        return value
    if isinstance(value, list):
        found = [each for each in (_kept(one, paths) for one in value) if each is not None]
        return found or None
    if not isinstance(value, dict):
        return None
    kept = {}
    for key, each in value.items():
        below = [path[1:] for path in paths if path[0] in ("*", key)]
        inner = _kept(each, below) if below else None
        if inner is not None:
            kept[key] = inner
    return kept or None
