"""What holds data outlives a slip: protected, refused by the cloud itself, and recoverable."""

from collections.abc import Iterator, Mapping
from typing import Final

from sluice.policies import kinds
from sluice.policies.resource import Resource, Resources
from sluice.policies.rule import Finding, Rule

_HOLDING: Final = (
    kinds.STREAM,
    kinds.QUEUE,
    kinds.BUCKET,
    kinds.TABLE,
    kinds.DOMAIN,
    kinds.KEY,
    kinds.BIGQUERY_DATASET,
    kinds.BIGQUERY_TABLE,
)
"""Kinds whose deletion loses something; a view holds nothing."""

_PASSING: Final = ("sluice:infra:CodeSigning$", "sluice:infra:Probe$")
"""Components that hold nothing to keep: packages, of which Lambda has its own copy and which a deployment
makes again; and what `sluice probe` sends and notes, which expires within a day."""

_REFUSING: Final[Mapping[str, tuple[str, bool]]] = {
    kinds.TABLE: ("deletionProtectionEnabled", True),
    kinds.BIGQUERY_TABLE: ("deletionProtection", True),
    kinds.BIGQUERY_DATASET: ("deleteContentsOnDestroy", False),
    kinds.BUCKET: ("forceDestroy", False),
    kinds.STREAM: ("enforceConsumerDeletion", False),
}
"""What makes the cloud itself, or the provider, refuse."""


def _protected(resources: Resources) -> Iterator[Finding]:
    for each in _holding(resources):
        if not each.protect:
            yield each, "holds data and is not protected: declare it with env.keeping"
    for each in () if resources.throwaway else resources.of(kinds.MAPPING):
        if ":kinesis:" in str(each.at("eventSourceArn")) and not each.protect and not _passing(each):
            yield each, "holds a stream's checkpoint and is not protected: declare it with env.keeping"


def _refused_by_the_cloud(resources: Resources) -> Iterator[Finding]:
    for each in _holding(resources):
        key, wanted = _REFUSING.get(each.type, ("", None))
        given = each.at(key) if key else None
        if key and each.differs(wanted, key) and (wanted or given is not None):
            yield each, f"can be deleted by a slip in the console: set {key} to {str(wanted).lower()}"


def _recoverable(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.TABLE):
        if each.off("pointInTimeRecovery", "enabled"):
            yield each, "cannot be recovered: enable point_in_time_recovery"


def _holding(resources: Resources) -> Iterator[Resource]:
    if not resources.throwaway:
        holding = (each for each in resources.of(*_HOLDING) if each.lacks("view"))
        yield from (each for each in holding if not _passing(each))


def _passing(resource: Resource) -> bool:
    return any(component in resource.urn for component in _PASSING)


RULES: Final = (
    Rule(
        id="data-protected",
        demands="What holds data is protected from deletion, unless the setting `protect` is off",
        reason="a renamed resource is a deleted one",
        check=_protected,
    ),
    Rule(
        id="data-refused-by-the-cloud",
        demands="Tables, datasets, buckets and streams refuse deletion themselves, unless `protect` is off",
        reason="Pulumi's protection does not reach the console",
        check=_refused_by_the_cloud,
    ),
    Rule(
        id="data-recoverable",
        demands="DynamoDB tables can be recovered to any second of the last 35 days",
        reason="windows and books are written by code, and code has bugs",
        check=_recoverable,
    ),
)
