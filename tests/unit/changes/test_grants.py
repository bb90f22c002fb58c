"""Rights compare by what they allow: a statement that was moved or written otherwise is not wider."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.changes.grants import Grant, Names, covers, grants
from sluice.policies import Resource
from sluice.policies.statements import Statement

READ = Grant(on="role", holder="r", principal="r", action="s3:GetObject", resource="arn:aws:s3:::b/k")


def of(**body: Any) -> list[Grant]:
    statement = Statement(of=Resource(type="t", name="n"), meant="rights", body={"Effect": "Allow", **body})
    return list(grants(statement, "role", "r", "r"))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/k"),
        ("S3:getobject", "arn:aws:s3:::b/k"),
        ("s3:Get*", "arn:aws:s3:::b/*"),
        ("*", "*"),
        ("s3:GetObjec?", "arn:aws:s3:::?/k"),
    ],
)
def test_a_wider_grant_covers_a_narrower_one_and_not_the_other_way_round(action: str, resource: str) -> None:
    wide = replace(READ, action=action, resource=resource)
    assert covers(wide, READ)
    if "*" in action + resource or "?" in action + resource:
        assert not covers(READ, wide)


def test_a_star_is_covered_by_stars_alone() -> None:
    star = replace(READ, resource="arn:aws:s3:::b/*")
    assert not covers(replace(READ, resource="arn:aws:s3:::b/???"), star)
    assert not covers(replace(READ, resource="arn:aws:s3:::b/?"), star)
    assert covers(replace(READ, resource="arn:aws:s3:::*"), star)


@pytest.mark.parametrize("other", [{"holder": "q"}, {"principal": "q"}, {"denied": True}, {"on": "trust"}])
def test_another_holder_principal_or_effect_covers_nothing(other: dict[str, Any]) -> None:
    assert not covers(replace(READ, **other), READ)


def demanding(operator: str, *values: str) -> Grant:
    (found,) = of(Action="a:b", Resource="r", Condition={operator: {"aws:SourceAccount": list(values)}})
    return found


def test_a_condition_narrows_and_more_values_widen() -> None:
    free = replace(demanding("StringEquals", "1"), condition=frozenset())
    one, two = demanding("StringEquals", "1"), demanding("StringEquals", "1", "2")
    assert covers(free, one)
    assert not covers(one, free)
    assert covers(two, one)
    assert not covers(one, two)


def test_more_values_of_a_negated_condition_narrow() -> None:
    one, two = demanding("StringNotEquals", "1"), demanding("StringNotEquals", "1", "2")
    assert covers(one, two)
    assert not covers(two, one)


def test_patterns_of_a_condition_are_compared_as_patterns() -> None:
    assert covers(demanding("StringLike", "12*"), demanding("StringLike", "123"))
    assert not covers(demanding("StringLike", "123"), demanding("StringLike", "12*"))
    assert not covers(demanding("StringEquals", "12*"), demanding("StringEquals", "123"))


def test_a_condition_that_holds_without_its_key_is_the_wider_one() -> None:
    loose, strict = demanding("StringEqualsIfExists", "1"), demanding("StringEquals", "1")
    assert covers(loose, strict)
    assert not covers(strict, loose)


def test_what_is_said_by_negation_is_covered_by_itself_alone() -> None:
    (all_but,) = of(NotAction=["iam:*"], Resource="*")
    assert covers(all_but, all_but)
    assert not covers(all_but, replace(all_but, action="s3:GetObject"))
    assert not covers(replace(all_but, action="s3:*"), all_but)
    assert covers(replace(all_but, action="*"), all_but)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"NotAction": "s3:*", "Resource": "*"}, {"NotAction": "s3:GetObject", "Resource": "*"}),
        (
            {"Action": "s3:GetObject", "NotResource": "arn:aws:s3:::*"},
            {"Action": "s3:GetObject", "NotResource": "arn:aws:s3:::secret/*"},
        ),
    ],
)
def test_an_exception_that_grows_narrower_lets_more_in(less: dict[str, Any], more: dict[str, Any]) -> None:
    """A pattern in what is excepted takes more away, so it covers no shorter exception."""
    (before,), (after,) = of(**less), of(**more)
    assert not covers(before, after)


def test_a_statement_is_taken_apart_into_single_grants() -> None:
    found = of(Action=["a:b", "a:c"], Resource=["x", "y"])
    assert [(each.action, each.resource) for each in found] == [
        ("a:b", "x"),
        ("a:b", "y"),
        ("a:c", "x"),
        ("a:c", "y"),
    ]


def test_a_grant_follows_a_name_and_no_longer_one() -> None:
    names = Names({"arn:aws:sqs:eu:1:old": "arn:aws:sqs:eu:1:new", "old": "new", "a": "b", "b": "a"})
    kept = replace(READ, resource="arn:aws:sqs:eu:1:older")
    assert names.of(kept) == kept
    assert names.of(replace(READ, resource="arn:aws:sqs:eu:1:old")).resource == "arn:aws:sqs:eu:1:new"
    assert names.of(replace(READ, resource="arn:aws:sqs:eu:1:old/*")).resource == "arn:aws:sqs:eu:1:new/*"
    member = replace(READ, principal="principalSet://pool/arn:aws:sts::1:assumed-role/old")
    assert names.of(member).principal.endswith("assumed-role/new")
    assert names.today("x:a/b") == "x:b/a", "names that change places"
    assert Names({}).of(READ) == READ


texts = st.text(alphabet="ab*?:/", max_size=6)


@given(wide=texts, narrow=texts)
def test_whatever_a_covered_pattern_takes_the_covering_one_takes(wide: str, narrow: str) -> None:
    """Each text of a narrow pattern, its stars filled in, is one of the wide pattern's."""
    first, second = replace(READ, action=wide), replace(READ, action=narrow)
    assert covers(first, first)
    if covers(first, second):
        for filling in ("", "a", "b/:a"):
            filled = replace(READ, action=narrow.replace("*", filling).replace("?", "b"))
            assert covers(first, filled)
