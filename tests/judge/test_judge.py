"""What AWS's matcher does is known by asking it: the facts that filter patterns are built on."""

import pytest

from tests.judge.judge import Refused, the_judge


@pytest.mark.parametrize(
    ("pattern", "event", "matches"),
    [
        ('{"a":[{"exists":false}]}', '{"b":1}', True),
        ('{"a":[{"exists":false}]}', '{"a":null}', False),
        ('{"a":[{"exists":false}]}', '{"a":[]}', True),
        ('{"a":[{"exists":false}]}', '{"a":{"b":1}}', True),
        ('{"a":[null]}', '{"a":null}', True),
        ('{"a":[null]}', "{}", False),
        ('{"a":["z",{"exists":false}]}', "{}", True),
        ('{"a":[{"anything-but":["x"]}]}', '{"a":null}', True),
        ('{"a":[{"anything-but":["x"]}]}', "{}", False),
        ('{"a":[{"prefix":""}]}', '{"a":""}', True),
        ('{"a":[{"prefix":""}]}', '{"a":null}', False),
        ('{"a":[{"numeric":[">",1]}]}', '{"a":"2"}', False),
        ('{"a":[{"numeric":["=",100]}]}', '{"a":1E+2}', True),
        ('{"a":[{"numeric":["=",0]}]}', '{"a":-0.0}', True),
        ('{"a":[{"numeric":[">",0]}]}', '{"a":5000000001}', False),
        ('{"a":["b"]}', '{"a":["c","b"]}', True),
        ('{"a":["B"]}', '{"a":"b"}', False),
        ('{"a":["\\ud83d\\ude00"]}', '{"a":"😀"}', True),
    ],
)
def test_the_matcher_answers_as_documented(pattern: str, event: str, matches: bool) -> None:  # noqa: FBT001 - a row of the table
    assert the_judge().matches(pattern, [event]) == [matches]


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ('{"a":["a::b"]}', '{"a":"A::b"}'),  # texts that look like addresses are compared as such
        ('{"a":["10.0.0.1"]}', '{"a":"10.0.0.01"}'),
        ('{"a":[{"prefix":"\\""}]}', '{"a":""}'),  # the matcher sees the quotes around a text
        ('{"a":[{"prefix":"abc\\""}]}', '{"a":"abc"}'),
        ('{"a":[{"suffix":"\\""}]}', '{"a":""}'),
        ('{"a":[{"numeric":["=",3507215452.428451]}]}', '{"a":3507215452.428452}'),  # it counts in doubles
        ('{"a":[{"numeric":["=",0]}]}', '{"a":0.0000001}'),
    ],
)
def test_what_the_matcher_takes_for_equal_though_sql_does_not(pattern: str, event: str) -> None:
    assert the_judge().matches(pattern, [event]) == [True]


@pytest.mark.parametrize("pattern", ["{}", "[]", '{"a":[]}', '{"a":[{"anything-but":[null]}]}', '{"a":1}'])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Refused):
        the_judge().matches(pattern, ["{}"])
