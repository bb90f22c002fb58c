"""What a role's policies allow: statements, wildcards and conditions as IAM evaluates them.

From the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators": an
explicit denial wins, what no statement allows is denied. A part of a policy that is not understood here is
refused when it is read, since to pass over it would mean to guess.

Why no library: moto's evaluator (5.2) knows `StringEquals` alone, and takes any other condition for met; none
was found for Python that reads them all (2026-11). With @cloud-copilot/iam-simulate 0.1.173, which is for
Node, this one was compared on 6,000 random policies: they differ on `ForAnyValue` with `IfExists` where there
is no value, and on a `*` that goes on behind a colon of `Resource`, and on nothing else. Both are decided
here as the guide words them.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sluice.errors import SettingsError
from sluice.local.access.request import Context

DECISIONS = 4096
"""How many answers of one role are remembered."""

_ELEMENTS: Final = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
CONDITION_KEYS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:sourceaccount",
        "dynamodb:leadingkeys",
        "kms:viaservice",
        "lambda:sourcefunctionarn",
        "s3:delimiter",
        "s3:prefix",
    }
)
"""Keys, in small letters, that the local AWS knows of a request, or knows to be absent from it."""

_ALLOW, _DENY = "Allow", "Deny"


def _like(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """Match `*` and `?`, which also match the separators of ARNs."""
    if "*" not in pattern and "?" not in pattern and not ignore_case:
        return pattern.__eq__
    text = "".join({"*": ".*", "?": "."}.get(one) or re.escape(one) for one in pattern)
    compiled = re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    return lambda value: compiled.fullmatch(value) is not None


_COLONS: Final = 5
"""In an ARN; what comes behind them may have more."""


def _arn_like(pattern: str) -> Callable[[str], bool]:
    """Match each of an ARN's six parts by itself, as the guide says of ARN operators."""
    tests = [_like(part) for part in pattern.split(":", _COLONS)]

    def test(value: str) -> bool:
        parts = value.split(":", _COLONS)
        return len(parts) == len(tests) and all(one(part) for one, part in zip(tests, parts, strict=True))

    return test


_OPERATORS: Final[dict[str, Callable[[str], Callable[[str], bool]]]] = {
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted: lambda value: value.lower() == wanted.lower(),
    "StringEquals": lambda wanted: wanted.__eq__,
    "StringEqualsIgnoreCase": lambda wanted: lambda value: value.lower() == wanted.lower(),
    "StringLike": _like,
}
_NEGATED: Final = {
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
}


@dataclass(frozen=True, slots=True)
class _Condition:
    key: str
    tests: tuple[Callable[[str], bool], ...]
    quantifier: str = ""
    negated: bool = False
    if_exists: bool = False
    absent: bool | None = None

    def holds(self, context: Context) -> bool:
        values = context.get(self.key, ())
        if self.absent is not None:
            return bool(values) is not self.absent
        if not values:
            return (
                self.if_exists or self.quantifier == "ForAllValues" or (self.negated and not self.quantifier)
            )
        met = (any(test(value) for test in self.tests) is not self.negated for value in values)
        return all(met) if self.quantifier == "ForAllValues" else any(met)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `sid` tells it from the others of its role."""

    sid: str
    allows: bool
    applies: Callable[[str, str | None], bool]
    conditions: tuple[_Condition, ...]

    def holds(self, context: Context) -> bool:
        """Whether its conditions are met."""
        return all(condition.holds(context) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and which statement decided; None where no statement did."""

    allowed: bool
    sid: str | None


class Policies:
    """All policies of one role. Safe for several threads."""

    def __init__(self, documents: Sequence[str]) -> None:
        statements = [one for document in documents for one in read(document)]
        # Denials come first: whatever else allows it.
        self._statements = sorted(statements, key=lambda one: one.allows)
        self._applying = lru_cache(DECISIONS)(self._find)

    def decide(self, action: str, resource: str | None, context: Callable[[], Context]) -> Decision:
        """Whether an action is allowed on a resource, on any one where that is not known."""
        known: Context | None = None
        for statement in self._applying(action, resource):
            if statement.conditions:
                known = context() if known is None else known
                if not statement.holds(known):
                    continue
            return Decision(statement.allows, statement.sid)
        return Decision(allowed=False, sid=None)

    def _find(self, action: str, resource: str | None) -> tuple[Statement, ...]:
        return tuple(one for one in self._statements if one.applies(action, resource))


def read(document: str) -> list[Statement]:
    """The statements of a policy.

    Raises:
        SettingsError: it has something that the local AWS does not evaluate.
    """
    given = json.loads(document)["Statement"]
    return [_statement(one) for one in (given if isinstance(given, list) else [given])]


def _statement(given: Mapping[str, Any]) -> Statement:
    sid = str(given.get("Sid", ""))
    unknown = given.keys() - _ELEMENTS
    if unknown or given.get("Effect") not in (_ALLOW, _DENY):
        what = ", ".join(sorted(unknown)) or f"Effect {given.get('Effect')!r}"
        raise _refusal(sid, what, f"the elements {', '.join(sorted(_ELEMENTS))}, with Allow or Deny")
    if "${" in json.dumps(given):
        raise _refusal(sid, "a policy variable (${...})", "what a value is, in full")
    actions = _list(given.get("Action", given.get("NotAction")))
    resources = _list(given.get("Resource", given.get("NotResource")))
    of_action = [_like(one, ignore_case=True) for one in actions]
    of_resource = [_like(one) for one in resources]

    def applies(action: str, resource: str | None) -> bool:
        if any(test(action) for test in of_action) is ("NotAction" in given):
            return False
        if resource is None:  # only a denial of everything is sure to apply to what is not known
            return given["Effect"] == _ALLOW or "*" in resources
        return any(test(resource) for test in of_resource) is not ("NotResource" in given)

    conditions = tuple(
        _condition(sid, operator, key, _list(wanted))
        for operator, keys in (given.get("Condition") or {}).items()
        for key, wanted in keys.items()
    )
    return Statement(sid, given["Effect"] == _ALLOW, applies, conditions)


def _condition(sid: str, operator: str, key: str, wanted: Sequence[str]) -> _Condition:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = name in _NEGATED
    test = _OPERATORS.get(_NEGATED.get(name, name))
    known = key.lower() in CONDITION_KEYS and quantifier in ("", "ForAllValues", "ForAnyValue")
    if not known or (test is None and name != "Null"):
        accepted = (
            f"{', '.join(sorted({*_OPERATORS, *_NEGATED, 'Null'}))} on {', '.join(sorted(CONDITION_KEYS))}"
        )
        raise _refusal(sid, f"the condition {operator} on {key}", accepted)
    short = [one for one in wanted if name.startswith("Arn") and one.count(":") < _COLONS]
    if short:
        raise _refusal(sid, f"the condition {operator} with {short[0]}", "an ARN of six parts")
    if test is None:
        return _Condition(key.lower(), (), absent=wanted[0].lower() == "true")
    return _Condition(key.lower(), tuple(test(one) for one in wanted), quantifier, negated, if_exists)


def _refusal(sid: str, given: str, accepted: str) -> SettingsError:
    return SettingsError(
        f"the local AWS cannot judge the policy statement {sid or '(without Sid)'}: it has {given}, known is "
        f"{accepted}; write it so, or teach sluice/local/access/policy.py"
    )


def _list(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in found]
