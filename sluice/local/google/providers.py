"""Identity pools and their AWS providers: who somebody with an AWS role is to Google.

Limits: IAM API, projects.locations.workloadIdentityPools.providers (read 2026-11), and the IAM guide,
"Workload Identity Federation", attribute mappings.
"""

from typing import Any, Final

import msgspec

from sluice.local.google.errors import (
    TokenRefusedError,
    invalid_argument,
    invalid_grant,
    rejected_by_condition,
)
from sluice.local.google.expressions import check, evaluate

SUBJECT_BYTES: Final = 127
CONDITION_CHARACTERS: Final = 4096
MAPPING_CHARACTERS: Final = 2048
MAPPED_BYTES: Final = 8192
"""Of all mapped attributes together; the reference has named 4, 8 and 16 KB."""

_DEFAULT_MAPPING: Final = {
    "google.subject": "assertion.arn",
    "attribute.aws_role": (
        "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/') "
        "+ 'assumed-role/' + assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn"
    ),
}
"""What Google takes for an AWS provider without one."""


class Caller(msgspec.Struct, frozen=True):
    """What AWS' GetCallerIdentity answers; an expression's `assertion`."""

    arn: str
    account: str
    userid: str


class Provider(msgspec.Struct, frozen=True):
    """An AWS provider of a pool, as its REST resource describes it."""

    name: str
    account: str
    mapping: dict[str, str]
    condition: str = ""
    disabled: bool = False

    @classmethod
    def of(cls, name: str, resource: dict[str, Any]) -> "Provider":
        """Read a REST resource.

        Raises:
            ApiError: 400, Google would refuse it.
        """
        account = str((resource.get("aws") or {}).get("accountId") or "")
        if not account:
            raise invalid_argument(
                "the provider is not one of AWS: no other is supported by the local Google"
            )
        mapping = dict(resource.get("attributeMapping") or _DEFAULT_MAPPING)
        condition = str(resource.get("attributeCondition") or "")
        if "google.subject" not in mapping:
            raise invalid_argument("attributeMapping: google.subject is required")
        for expression in mapping.values():
            _check_length(expression, MAPPING_CHARACTERS, "an attribute mapping")
        _check_length(condition, CONDITION_CHARACTERS, "the attribute condition")
        for expression in (*mapping.values(), *([condition] if condition else [])):
            check(expression)
        return cls(name, account, mapping, condition, bool(resource.get("disabled")))

    @property
    def pool(self) -> str:
        """The name of the provider's pool."""
        return self.name.partition("/providers/")[0]

    def members(self, caller: Caller) -> frozenset[str]:
        """Name a caller in every way in which a grant can.

        Raises:
            TokenRefusedError: the provider does not let it in.
        """
        if caller.account != self.account:
            raise invalid_grant(f"The credential is of AWS account {caller.account}, not the provider's.")
        assertion = msgspec.structs.asdict(caller)
        mapped = {key: self._mapped(key, {"assertion": assertion}) for key in self.mapping}
        self._check_sizes(mapped)
        if self.condition:
            known = {
                "assertion": assertion,
                "google": _below("google.", mapped),
                "attribute": _below("attribute.", mapped),
            }
            try:
                let_in = evaluate(self.condition, known)
            except ValueError as error:
                raise invalid_grant(f"The attribute condition has no value: {error}") from None
            if let_in is not True:
                raise rejected_by_condition()
        base = f"iam.googleapis.com/{self.pool}"
        return frozenset(
            [
                f"principal://{base}/subject/{mapped['google.subject']}",
                f"principalSet://{base}/*",
                *(
                    f"principalSet://{base}/{key}/{value}"
                    for key, value in mapped.items()
                    if key.startswith("attribute.")
                ),
            ]
        )

    def _mapped(self, key: str, known: dict[str, Any]) -> str:
        try:
            value = evaluate(self.mapping[key], known)
        except ValueError as error:
            raise invalid_grant(f"The mapping of {key} has no value: {error}") from None
        return str(value)

    def _check_sizes(self, mapped: dict[str, str]) -> None:
        if not mapped["google.subject"]:
            raise invalid_grant("The mapped attribute google.subject is empty.")
        if len(mapped["google.subject"].encode()) > SUBJECT_BYTES:
            raise TokenRefusedError(
                "invalid_request",
                f"The size of mapped attribute google.subject exceeds the {SUBJECT_BYTES} bytes limit. "
                "Either modify your attribute mapping or the incoming assertion to produce a mapped "
                f"attribute that is less than {SUBJECT_BYTES} bytes.",
            )
        if sum(len(value.encode()) for value in mapped.values()) > MAPPED_BYTES:
            raise TokenRefusedError(
                "invalid_request",
                f"The size of all mapped attributes exceeds the {MAPPED_BYTES} bytes limit.",
            )


def _below(prefix: str, mapped: dict[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in mapped.items() if key.startswith(prefix)}


def _check_length(expression: str, most: int, what: str) -> None:
    if len(expression) > most:
        raise invalid_argument(f"{what} has {len(expression)} characters: accepted are at most {most}")
