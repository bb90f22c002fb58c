"""Filter patterns match whatever AWS's own matcher says they do, on records as wild as they come."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.errors import SettingsError
from sluice.local.filters import compile_filters
from tests.judge.judge import Refused, the_judge

NAMES = st.sampled_from(["a", "b", "c", "a.b", "$x"])
STRINGS = st.sampled_from(
    [
        *("", "a", "A", "abc", "ABC", 'ab"', '"ab', "\n", "null", "true", "1", "1.0", "Infinity"),
        *("ä", "Ä", "ß", "SS", "é\u0301", "ς", "Σ", "\u03c3", "\u01c5", "\u0130", "\ufb00", "a\U0001f600"),
        *("10.0.0.1", "010.0.0.1", "1.2.3.400", "::1", "0:0:0:0:0:0:0:1", "::ffff:a00:1", "12:30"),
    ]
)
NUMBERS = st.sampled_from(
    [
        *("0", "-0", "0.0", "1", "1.0", "1e0", "-1", "5.5", "0.1", "0.1000001", "0.10000001", "1E2"),
        *("5000000000", "5000000001", "-5000000000", "4999999999.999999", "0.000001", "0.0000001"),
        *("1e400", "-1e400", "123456789012345678901234567890"),
    ]
) | st.floats(-6e9, 6e9).map(repr)
WORDS = st.sampled_from(["null", "true", "false"])
TEXTS = STRINGS.map(lambda text: json.dumps(text, ensure_ascii=False))
FLAT = st.sampled_from(["a", "ABC", "ß", "ς", "\u01c5", "\u0130", "\ufb00", ""])


def objects(values: st.SearchStrategy[str], most: int = 4) -> st.SearchStrategy[str]:
    """JSON objects, also with a name that comes twice."""
    pairs = st.lists(st.tuples(NAMES, values), max_size=most)
    return pairs.map(lambda found: "{" + ",".join(f'"{name}":{value}' for name, value in found) + "}")


def lists(values: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=least, max_size=3).map(lambda found: "[" + ",".join(found) + "]")


RECORDS = objects(
    st.recursive(TEXTS | NUMBERS | WORDS, lambda inner: lists(inner) | objects(inner, most=3), max_leaves=8)
)


def operators() -> st.SearchStrategy[str]:
    def of(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return values.map(lambda value: f'{{"{name}":{value}}}')

    bounds = st.tuples(st.sampled_from([">", ">="]), NUMBERS, st.sampled_from(["<", "<="]), NUMBERS)
    one = st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS)
    return st.one_of(
        TEXTS,
        WORDS,
        of("prefix", TEXTS),
        of("suffix", TEXTS),
        of("equals-ignore-case", FLAT.map(json.dumps)),
        of("anything-but", lists(TEXTS, 1) | TEXTS),
        of("exists", st.sampled_from(["true", "false"])),
        of("numeric", one.map(lambda found: f'["{found[0]}",{found[1]}]')),
        of("numeric", bounds.map(lambda f: f'["{f[0]}",{f[1]},"{f[2]}",{f[3]}]')),
    )


def patterns(depth: int = 2) -> st.SearchStrategy[str]:
    rules = lists(operators(), 1)
    fields = rules if not depth else rules | rules | patterns(depth - 1)
    plain = st.dictionaries(NAMES, fields, min_size=1, max_size=3)
    whole = plain.map(lambda found: [f'"{name}":{rule}' for name, rule in found.items()])
    if depth:
        either = st.lists(patterns(depth - 1), min_size=2, max_size=3).map(
            lambda found: [f'"$or":[{",".join(found)}]']
        )
        whole = st.tuples(either, whole).map(lambda both: both[0] + both[1]) | whole | whole
    return whole.map(lambda parts: "{" + ",".join(parts) + "}")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pattern=patterns(), records=st.lists(RECORDS, min_size=1, max_size=8))
def test_patterns_match_what_awss_own_matcher_matches(pattern: str, records: list[str]) -> None:
    judge = the_judge()
    try:
        passes = compile_filters([pattern])
    except SettingsError:
        return  # what the guide does not list, or what the matcher itself gets wrong
    try:
        wanted: Any = judge.matches(pattern, records)
    except Refused as refused:
        raise AssertionError(f"AWS refuses {pattern}: {refused}") from None
    assert [passes(record.encode()) for record in records] == wanted
