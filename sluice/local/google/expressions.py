"""Expressions of identity providers, in Google's dialect of the Common Expression Language.

The language is the library's; `extract` is what Google adds to it (IAM guide, "Attribute reference for IAM
Conditions", extract()).
"""

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

from sluice.local.google.errors import invalid_argument


def check(expression: str) -> None:
    """Refuse what is no expression.

    Raises:
        ApiError: 400, as Google refuses a provider with it.
    """
    try:
        _library().compile(expression)
    except ValueError as error:
        line = " ".join(str(error).split())
        raise invalid_argument(f"{expression!r} is no expression: {line[:200]}") from None


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """Return an expression's value.

    Raises:
        ValueError: it has none with these variables.
    """
    library = _library()
    context = library.Context(variables=dict(variables), functions={"extract": extract})
    try:
        return library.compile(expression).execute(context)
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None


def extract(text: str, template: str) -> str:
    """Return what stands in a text where the template has its {name}; nothing where it does not fit."""
    before, _, rest = template.partition("{")
    after = rest.partition("}")[2]
    start = text.find(before)
    if start < 0:
        return ""
    tail = text[start + len(before) :]
    return tail[: max(0, tail.find(after))] if after else tail


@cache
def _library() -> Any:
    """The library's compiled part alone: its package also imports a command line, which takes 0.6 s."""
    spec = find_spec("cel")
    if spec is None:  # pragma: no cover - it is among Sluice's requirements
        raise ModuleNotFoundError("cel")
    sys.modules.setdefault("cel", module_from_spec(spec))
    return import_module("cel.cel")
