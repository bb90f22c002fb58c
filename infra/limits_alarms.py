"""What CloudWatch and SNS accept of the settings of alarms: see infra/limits.py, whose rules hold here."""

from typing import Final

from infra.limits import text, whole

_ALARM: Final = "CloudWatch API, PutMetricAlarm"

EMAIL: Final = text(
    r"[^@\s,]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,}", "an e-mail address", "SNS API, Subscribe"
)
HTTPS: Final = text(
    r"https://[^\s@]{1,2000}", "an https address, without a password in it", "SNS API, Subscribe"
)
MOST_SUBSCRIBERS: Final = 50
"""A choice, so that a list pasted by mistake is noticed: SNS takes 12,500,000 subscriptions of a topic."""

RUNBOOKS: Final = text(
    r"(https://[^\s]{1,200}|[A-Za-z0-9._/-]{1,200})",
    "an https address, or a folder of the repository, of at most 200 characters",
    f"{_ALARM}: a description has 1,024 characters",
)
COUNT: Final = whole(0, 1_000_000, "a choice; CloudWatch compares with any number")
SECONDS: Final = whole(1, 604_800, "the longest that CloudWatch looks back, a week", unit="seconds")
PERCENT: Final = whole(1, 100, "a share", unit="percent")
PERIOD_MINUTES: Final = whole(
    1, 720, f"{_ALARM}: two periods within a day, unless they are whole hours", unit="minutes"
)
WAITING_MINUTES: Final = whole(5, 1440, f"{_ALARM}: all periods together within a day", unit="minutes")
