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
    kinds.QUEUE: (("policy", "resource"),),
    kinds.QUEUE_POLICY: (("policy", "resource"),),
    kinds.BUCKET: (("policy", "resource"),),
    kinds.BUCKET_POLICY: (("policy", "resource"),),
    kinds.TOPIC: (("policy", "resource"),),
    kinds.TOPIC_POLICY: (("policy", "resource"),),
    kinds.KEY: (("policy", "resource"),),
    kinds.KEY_POLICY: (("policy", "resource"),),
    kinds.LOG_POLICY: (("policyDocument", "resource"),),
    kinds.DOMAIN: (("accessPolicies", "resource"),),
    "aws:dynamodb/resourcePolicy:ResourcePolicy": (("policy", "resource"),),
    "aws:kinesis/resourcePolicy:ResourcePolicy": (("policy", "resource"),),
    "aws:opensearch/domainPolicy:DomainPolicy": (("accessPolicies", "resource"),),
    "aws:secretsmanager/secretPolicy:SecretPolicy": (("policy", "resource"),),
}
"""Where each type keeps IAM documents, and what they say: what a role may do, who may become it, who may
come to a resource."""


_NARROWING: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
)
"""Operators that hold for some values only. Null, ...IfExists, ForAllValues and those with Not may also hold
where a request lacks the key (IAM user guide, condition operators)."""


def is_named(value: str) -> bool:
    """Whether a value says whose: no star in it, or only after an ARN's account or the name of a bucket."""
    if not set(value) & set("*?"):
        return True
    head, rest = value.split(":")[:5], ":".join(value.split(":")[5:])
    account = head[-1] if rest else "*"
    return not set("".join(head)) & set("*?") and (bool(account) or rest[:1] not in {"*", "?"})


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
    def wild_actions(self) -> list[str]:
        """What it says about actions without naming them."""
        wild = [action for action in self.actions if "*" in action or "?" in action]
        return [*wild, *(["all but some actions (NotAction)"] if "NotAction" in self.body else [])]

    @property
    def narrowed(self) -> set[str]:
        """The keys that must be there and have a named value, such as aws:SourceAccount, in small letters."""
        blocks = self.body.get("Condition")
        return {
            key.lower()
            for operator, block in (blocks.items() if isinstance(blocks, dict) else ())
            if operator.lower().removeprefix("foranyvalue:") in _NARROWING and isinstance(block, dict)
            for key, values in block.items()
            if listed(values) and all(is_named(str(value)) for value in listed(values))
        }


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
