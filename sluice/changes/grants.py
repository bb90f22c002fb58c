"""Rights, taken apart into single grants, which compare by what they allow and not by how it is written."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sluice.policies.resource import listed
from sluice.policies.statements import Statement

_NEGATED: Final = "not"
_GLOBBED: Final = ("like", "arnequals")
_IF_THERE: Final = "ifexists"
_EXCEPTED: Final = "all but "

Condition = frozenset[tuple[str, str, frozenset[str]]]
"""What must hold for a grant: operator and key in small letters, and the values of which one must fit."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One principal may do one thing to one resource, if a condition holds; or, denied, may not.

    `holder` is the name of what the grant hangs on, and `on` says what that is: a role, a policy, a dataset.
    Of what a role may do, the principal is the role. Stars and question marks mean what they mean in IAM.
    """

    on: str
    holder: str
    principal: str
    action: str
    resource: str
    condition: Condition = frozenset()
    denied: bool = False


def grants(statement: Statement, on: str, holder: str, principal: str | None = None) -> Iterator[Grant]:
    """Take a statement apart; what it says by negation, such as NotAction, stays as it is written."""
    body = statement.body
    actions = statement.actions or [f"{_EXCEPTED}{_joined(body.get('NotAction'))}"]
    resources = statement.resources or (
        [f"{_EXCEPTED}{_joined(body['NotResource'])}"] if "NotResource" in body else [""]
    )
    if principal is not None:
        principals = [principal]
    elif "NotPrincipal" in body:
        principals = [f"{_EXCEPTED}{_joined(body['NotPrincipal'])}"]
    else:
        principals = [who for _, who in statement.principals]
    for who in principals:
        for action in actions:
            for resource in resources:
                yield Grant(
                    on=on,
                    holder=holder,
                    principal=who,
                    action=action,
                    resource=resource,
                    condition=_condition(body.get("Condition")),
                    denied=not statement.allows,
                )


def uncovered(wanted: Iterable[Grant], given: Iterable[Grant]) -> list[Grant]:
    """Return the grants of which no single given one allows at least as much."""
    those = list(given)
    return [each for each in wanted if not any(covers(other, each) for other in those)]


def covers(wide: Grant, narrow: Grant) -> bool:
    """Whether whatever one grant says is also said by a wider one."""
    return (
        (wide.on, wide.holder, wide.denied) == (narrow.on, narrow.holder, narrow.denied)
        and wide.principal in {narrow.principal, "*"}
        and _matches(wide.action.lower(), narrow.action.lower())
        and _matches(wide.resource, narrow.resource)
        and all(_implied(each, narrow.condition) for each in wide.condition)
    )


class Names:
    """What the same things are called before and after: names, ARNs, addresses, regions."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        # The longest first: an ARN before the name that it ends in.
        ordered = sorted(names, key=lambda each: -len(each))
        either = "|".join(re.escape(each) for each in ordered)
        self._pattern = re.compile(rf"(?:(?<=^)|(?<=[:/.]))(?:{either})(?=$|[:/*.])") if names else None

    def today(self, text: str) -> str:
        """Write a text with the later names."""
        return self._pattern.sub(lambda at: self._names[at[0]], text) if self._pattern else text

    def of(self, grant: Grant) -> Grant:
        """Write a grant with the later names: a right that follows a thing is not a new one."""
        return replace(
            grant,
            holder=self.today(grant.holder),
            principal=self.today(grant.principal),
            resource=self.today(grant.resource),
            condition=frozenset(
                (operator, key, frozenset(self.today(value) for value in values))
                for operator, key, values in grant.condition
            ),
        )


def _implied(wide: tuple[str, str, frozenset[str]], narrow: Condition) -> bool:
    """Whether what a wider grant demands is demanded by the narrower one as well, or more."""
    operator, key, values = wide
    for same, name, others in narrow:
        if (same, name) != (operator, key):
            continue
        if _NEGATED in operator:
            return values <= others
        if any(kind in operator for kind in _GLOBBED):
            return all(any(_matches(value, other) for value in values) for other in others)
        return others <= values
    # A demand that holds where the key is absent is implied by one that the key be there with such a value.
    strict = operator.removesuffix(_IF_THERE)
    return strict != operator and _implied((strict, key, values), narrow)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "[^*]"}.get(one, re.escape(one)) for one in text), re.DOTALL)


def _matches(wide: str, narrow: str) -> bool:
    """Whether a text with stars takes in all that another one does; a star is taken in by stars alone.

    Of exceptions, a pattern leaves less over: nothing but all takes in what another exception says.
    """
    if narrow.startswith(_EXCEPTED):
        return wide in {narrow, "*"}
    return wide == narrow or _pattern(wide).fullmatch(narrow) is not None


def _condition(blocks: Any) -> Condition:
    return frozenset(
        (operator.lower(), key.lower(), frozenset(str(value) for value in listed(values)))
        for operator, block in (blocks.items() if isinstance(blocks, dict) else ())
        if isinstance(block, dict)
        for key, values in block.items()
    )


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_joined(those)}" for key, those in sorted(value.items()))
    return ", ".join(sorted(str(each) for each in listed(value)))
