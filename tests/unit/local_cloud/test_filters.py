"""Filter patterns match as documented, or are refused by name."""

import json
from typing import Any

import pytest

from sluice.errors import SettingsError
from sluice.local.filters import compile_data_filters, compile_filters

CHANGE = {
    "eventName": "INSERT",
    "dynamodb": {"Keys": {"pk": {"S": "segments#shardId-1"}, "sk": {"S": "000000000001"}}},
    "tags": ["a", None, True],
    "nothing": None,
    "lines": [{"kind": "x", "size": 1}, {"kind": "y", "size": 2}],
    "amount": -12.5,
    "empty": [],
}


def matches(*patterns: Any, record: Any = CHANGE) -> bool:
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
    return compile_filters([json.dumps(pattern) for pattern in patterns])(text.encode())


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT", "MODIFY"]},
        {"eventName": [{"prefix": "INS"}]},
        {"eventName": [{"suffix": "ERT"}]},
        {"eventName": [{"equals-ignore-case": "insert"}]},
        {"eventName": [{"anything-but": ["REMOVE"]}]},
        {"eventName": [{"anything-but": "REMOVE"}]},
        {
            "eventName": ["INSERT"],
            "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "segments#"}, "watermark"]}}},
        },
        {"nothing": [None]},
        {"nothing": [{"anything-but": ["x"]}]},
        {"nothing": [{"exists": True}]},
        {"tags": ["b", "a"]},
        {"tags": [True]},
        {"tags": [None]},
        {"lines": {"kind": ["y"]}},
        {"lines": {"kind": ["y"], "size": [{"numeric": ["=", 2]}]}},
        {"amount": [{"numeric": ["<", 0]}]},
        {"amount": [{"numeric": [">=", -12.5, "<", 0]}]},
        {"missing": [{"exists": False}]},
        {"missing": ["x", {"exists": False}]},
        {"empty": [{"exists": False}]},
        {"dynamodb": [{"exists": False}]},
        {"$or": [{"eventName": ["REMOVE"]}, {"amount": [{"numeric": ["<", 0]}]}]},
        {"lines": {"$or": [{"kind": ["z"]}, {"size": [{"numeric": [">", 1]}]}]}},
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
        {"missing": [{"anything-but": ["x"]}]},
        {"eventName": {"deeper": ["x"]}},
        {"dynamodb": ["Keys"]},
        {"dynamodb": [{"exists": True}]},
        {"tags": ["true"]},
        {"nothing": [{"prefix": ""}]},
        {"nothing": [{"exists": False}]},
        {"lines": {"kind": ["z"]}},
        {"lines": {"kind": ["x"], "size": [{"numeric": ["=", 2]}]}},
        {"amount": [{"numeric": [">=", 0]}]},
        {"amount": ["-12.5"]},
        {"$or": [{"eventName": ["REMOVE"]}, {"amount": [{"numeric": [">", 0]}]}]},
    ],
)
def test_a_record_does_not_match_when_a_field_is_missing_or_another(pattern: Any) -> None:
    assert not matches(pattern)


@pytest.mark.parametrize(
    ("written", "positive"),
    [
        ("0", True),
        ("-0", True),
        ("-0.0", True),
        ("1e0", True),
        ("0.0000001", True),
        ("5000000000", True),
        ("5000000001", False),
        ("1e400", False),
        ("-1e400", False),
        ("-0.000001", False),
        ('"1"', False),
        ("true", False),
        ("null", False),
        ("[-1, 1]", True),
    ],
)
def test_numbers_are_numbers_between_five_billions_to_six_decimals(written: str, positive: bool) -> None:  # noqa: FBT001 - a column of the table
    record = f'{{"amount": {written}}}'
    assert matches({"amount": [{"numeric": [">=", 0]}]}, record=record) is positive


@pytest.mark.parametrize(
    "record",
    ["", "no json", '{"amount": NaN}', "{'amount': 1}", '{"amount": 1} more', '{"amount": 1', "[" * 100_000],
)
def test_what_is_no_json_never_matches(record: str) -> None:
    assert not matches({"missing": [{"exists": False}]}, record=record)
    assert not compile_filters(['{"missing": [{"exists": false}]}'])(b'{"a": "\xff"}')


def test_names_are_joined_with_dots_and_those_that_come_twice_count_twice() -> None:
    pattern = {"a": {"b": ["x"]}}
    assert matches(pattern, record={"a.b": "x"})
    assert matches({"a.b": ["x"]}, record={"a": {"b": "x"}})
    assert matches(pattern, record='{"a": {"b": "y", "b": "x"}}')
    assert not matches(pattern, record={"A": {"b": "x"}})


