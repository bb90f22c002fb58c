"""An index's mapping: what it may say, how it grows, and which documents it takes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sluice.local.opensearch.errors import Refused, bad, unsupported
from sluice.local.opensearch.values import TYPES, indexed

_FIELD: Final = frozenset({"type", "fields", "ignore_above", "format"})
_OBJECT: Final = frozenset({"type", "dynamic", "properties"})
_TOP: Final = frozenset({"dynamic", "properties", "_meta"})

Properties = dict[str, Any]


def checked(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A whole mapping as OpenSearch keeps it.

    Raises:
        Refused: it is one that the stand-in does not know.
    """
    unknown = set(mapping) - _TOP
    if unknown:
        raise unsupported(f"{', '.join(sorted(unknown))} in a mapping")
    if "dynamic" in mapping and _dynamic(mapping["dynamic"]) != "false":
        raise unsupported("a mapping that is not `dynamic: false`")
    kept = {"dynamic": _dynamic(mapping["dynamic"])} if "dynamic" in mapping else {}
    meta = {"_meta": mapping["_meta"]} if "_meta" in mapping else {}
    return {**kept, **meta, "properties": _properties(mapping.get("properties") or {}, "")}


def _properties(fields: Mapping[str, Any], above: str) -> Properties:
    return {name: _field(field, f"{above}{name}") for name, field in sorted(fields.items())}


def _field(field: Mapping[str, Any], path: str) -> dict[str, Any]:
    kind = field.get("type", "object" if "properties" in field else None)
    unknown = set(field) - (_OBJECT if kind == "object" else _FIELD)
    if (kind != "object" and kind not in TYPES) or unknown:
        what = ", ".join(sorted(unknown)) or f"type {kind}"
        raise unsupported(f"{what} of field {path}")
    if kind == "object":
        dynamic = {"dynamic": _dynamic(field["dynamic"])} if "dynamic" in field else {}
        return {**dynamic, "properties": _properties(field.get("properties") or {}, f"{path}.")}
    if field.get("format") not in (None, "strict_date"):
        raise unsupported(f"format {field['format']} of field {path}")
    plain = {key: field[key] for key in ("type", "ignore_above", "format") if key in field}
    if field.get("fields"):
        plain["fields"] = {
            name: _field(each, f"{path}.{name}") for name, each in sorted(field["fields"].items())
        }
    return plain


def _dynamic(value: Any) -> str:
    return str(value).lower()


def grown(has: Properties, wants: Properties, above: str = "") -> Properties:
    """Properties with more in them; raises Refused for a field that is mapped as something else."""
    merged = dict(has)
    for name, field in wants.items():
        there, path = has.get(name), f"{above}{name}"
        if there is None:
            merged[name] = field
            continue
        kinds = [each.get("type", "object") for each in (there, field)]
        if kinds[0] != kinds[1]:
            raise bad(_differing(path, *kinds))
        new = {**there, **{key: field[key] for key in field if key not in ("properties", "fields")}}
        for part, below in (("properties", f"{path}."), ("fields", f"{path}.")):
            if part in there or part in field:
                new[part] = grown(there.get(part, {}), field.get(part, {}), below)
        merged[name] = new
    return dict(sorted(merged.items()))


def _differing(path: str, has: str, wants: str) -> str:
    if "object" in (has, wants):
        return f"can't merge a non object mapping [{path}] with an object mapping"
    return f"mapper [{path}] cannot be changed from type [{has}] to [{wants}]"


def leaves(properties: Properties, above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field that can be searched, by its path, multi-fields included."""
    for name, field in properties.items():
        if "properties" in field:
            yield from leaves(field["properties"], f"{above}{name}.")
            continue
        yield f"{above}{name}", field
        for part, each in field.get("fields", {}).items():
            yield f"{above}{name}.{part}", each


def check_document(properties: Properties, document: Any, identity: str) -> None:
    """Raise Refused when the mapping does not take the document."""
    _check_object(properties, document, identity, "")


def _check_object(properties: Properties, found: Mapping[str, Any], identity: str, above: str) -> None:
    for name, value in found.items():
        if not name:
            cause = {"type": "illegal_argument_exception", "reason": "field name cannot be an empty string"}
            raise bad("failed to parse", "mapper_parsing_exception", caused_by=cause)
        if "." in name:
            raise unsupported("names of fields with dots in them")
        field = properties.get(name)
        if field is not None and value is not None:
            _check(field, value, identity, f"{above}{name}", name)


def _check(field: Mapping[str, Any], value: Any, identity: str, path: str, name: str | None) -> None:
    if isinstance(value, list):
        for each in value:
            if each is not None:
                _check(field, each, identity, path, None)
    elif "properties" in field:
        if not isinstance(value, dict):
            shown = "null" if name is None else name
            raise bad(
                f"object mapping for [{path}] tried to parse field [{shown}] as object, but found a "
                "concrete value",
                "mapper_parsing_exception",
            )
        _check_object(field["properties"], value, identity, f"{path}.")
    else:
        try:
            indexed(field["type"], value, field.get("format"))
        except Refused as cause:
            if cause.error["type"] == "unsupported_by_the_stand_in":
                raise
            raise bad(
                f"failed to parse field [{path}] of type [{field['type']}] in document with id "
                f"'{identity}'. Preview of field's value: '{_shown(value)}'",
                "mapper_parsing_exception",
                caused_by=cause.error,
            ) from None


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(each)}" for key, each in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)
