"""Pydantic's findings as one line for the person who edits Pulumi.<env>.yaml."""

import re
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from infra.limits import Limit

_MOVED = {"kms_key_arn": "encryption.key"}
"""Where settings went that had another name."""

_NUMBER: Final = re.compile(r"[0-9.]+")
"""Text that YAML takes for a number unless it stands in quotes."""

_HIDDEN = "secret_arn"
"""The key whose value is not repeated: what is given there by mistake may be the secret itself."""


def in_words(error: ValidationError, model: type[BaseModel], *, namespace: str, file: str) -> str:
    """Say the first finding: which key, what was given, what is accepted, where to change it."""
    found = error.errors(include_url=False)
    first, more = found[0], len(found) - 1
    path = [str(part) for part in first["loc"] if part != "[key]"]
    path += str(first.get("ctx", {}).get("key", "")).split(".") if first.get("ctx", {}).get("key") else []
    key = namespace + ".".join(path)
    rest = f" ({more} more to correct)" if more else ""
    owner, field = _resolve(model, path)
    match first["type"]:
        case "missing":
            return f"{key} is missing: accepted is {accepted(field)}; set it in {file}{rest}"
        case "extra_forbidden":
            if new := _MOVED.get(".".join(path)):
                return f"{key} is no setting any more: give it as {namespace}{new}; change it in {file}{rest}"
            known = sorted(owner.model_fields)
            near = get_close_matches(path[-1], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)};"
            return f"{key} is no setting: {hint} change it in {file}{rest}"
        case "limit":
            words = first["ctx"]["accepts"]
        case _:
            words = accepted(field)
    inside = first.get("ctx", {}).get("key")
    value = "null" if first["input"] is None and not inside else _given(first["input"], inside, field)
    if path[-1:] == [_HIDDEN]:
        value = "something else, not shown here"
    return f"{key} is {value}: accepted is {words}; change it in {file}{rest}"


def accepted(field: FieldInfo | None) -> str:  # noqa: PLR0911 one line per kind of setting
    """What a setting accepts, in words: used by the error line and compared with docs/settings.md."""
    if field is None:
        return "something else"
    kind = field.annotation
    options = [option for option in get_args(kind) if option is not NoneType]
    if get_origin(kind) in {Union, UnionType} and len(options) == 1:
        kind = options[0]
    limit = next((item for item in [*field.metadata, *_nested(kind)] if isinstance(item, Limit)), None)
    origin = get_origin(kind)
    if origin is tuple:
        return f"a list, each {limit.accepts}" if limit else "a list"
    if origin is dict:
        return "an object of settings by name" if sections_by_name(kind) else "an object of names and text"
    if limit is not None:
        return limit.accepts
    if origin is Literal:
        among = f"one of {', '.join(get_args(kind))}"
        return f"{among}, in quotes" if all(_NUMBER.fullmatch(each) for each in get_args(kind)) else among
    if kind is bool:
        return "true or false"
    return "an object of settings" if isinstance(kind, type) and issubclass(kind, BaseModel) else "text"


def _nested(kind: Any) -> list[Any]:
    return [item for option in get_args(kind) for item in getattr(option, "__metadata__", ())]


def _resolve(model: type[BaseModel], path: list[str]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Walk to the setting at a path; items of lists, and of objects of text, count as their container's."""
    owner, field = model, None
    entries: type[BaseModel] | None = None
    for part in path:
        if entries is not None:
            owner, field, entries = entries, FieldInfo(annotation=entries), None
            continue
        if part not in owner.model_fields:
            break
        field = owner.model_fields[part]
        entries = sections_by_name(field.annotation)
        owner = section_of(field.annotation) or owner
    return owner, field


def section_of(kind: Any) -> type[BaseModel] | None:
    """The section that a setting is, if it is one, whether it must be there or not."""
    options = [option for option in get_args(kind) if option is not NoneType] or [kind]
    one = options[0] if len(options) == 1 else None
    return one if isinstance(one, type) and issubclass(one, BaseModel) else None


def sections_by_name(kind: Any) -> type[BaseModel] | None:
    """The section that each name of an object holds, if it is such an object."""
    held = get_args(kind)[-1] if get_origin(kind) is dict else None
    return held if isinstance(held, type) and issubclass(held, BaseModel) else None


def _given(value: Any, key: str | None, field: FieldInfo | None) -> str:
    """Show what was given, cut to a readable length; for a finding about a whole section, its one key."""
    for part in (key or "").split("."):
        if part:
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    if value is None:
        default = field.get_default() if field else None
        if default is None:
            return "not set"
        return f"{list(default) if isinstance(default, tuple) else default!r} (the default)"
    words = str(value).lower() if isinstance(value, bool) else repr(value)
    return words if len(words) <= 60 else words[:57] + "..."  # noqa: PLR2004 a line's worth