def test_an_address_stands_for_all_its_spellings_as_the_matcher_has_it() -> None:
    assert matches({"ip": ["10.0.0.1"]}, record={"ip": "::ffff:a00:1"})
    assert matches({"ip": ["::1"]}, record={"ip": "0:0:0:0:0:0:0:1"})
    assert not matches({"ip": ["10.0.0.1"]}, record={"ip": "10.0.0.10"})
    assert not matches({"ip": ["1.2.3.400"]}, record={"ip": "1.2.3.40"})


def test_the_data_of_a_record_is_matched_as_it_lies_in_the_event() -> None:
    test = compile_data_filters(['{"data": {"amount": [{"numeric": [">=", 0]}]}}'])
    assert test(b'{"amount": 1}')
    assert not test(b'{"data": {"amount": 1}}')
    assert not test(b"\xf3\x89\x9a\xc2 an aggregate")
    assert compile_data_filters(['{"data": {"amount": [{"exists": false}]}}'])(b"5")


@pytest.mark.parametrize(
    "pattern",
    [
        '{"partitionKey": ["1"]}',
        '{"data": ["text"]}',
        '{"data": {"a": ["x"]}, "eventName": ["aws:kinesis:record"]}',
        '{"$or": [{"data": {"a": ["x"]}}, {"partitionKey": ["1"]}]}',
    ],
)
def test_a_mapping_of_kinesis_filters_on_data_alone(pattern: str) -> None:
    with pytest.raises(SettingsError, match="on the record's data alone"):
        compile_data_filters([pattern])


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "must be an object"),
        ("{}", "must be an object"),
        ('{"a": {}}', "at least one field"),
        ('{"a": "x"}', 'a must be an object or a list of values, not "x"'),
        ('{"a": []}', "a must be an object or a list"),
        ('{"a": ["x"], "a": ["y"]}', "a field twice"),
        ('{"a": {"b": [1]}}', r'a.b is compared with the number 1.*"numeric": \["=", 1\]'),
        ('{"a": [{"anything-but": [1]}]}', r"a is .anything-but. a number"),
        ('{"a": [{"anything-but": []}]}', "not in Lambda's guide"),
        ('{"a": [{"anything-but": {"prefix": "x"}}]}', r'\{"prefix": "x"\}\} at a is not in Lambda'),
        ('{"a": [{"prefix": {"equals-ignore-case": "x"}}]}', "not in Lambda's guide"),
        ('{"a": [{"wildcard": "x*"}]}', r'\{"wildcard": "x\*"\} at a is not in Lambda\'s guide'),
        ('{"a": [{"cidr": "10.0.0.0/24"}]}', "not in Lambda's guide"),
        ('{"a": [{"exists": "yes"}]}', "not in Lambda's guide"),
        ('{"a": [["x"]]}', "not in Lambda's guide"),
        ('{"a": [{"exists": true}, {"exists": false}]}', "to be there or not"),
        ('{"a": [{"equals-ignore-case": "\U0001f600"}]}', "beyond U"),
        ('{"a": [{"numeric": [">"]}]}', "an operator and a number"),
        ('{"a": [{"numeric": [">", "0"]}]}', "an operator and a number"),
        ('{"a": [{"numeric": ["<", 5, ">", 0]}]}', "an operator and a number"),
        ('{"a": [{"numeric": [">", 5, "<", 0]}]}', "not below the upper"),
        ('{"a": [{"numeric": [">", 5000000000]}]}', "not below the upper"),
        ('{"a": [{"numeric": ["=", 5000000001]}]}', "-5e9 to 5e9"),
        ('{"$or": [{"b": ["x"]}]}', "at least two objects"),
        ('{"a": {"$or": {"b": ["x"]}}}', r"\$or of a must be a list"),
        ('{"$or": [{"b": ["x"]}, "c"]}', r'takes objects, not "c"'),
        ('{"$or": [{"prefix": ["x"]}, {"b": ["x"]}]}', "prefix is a reserved word"),
        (json.dumps({"a": ["x" * 5000]}), "Lambda takes 4096"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(pattern: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        compile_filters([pattern])
    assert "\n" not in str(raised.value)


def test_a_mapping_takes_five_patterns() -> None:
    with pytest.raises(SettingsError, match="6 filters"):
        matches(*[{"a": ["x"]}] * 6)
