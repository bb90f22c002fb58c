"""The bulk API: each item's own answer, in OpenSearch's words."""

import uuid
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from sluice.local.opensearch.catalog import Catalog, Document, Index
from sluice.local.opensearch.errors import Body, Refused, bad, unsupported
from sluice.local.opensearch.mapping import check_document

ACTIONS: Final = ("create", "delete", "index", "update")
_META: Final = frozenset({"_index", "_id", "version", "version_type"})
MOST_ID_BYTES: Final = 512
_SHARDS: Final = {"total": 1, "successful": 1, "failed": 0}
CREATED, OK = 201, 200


def bulk(catalog: Catalog, body: bytes, index: str | None) -> Body:
    """Carry a request out.

    Raises:
        Refused: the whole of it, before anything was written.
    """
    items = list(_items(body, index))
    _check(items)
    answers = [{action: _answer(catalog, action, meta, source)} for action, meta, source in items]
    errors = any("error" in each for answer in answers for each in answer.values())
    return {"took": 0, "errors": errors, "items": answers}


def _items(body: bytes, index: str | None) -> Iterator[tuple[str, Body, bytes]]:
    if not body:
        raise bad("request body is required", "parse_exception")
    if not body.endswith(b"\n"):
        raise bad("The bulk request must be terminated by a newline [\\n]")
    lines = iter(enumerate(body[:-1].split(b"\n"), start=1))
    for number, line in lines:
        try:
            ((action, meta),) = msgspec.json.decode(line).items()
        except msgspec.DecodeError as error:
            raise bad(str(error), "json_parse_exception") from None
        except (AttributeError, ValueError):
            raise bad(f"Malformed action/metadata line [{number}], expected START_OBJECT") from None
        if action not in ACTIONS:
            raise bad(
                f"Malformed action/metadata line [{number}], expected one of [create, delete, index, update] "
                f"but found [{action}]"
            )
        unknown = set(meta) - _META
        if unknown or action in ("update", "delete") or meta.get("version_type", "external") != "external":
            raise unsupported(f"{line.decode(errors='replace')[:200]} in a bulk request")
        yield action, {"_index": index, **meta}, next(lines, (0, b""))[1]


def _check(items: list[tuple[str, Body, bytes]]) -> None:
    """Refuse the request for what OpenSearch looks at before it begins."""
    wrong = []
    for action, meta, _ in items:
        identity = meta.get("_id")
        if meta["_index"] is None:
            wrong.append("index is missing")
        if identity is not None and len(str(identity).encode()) > MOST_ID_BYTES:
            size = len(str(identity).encode())
            wrong.append(f"id [{identity}] is too long, must be no longer than 512 bytes but was: {size}")
        if "version" in meta and (action == "create" or meta["version"] < 0):
            kind = "EXTERNAL"
            wrong.append(f"illegal version value [{meta['version']}] for version type [{kind}]")
    if wrong:
        text = "".join(f"{number}: {each};" for number, each in enumerate(wrong, start=1))
        raise bad(f"Validation Failed: {text}", "action_request_validation_exception")


def _answer(catalog: Catalog, action: str, meta: Body, source: bytes) -> Body:
    identity = meta.get("_id")
    where = {"_index": meta["_index"], "_id": identity}
    try:
        if identity == "":
            raise bad("if _id is specified it must not be empty")
        index = catalog.writable(meta["_index"])
        where["_id"] = identity = str(identity if identity is not None else uuid.uuid4())
        return _write(index, action, identity, source, meta)
    except Refused as refused:
        return {**where, "status": refused.status, "error": refused.error}


def _write(index: Index, action: str, identity: str, source: bytes, meta: Body) -> Body:
    check_document(index.properties, _decoded(source), identity)
    there = index.documents.get(identity)
    version = (there.version if there else 0) + 1
    if there is not None and action == "create":
        raise _conflict(index, identity, f"document already exists (current version [{there.version}])")
    if "version" in meta:
        version = int(meta["version"])
        if there is not None and version <= there.version:
            raise _conflict(
                index,
                identity,
                f"current version [{there.version}] is higher or equal to the one provided [{version}]",
            )
    index.documents[identity] = Document(source, version, index.changes)
    index.changes += 1
    return {
        "_index": index.name,
        "_id": identity,
        "_version": version,
        "result": "created" if there is None else "updated",
        "_shards": _SHARDS,
        "_seq_no": index.changes - 1,
        "_primary_term": 1,
        "status": CREATED if there is None else OK,
    }


def _decoded(source: bytes) -> Body:
    try:
        document: Any = msgspec.json.decode(source)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _unreadable("json_parse_exception", str(error)) from None
    if not isinstance(document, dict):
        raise _unreadable(
            "not_x_content_exception",
            "Compressor detection can only be called on some xcontent bytes or compressed xcontent bytes",
        )
    return document


def _unreadable(kind: str, reason: str) -> Refused:
    return bad("failed to parse", "mapper_parsing_exception", caused_by={"type": kind, "reason": reason})


def _conflict(index: Index, identity: str, why: str) -> Refused:
    return Refused(
        409,
        "version_conflict_engine_exception",
        f"[{identity}]: version conflict, {why}",
        index=index.name,
        shard="0",
        index_uuid=index.uuid,
    )
