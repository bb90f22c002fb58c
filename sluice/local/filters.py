"""Filter patterns of event-source mappings: which records a function gets to see.

    wanted = compile_data_filters(['{"data": {"amount": [{"numeric": [">=", 0]}]}}'])
    wanted(b'{"amount": 12.5}')

Patterns are those of the Lambda developer guide (invocation-eventfiltering and with-kinesis-filtering,
read 2026-11), matched as EventBridge's own matcher does (event-ruler 1.7.3, with which tests compare). What
the guide does not list is refused by name, and so are literal numbers: the guide compares their texts, the
matcher their values, and a wrong match is worse than none.
"""

from collections.abc import Callable, Sequence
from itertools import chain

from sluice.errors import SettingsError
from sluice.local.filters_fields import Node, Wanted, parse
from sluice.local.filters_pattern import Rule, rules

MOST_FILTERS = 5
"""Per mapping (Lambda quotas; ten on request)."""

Test = Callable[[bytes], bool]
"""Whether a record passes; one that is not valid JSON does not."""


def compile_filters(patterns: Sequence[str]) -> Test:
    """A test for the JSON of whole records, as a table's stream has them.

    Raises:
        SettingsError: a pattern is none, or uses what is not documented.
    """
    return _compile(patterns, "")


def compile_data_filters(patterns: Sequence[str]) -> Test:
    """A test for the data of Kinesis records, on which alone Kinesis mappings filter: `{"data": {...}}`.

    Raises:
        SettingsError: a pattern is none, uses what is not documented, or looks at something else.
    """
    for text in patterns:
        _check_data_only(text, parse(text))
    return _compile(patterns, "data")


def _compile(patterns: Sequence[str], root: str) -> Test:
    if len(patterns) > MOST_FILTERS:
        raise SettingsError(f"{len(patterns)} filters: an event-source mapping takes {MOST_FILTERS} at most")
    alternatives = list(chain.from_iterable(rules(text) for text in patterns))
    wanted = Wanted(chain.from_iterable(rule.names for rule in alternatives))

    def passes(record: bytes) -> bool:
        try:
            event = parse(record.decode())
            return any_matches(alternatives, event)
        except (ValueError, RecursionError):  # no JSON, or deeper than Lambda's parser goes (1,000)
            return False

    def any_matches(found: Sequence[Rule], event: Node) -> bool:
        fields = wanted.fields(event, root)
        return any(rule.matches(fields) for rule in found)

    return passes


def _check_data_only(text: str, pattern: Node) -> None:
    for key, inner in pattern if isinstance(pattern, tuple) else ():
        if key == "$or" and isinstance(inner, list):
            for alternative in inner:
                _check_data_only(text, alternative)
        elif key != "data" or not isinstance(inner, tuple):
            raise SettingsError(
                f"filter pattern {text!r}: a mapping of Kinesis filters on the record's data alone; write "
                '{"data": {"field": [...]}}'
            )
