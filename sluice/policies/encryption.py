"""On the way and at rest: TLS only, encrypted everywhere, and with one's own key everywhere or nowhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sluice.policies import kinds
from sluice.policies.resource import UNKNOWN, Resource, Resources, listed
from sluice.policies.rule import Finding, Rule
from sluice.policies.statements import statements

_WITH_POLICY: Final = (
    # kind, its policy's kind, the policy's input that names it, its own input of the same value, the actions
    (kinds.QUEUE, kinds.QUEUE_POLICY, "queueUrl", "url", "sqs:*"),
    (kinds.BUCKET, kinds.BUCKET_POLICY, "bucket", "bucket", "s3:*"),
    (kinds.TOPIC, kinds.TOPIC_POLICY, "arn", "arn", "sns:Publish"),
)
_TLS_POLICIES: Final = frozenset(
    {
        "Policy-Min-TLS-1-2-2019-07",
        "Policy-Min-TLS-1-2-FIPS-PQ-2026-10",
        "Policy-Min-TLS-1-2-PFS-2023-10",
        "Policy-Min-TLS-1-2-RFC9151-FIPS-2024-08",
    }
)
"""Of OpenSearch Service, those that refuse TLS 1.0 and 1.1 (DomainEndpointOptions in botocore 1.44)."""

_AWS_OWN: Final = "alias/aws/"
_KEYED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    kinds.STREAM: (("kmsKeyId",),),
    kinds.QUEUE: (("kmsMasterKeyId",),),
    kinds.TOPIC: (("kmsMasterKeyId",),),
    kinds.BUCKET_ENCRYPTION: (("rules", "applyServerSideEncryptionByDefault", "kmsMasterKeyId"),),
    kinds.TABLE: (("serverSideEncryption", "kmsKeyArn"),),
    kinds.FUNCTION: (("kmsKeyArn",),),
    kinds.LOG_GROUP: (("kmsKeyId",),),
    kinds.DOMAIN: (("encryptAtRest", "kmsKeyId"),),
    kinds.ATHENA_WORKGROUP: (
        ("configuration", "resultConfiguration", "encryptionConfiguration", "kmsKeyArn"),
        ("configuration", "resultConfiguration", "encryptionConfiguration", "kmsKey"),
    ),
}
"""Where each kind names the key that encrypts it; any of several."""

_ANSWERED: Final = frozenset({kinds.TABLE, kinds.DOMAIN})
"""Kinds for which the cloud answers with the key that it took itself, where none was asked for."""

_ENCRYPTED: Final[Mapping[str, tuple[tuple[tuple[str, ...], ...], str]]] = {
    kinds.STREAM: ((("encryptionType",),), "records"),
    kinds.QUEUE: ((("kmsMasterKeyId",), ("sqsManagedSseEnabled",)), "messages"),
    kinds.TOPIC: ((("kmsMasterKeyId",),), "messages"),
    kinds.TABLE: ((("serverSideEncryption", "enabled"),), "items"),
    kinds.DOMAIN: ((("encryptAtRest", "enabled"),), "indices"),
    kinds.ATHENA_WORKGROUP: (
        (("configuration", "resultConfiguration", "encryptionConfiguration", "encryptionOption"),),
        "results",
    ),
}
"""What says that a kind is encrypted, any of several, and what it holds."""

_SHORTEST_DELETION_DAYS: Final = 7


def _tls_only(resources: Resources) -> Iterator[Finding]:
    for kind, policy_kind, by, key, actions in _WITH_POLICY:
        for each in resources.of(kind):
            policies = [each, *resources.beside(each, policy_kind, by=by, key=key)]
            name = each.at("bucket" if kind == kinds.BUCKET else "name")
            if not any(_refuses_plain(policy, actions, name) for policy in policies):
                yield (
                    each,
                    f"can be reached without TLS: add a policy that denies {actions} to everybody without it",
                )


def _refuses_plain(policy: Resource, actions: str, name: Any) -> bool:
    if policy.at("policy") == UNKNOWN:
        return True
    return any(
        statement.body.get("Effect") == "Deny"
        and {actions, "*"} & set(statement.actions)
        and ("AWS", "*") in statement.principals
        and _is_without_tls(statement.body.get("Condition"))
        and _covers(statement.resources, name)
        for statement in statements(Resources([policy]), "resource")
    )


def _is_without_tls(condition: Any) -> bool:
    """Whether a condition says that, and nothing that would narrow the refusal."""
    match condition:
        case {"Bool": {"aws:SecureTransport": said}} if len(condition) == len(condition["Bool"]) == 1:
            return [str(each).lower() for each in listed(said)] == ["false"]
    return False


def _covers(arns: list[str], name: Any) -> bool:
    """Whether ARNs take in a thing by its name, and with a bucket what is in it."""
    if "*" in arns or name in {None, UNKNOWN}:
        return bool(arns)
    named = [arn.rpartition(":")[2] for arn in arns]
    in_bucket = any(arn.split(":")[2:3] == ["s3"] for arn in arns)
    return name in named and (not in_bucket or f"{name}/*" in named)


def _domains_speak_tls(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.DOMAIN):
        if each.off("domainEndpointOptions", "enforceHttps"):
            yield each, "takes plain HTTP: set enforce_https"
        if each.at("domainEndpointOptions", "tlsSecurityPolicy") not in {*_TLS_POLICIES, UNKNOWN}:
            yield each, f"takes old TLS: set tls_security_policy to one of {', '.join(sorted(_TLS_POLICIES))}"
        if each.off("nodeToNodeEncryption", "enabled"):
            yield each, "has nodes that talk in the clear: enable node_to_node_encryption"


def _functions_call_https(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.FUNCTION):
        for path, text in each.texts():
            if path.startswith("environment.") and "http://" in text:
                yield each, f"is told a plain http address in {path.rpartition('.')[2]}: take https"


def _everything_is_encrypted(resources: Resources) -> Iterator[Finding]:
    for kind, (paths, what) in _ENCRYPTED.items():
        for each in resources.of(kind):
            if all(each.lacks(*path) for path in paths) and not _alarms_ring_at(each, resources):
                yield each, f"keeps {what} in the clear, or does not say: set {_snake(paths[0])}"
    for each in resources.of(kinds.BUCKET):
        if not list(resources.beside(each, kinds.BUCKET_ENCRYPTION, by="bucket", key="bucket")):
            yield each, "does not say how it encrypts: declare a server-side encryption configuration"


def _alarms_ring_at(topic: Resource, resources: Resources) -> bool:
    """Whether it is a topic that CloudWatch's alarms send to, as its policy says.

    They cannot send to one that AWS's own key encrypts, since its policy cannot let CloudWatch in (SNS
    developer guide, key management); what they say are names and figures.
    """
    policies = [topic, *resources.beside(topic, kinds.TOPIC_POLICY, by="arn", key="arn")]
    if topic.type != kinds.TOPIC:
        return False
    return any(policy.at("policy") == UNKNOWN for policy in policies) or any(
        statement.allows and ("Service", "cloudwatch.amazonaws.com") in statement.principals
        for statement in statements(Resources(policies), "resource")
    )


def _snake(path: tuple[str, ...]) -> str:
    return ".".join(re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key) for key in path)


def _own_key_everywhere(resources: Resources) -> Iterator[Finding]:
    said = [each for each in resources.of(*_KEYED) if each.type not in _ANSWERED]
    if any(resources.of(kinds.KEY)) or any(_names_own_key(each) for each in said):
        for each in resources.of(*_KEYED):
            if not _names_own_key(each) and not _names_unknown_key(each):
                yield each, "is not encrypted with the environment's own key, as others are: name it"


def _names_own_key(resource: Resource) -> bool:
    found = [str(resource.at(*path)) for path in _KEYED[resource.type] if not resource.lacks(*path)]
    return any(key != UNKNOWN and not key.startswith(_AWS_OWN) for key in found)


def _names_unknown_key(resource: Resource) -> bool:
    return any(resource.at(*path) == UNKNOWN for path in _KEYED[resource.type])


def _keys_turn(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.KEY):
        if each.off("enableKeyRotation"):
            yield each, "never turns: set enable_key_rotation"
        days = each.at("deletionWindowInDays")
        if isinstance(days, int | float) and days < _SHORTEST_DELETION_DAYS:
            yield each, f"is gone after {days:g} days: set deletion_window_in_days to 7 to 30"
    for statement in statements(resources, "resource"):
        if statement.of.type in {kinds.KEY, kinds.KEY_POLICY} and statement.allows:
            for wild in statement.wild_actions:
                yield statement.of, f"{statement.called} allows {wild}: name who administers and who uses"


RULES: Final = (
    Rule(
        id="encryption-tls-only",
        demands="Queues, buckets and topics refuse everybody who comes without TLS",
        reason="AWS's endpoints still take plain HTTP where nobody forbids it",
        check=_tls_only,
    ),
    Rule(
        id="encryption-tls-domains",
        demands="OpenSearch domains speak TLS 1.2 or newer alone, outside and between nodes",
        reason="a domain takes plain HTTP unless told otherwise",
        check=_domains_speak_tls,
    ),
    Rule(
        id="encryption-https-addresses",
        demands="Functions are told https addresses only",
        reason="what they send are payloads and tokens",
        check=_functions_call_https,
    ),
    Rule(
        id="encryption-at-rest",
        demands="What holds data says how it is encrypted",
        reason="defaults differ by service, by region and by the year an account was made",
        check=_everything_is_encrypted,
    ),
    Rule(
        id="encryption-own-key",
        demands="Where one thing is encrypted with a key of one's own, all that can be are",
        reason="taking the key away must close everything, or nothing is gained by having it",
        check=_own_key_everywhere,
    ),
    Rule(
        id="encryption-keys",
        demands="Keys turn every year, can be called back after a deletion, and allow named actions",
        reason="what a lost key has encrypted is lost with it",
        check=_keys_turn,
    ),
)
