"""Filter patterns match as documented, or are refused by name."""

import json
from typing import Any

import pytest

from sluice.errors import SettingsError
from sluice.local.filters import compile_filters

CHANGE = {
    "eventName": "INSERT",
    "dynamodb": {"Keys": {"pk": {"S": "segments#shardId-1"}, "sk": {"S": "000000000001"}}},
    "tags": ["a", None, True],
    "nothing": None,
    "lines": [{"kind": "x"}, {"kind": "y"}],
}


def matches(*patterns: Any, record: Any = CHANGE) -> bool:
    return compile_filters([json.dumps(pattern) for pattern in patterns])(record)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT", "MODIFY"]},
        {"eventName": [{"prefix": "INS"}]},
        {
            "eventName": ["INSERT"],
            "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "segments#"}, "watermark"]}}},
        },
        {"nothing": [None]},
        {"tags": ["b", "a"]},
        {"tags": [True]},
        {"tags": [None]},
        {"lines": {"kind": ["y"]}},
    ],
)
def test_a_record_matches_when_each_field_has_one_of_its_values(pattern: Any) -> None:
    assert matches(pattern)
    assert matches({"eventName": ["REMOVE"]}, pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["insert"]},
        {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": ["segments#"]}}}},
        {"missing": [None]},
        {"missing": {"deeper": ["x"]}},
        {"eventName": {"deeper": ["x"]}},
        {"dynamodb": ["Keys"]},
        {"tags": ["true"]},
        {"nothing": [{"prefix": ""}]},
        {"lines": {"kind": ["z"]}},
    ],
)
def test_a_record_does_not_match_when_a_field_is_missing_or_another(pattern: Any) -> None:
    assert not matches(pattern)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "must be an object"),
        ("{}", "must be an object"),
        ('{"a": "x"}', "a must be an object or a list"),
        ('{"a": []}', "a must be an object or a list"),
        ('{"a": {"b": [1]}}', "does not know 1 at a.b"),
        ('{"a": [{"exists": true}]}', r'does not know \{"exists":true\} at a'),
        ('{"a": [{"prefix": {"equals-ignore-case": "x"}}]}', "does not know"),
        ('{"a": {"$or": [{"b": ["x"]}]}}', r"at a.\$or"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(pattern: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        compile_filters([pattern])
    assert "\n" not in str(raised.value)


def test_a_mapping_takes_five_patterns() -> None:
    with pytest.raises(SettingsError, match="6 filters"):
        matches(*[{"a": ["x"]}] * 6)
