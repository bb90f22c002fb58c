"""IAM documents among a program's resources, statement by statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from sluice.policies import kinds
from sluice.policies.resource import Resource, Resources, document, listed

Meant = Literal["rights", "trust", "resource"]

_DOCUMENTS: Final[dict[str, tuple[tuple[str, Meant], ...]]] = {
    kinds.ROLE: (("assumeRolePolicy", "trust"),),
    kinds.ROLE_POLICY: (("policy", "rights"),),
    kinds.POLICY: (("policy", "rights"),),
    kinds.QUEUE_POLICY: (("policy", "resource"),),
    kinds.BUCKET_POLICY: (("policy", "resource"),),
    kinds.TOPIC_POLICY: (("policy", "resource"),),
    kinds.KEY: (("policy", "resource"),),
    kinds.KEY_POLICY: (("policy", "resource"),),
    kinds.LOG_POLICY: (("policyDocument", "resource"),),
    kinds.DOMAIN: (("accessPolicies", "resource"),),
}
"""Where each type keeps IAM documents, and what they say: what a role may do, who may become it, who may
come to a resource."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a document, and whose it is."""

    of: Resource
    meant: Meant
    body: dict[str, Any]

    @property
    def called(self) -> str:
        """Its Sid, or a word for one without."""
        return str(self.body.get("Sid") or "a statement without Sid")

    @property
    def allows(self) -> bool:
        """Whether it allows."""
        return self.body.get("Effect") == "Allow"

    @property
    def actions(self) -> list[str]:
        """What it is about, such as sqs:SendMessage."""
        return [str(each) for each in listed(self.body.get("Action"))]

    @property
    def resources(self) -> list[str]:
        """What it may be done to: ARNs, or `*`."""
        return [str(each) for each in listed(self.body.get("Resource"))]

    @property
    def principals(self) -> list[tuple[str, str]]:
        """Whom it is about, as (kind, who): (Service, lambda.amazonaws.com), (AWS, *)."""
        given = self.body.get("Principal")
        if not isinstance(given, dict):
            return [("AWS", str(each)) for each in listed(given)]
        return [(kind, str(each)) for kind, those in given.items() for each in listed(those)]

    @property
    def condition_keys(self) -> set[str]:
        """What its condition looks at, such as aws:SourceAccount, in small letters as IAM reads them."""
        blocks = self.body.get("Condition")
        return {key.lower() for block in (blocks or {}).values() for key in block}


def statements(resources: Resources, *meant: Meant) -> Iterator[Statement]:
    """Yield the statements of all documents that are known; those of resources' own, or of some meanings."""
    for each in resources.created:
        for key, what in _DOCUMENTS.get(each.type, ()):
            if not meant or what in meant:
                yield from _of(each, what, each.at(key))
        if each.type == kinds.ROLE and (not meant or "rights" in meant):
            for inline in listed(each.at("inlinePolicies")):
                if isinstance(inline, dict):
                    yield from _of(each, "rights", inline.get("policy"))


def _of(resource: Resource, meant: Meant, text: Any) -> Iterator[Statement]:
    for body in listed((document(text) or {}).get("Statement")):
        if isinstance(body, dict):
            yield Statement(of=resource, meant=meant, body=body)
