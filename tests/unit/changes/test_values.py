"""Differences are told place by place, and read on one line."""

import json

import pytest

from sluice.changes.values import Difference, differences, short


def told(before: object, after: object) -> list[str]:
    return [str(each) for each in differences(before, after, "x")]


def test_what_is_the_same_but_for_nothing_does_not_differ() -> None:
    assert told({"a": [], "b": {}, "c": ""}, {}) == []
    assert told({"a": 0}, {}) == ["x.a: - 0"], "zero and false are something"
    assert told({"a": False}, {"a": True}) == ["x.a: false -> true"]


def test_objects_differ_by_key_and_json_texts_are_opened() -> None:
    before, after = ({"policy": json.dumps({"Version": 1, "Statement": {"Effect": it}})} for it in ("a", "b"))
    assert told(before, after) == ["x.policy.Statement.Effect: a -> b"]


def test_members_of_lists_are_told_apart_by_name_and_not_by_place() -> None:
    before = [{"name": "a", "mode": "REQUIRED"}, {"name": "b", "mode": "NULLABLE"}]
    after = [{"name": "new", "mode": "NULLABLE"}, {"name": "a", "mode": "NULLABLE"}]
    assert told(before, after) == [
        "x[a].mode: REQUIRED -> NULLABLE",
        'x[b]: - {"name": "b", "mode": "NULLABLE"}',
        'x[new]: + {"name": "new", "mode": "NULLABLE"}',
    ]
    assert told(before, before[::-1]) == ["x: one order -> another order"]


def test_the_only_member_of_a_list_is_compared_from_within() -> None:
    old, new = ({"Statement": [{"Effect": "Allow", "Condition": each}]} for each in ({"a": "b"}, {}))
    assert [str(each) for each in differences(old, new)] == ["Statement.Condition.a: - b"]


def test_two_members_of_one_name_are_compared_as_they_are() -> None:
    twice = [{"name": "a", "n": 1}, {"name": "a", "n": 2}]
    assert len(told(twice, twice[:1])) == 1


def test_lists_of_values_say_what_comes_and_what_goes() -> None:
    assert told(["a", "b"], ["b", "c"]) == ["x: + c, - a"]
    assert told(["a", "b"], ["b", "a"]) == ["x: another order"]
    assert told([], list("abcde")) == ["x: + a, + b, + c, and 2 more"]


def test_long_texts_are_shown_where_they_begin_to_differ() -> None:
    same = "SELECT " + "a, " * 60
    (line,) = told(f"{same}old FROM t", f"{same}new FROM t")
    assert line.endswith("old FROM t -> …a, a, a, a, a, a, new FROM t")
    assert told("a" * 300, "b" * 301) == ["x: another text (300 -> 301 characters)"]


def test_packages_differ_by_what_is_in_them_and_not_by_where_they_lie() -> None:
    here, there, other = ({"code": {"archive": path}} for path in ("/a/p/1f", "/b/p/1f", "/b/p/2e"))
    assert told(here, there) == []
    assert told(here, other) == ["x.code: another package"]
    assert list(differences(here, other)) == [Difference("code", "package 1f", "package 2e")]


@pytest.mark.parametrize("value", ["a\n b", "x" * 500, {"a": "ü"}, None, 1.5])
def test_a_value_stands_on_one_line(value: object) -> None:
    assert "\n" not in short(value)
    assert len(short(value)) <= 72


def test_arns_are_written_without_the_account_that_is_made_up() -> None:
    assert short("arn:aws:sqs:eu-central-1:123456789012:letters") == "sqs letters"
    assert short("arn:aws:s3:::bucket/*") == "s3 bucket/*"
