"""Metric math and composite rules: what they come to, and what is refused."""

import pytest

from sluice.local.watch.evaluation import State
from sluice.local.watch.expression import Expression, ExpressionError
from sluice.local.watch.functions import Series
from sluice.local.watch.rule import Rule, RuleError

KNOWN: dict[str, Series] = {"m1": (1.0, None, 3.0), "m2": (4.0, 2.0, 0.0), "none": (None, None, None)}


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("m1 + m2 * 2", (9, None, 3)),
        ("(m1 + m2) * 2 - 1", (9, None, 5)),
        ("-m2 ^ 2", (-16, -4, 0)),
        ("m1 / m2", (0.25, None, None)),
        ("100 * (m2 / 4)", (100, 50, 0)),
        ("FILL(m1, 0) + m2", (5, 2, 3)),
        ("FILL(m1, REPEAT)", (1, 1, 3)),
        ("FILL(m1, LINEAR)", (1, 2, 3)),
        ("FILL(none, 7)", (7, 7, 7)),
        ("FILL([m1, none], 0)", None),
        ("SUM(FILL([m1, none], 5))", (6, 10, 8)),
        ("SUM([m1, m2])", (5, 2, 3)),
        ("MAX(METRICS())", (4, 2, 3)),
        ("SUM(METRICS('m'))", (5, 2, 3)),
        ("AVG([m1, m2])", (2.5, 2, 1.5)),
        ("MIN([m1, m2, none])", (1, 2, 0)),
        ("m2 - MIN(m2)", (4, 2, 0)),
        ("m2 / MAX(m2)", (1, 0.5, 0)),
        ("IF(m2 > 1, 1, 0)", (1, 1, 0)),
        ("IF(m1 > 0 AND FILL(none, 0) == 0, 1, 0)", (1, None, 1)),
        ("IF(m1 > 2, m2)", (None, None, 0)),
        ("m1 >= 1 || m2 >= 1", (1, None, 1)),
        ("m1 != 3 && m2 != 9", (1, None, 0)),
        ("ABS(-m2)", (4, 2, 0)),
        ("CEIL(m2 / 3) + FLOOR(m2 / 3)", (3, 1, 0)),
        ("LOG10(m2)", (0.6020599913279624, 0.3010299956639812, None)),
        ("DIFF(m2)", (None, -2, -2)),
        ("RATE(m2)", (None, -2 / 60, -2 / 60)),
        ("RUNNING_SUM(m2)", (4, 6, 6)),
        ("TIME_SERIES(5)", (5, 5, 5)),
        ("m2 / PERIOD(m2)", (4 / 60, 2 / 60, 0)),
        ("m2 * METRIC_COUNT(METRICS())", (12, 6, 0)),
        ("[m1, m2] * 2", None),
        ("SUM([m1, m2] * 2)", (10, 4, 6)),
        ("5", None),
        ("MAX(m1)", None),
    ],
)
def test_metric_math_comes_to_what_the_guide_says(text: str, series: Series | None) -> None:
    expression = Expression.parse(text)
    if series is None:
        with pytest.raises(ExpressionError, match="time series"):
            expression.series(KNOWN, 3, 60)
    else:
        assert expression.series(KNOWN, 3, 60) == pytest.approx(series)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SEARCH('{AWS/Lambda}', 'Sum')", "SEARCH is not computed here; what is: ABS, AVG"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "ANOMALY_DETECTION_BAND is not computed"),
        ("SELECT AVG(x) FROM y", "SELECT is not known here"),
        ("m1 +", "it ends too early"),
        ("(m1", ") is missing before its end"),
        ("m1 m2", "m2 comes unexpectedly"),
        ("m1 # 2", "'# 2' cannot be read"),
        ("IF(m1)", "IF takes 2 or 3 arguments"),
        ("FILL(m1, 'often')", "often instead of one series"),
        ("m9 * 2", "m9 is none of its ids"),
        ("SUM([m1, m2] * [m1, m2, none])", "lists of series that are not equally long"),
        ("ABS('x')", "x where there must be a number"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        Expression.parse(text).series(KNOWN, 3, 60)
    assert said in str(refused.value)


STATES = {"a": State.ALARM, "b": State.OK, "c d": State.INSUFFICIENT_DATA}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('ALARM("a")', True),
        ("ALARM(a) AND OK('b')", True),
        ('ALARM("a") AND NOT OK("b")', False),
        ('NOT ALARM("b") AND INSUFFICIENT_DATA("c d")', True),
        ('ALARM("b") OR ALARM("a") AND OK("a")', False),
        ('(ALARM("b") OR ALARM("a")) AND OK("b")', True),
        ("TRUE AND NOT FALSE", True),
        ('ALARM("arn:aws:cloudwatch:eu-west-1:1:alarm:a")', True),
        ('ALARM("unknown")', False),
        ('AT_LEAST(2, ALARM, ("a", "b", "c d"))', False),
        ('AT_LEAST(2, NOT ALARM, ("a", "b", "c d"))', True),
        ('AT_LEAST(30%, ALARM, ("a", "b", "c d"))', True),
        ('AT_LEAST(50%, ALARM, ("a", "b", "c d"))', False),
    ],
)
def test_a_rule_holds_as_its_alarms_are(text: str, holds: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert Rule.parse(text).holds(STATES) is holds


def test_a_rule_names_its_alarms_once_each() -> None:
    rule = Rule.parse('ALARM("a") OR OK("b") OR AT_LEAST(1, OK, (a, "c d"))')
    assert rule.alarms == ("a", "b", "c d")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ALARM(", "it ends too early"),
        ('ALARM("a") ALARM("b")', "ALARM comes unexpectedly"),
        ('RINGS("a")', "RINGS is not known: ALARM, OK and INSUFFICIENT_DATA"),
        ('AT_LEAST(many, ALARM, ("a"))', "many is neither a number nor a percentage"),
        ('AT_LEAST(1, RINGING, ("a"))', "RINGING is no state"),
        ('ALARM("a', "cannot be read"),
        ("TRUE" + " " * 10_240, "CloudWatch takes 10240"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(RuleError) as refused:
        Rule.parse(text)
    assert said in str(refused.value)
