"""Filter patterns of event-source mappings: which records a function gets to see.

The syntax is EventBridge's. What is understood here matches exactly as documented (Lambda developer guide,
invocation-eventfiltering, read 2026-11): fields of one pattern must all match, values of one list are
alternatives, patterns of one mapping are alternatives, a list in the record matches when any element does.
Understood are nested fields, strings, null, true and false, and {"prefix": "..."}; anything else is refused
by name, numbers too: the guide compares their texts, and a wrong match is worse than none.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sluice.errors import SettingsError

MOST_FILTERS = 5
"""Per mapping (Lambda quotas; ten on request)."""

Test = Callable[[Any], bool]


def compile_filters(patterns: Sequence[str]) -> Test:
    """A test of decoded records for the patterns of one mapping.

    Raises:
        SettingsError: a pattern is none, or uses what is not understood here.
    """
    if len(patterns) > MOST_FILTERS:
        raise SettingsError(f"{len(patterns)} filters: an event-source mapping takes {MOST_FILTERS} at most")
    tests = [_pattern(text) for text in patterns]
    return lambda record: any(test(record) for test in tests)


def _pattern(text: str) -> Test:
    try:
        pattern = msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise SettingsError(f"filter pattern {text!r} is no JSON: {error}") from None
    if not isinstance(pattern, dict) or not pattern:
        raise SettingsError(f"filter pattern {text!r}: it must be an object with at least one field")
    return _fields(pattern, "")


def _fields(pattern: dict[str, Any], path: str) -> Test:
    tests = {key: _rule(rule, f"{path}{key}") for key, rule in pattern.items()}

    def matches(value: Any) -> bool:
        if isinstance(value, list):
            return any(matches(element) for element in value)
        return isinstance(value, dict) and all(
            key in value and test(value[key]) for key, test in tests.items()
        )

    return matches


def _rule(rule: Any, path: str) -> Test:
    if path.rpartition(".")[2].startswith("$"):
        raise _refused(path, rule)
    if isinstance(rule, dict) and rule:
        return _fields(rule, f"{path}.")
    if not isinstance(rule, list) or not rule:
        raise SettingsError(f"filter pattern: {path} must be an object or a list of values, not {rule!r}")
    tests = [_value(value, path) for value in rule]

    def matches(found: Any) -> bool:
        values = found if isinstance(found, list) else [found]
        return any(test(value) for test in tests for value in values)

    return matches


def _value(wanted: Any, path: str) -> Test:
    if wanted is None or isinstance(wanted, bool):
        return lambda value: value is wanted
    if isinstance(wanted, str):
        return lambda value: isinstance(value, str) and value == wanted
    if isinstance(wanted, dict) and list(wanted) == ["prefix"] and isinstance(wanted["prefix"], str):
        return lambda value: isinstance(value, str) and value.startswith(wanted["prefix"])
    raise _refused(path, wanted)


def _refused(path: str, what: Any) -> SettingsError:
    shown = msgspec.json.encode(what).decode()
    return SettingsError(
        f"filter pattern: the local cloud does not know {shown} at {path}; it knows strings, null, true, "
        'false and {"prefix": "..."} in lists'
    )
