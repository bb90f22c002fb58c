"""iam-policy-validator over the policies of a program, offline: AWS's reference comes with policy-sentry.

The linter asks AWS's Service Reference API, or a folder of its answers. policy-sentry ships the same facts
(the Service Authorization Reference: actions, resource types, condition keys), so they are written the way
that API answers.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iam_validator.sdk import AWSServiceFetcher, IAMPolicy, ValidatorConfig, validate_policies
from policy_sentry.shared.iam_data import get_service_prefix_data

from sluice.local.declared import Declared

NOT_ASKED = {
    "sensitive_action": "wants a condition on every right to read or write data, whatever it names",
    "action_condition_enforcement": "wants S3 pinned to account or network beside the bucket's whole name",
}
"""Checks of the linter that are off, and what they ask for."""

Document = dict[str, Any]


@dataclass(frozen=True, order=True)
class Finding:
    """What the linter says about one statement."""

    policy: str
    statement: str
    kind: str
    said: str


def policies(resources: Mapping[str, Declared]) -> Iterator[tuple[str, Document]]:
    """Yield every policy in a program's inputs, wherever it stands, as RESOURCE.INPUT."""
    for name, resource in resources.items():
        for key, value in resource.inputs.items():
            if isinstance(value, str) and value.startswith("{"):
                document = json.loads(value)
                if "Statement" in document:
                    yield f"{name}.{key}", document


def lint(documents: Mapping[str, Document], folder: Path) -> list[Finding]:
    """Ask the linter; `folder` takes what it reads of AWS."""
    _write_reference({service for each in documents.values() for service in _services(each)}, folder)
    return sorted(asyncio.run(_findings(documents, folder)))


async def _findings(documents: Mapping[str, Document], folder: Path) -> list[Finding]:
    found = []
    config = ValidatorConfig({name: {"enabled": False} for name in NOT_ASKED}, use_defaults=True)
    async with AWSServiceFetcher(
        aws_services_dir=folder, enable_cache=False, prefetch_common=False
    ) as fetcher:
        for kind in ("IDENTITY_POLICY", "RESOURCE_POLICY", "TRUST_POLICY"):
            those = [
                (name, IAMPolicy.model_validate(document), document)
                for name, document in documents.items()
                if _kind(document) == kind
            ]
            results = await validate_policies(those, policy_type=kind, config=config, fetcher=fetcher)
            found += [
                Finding(result.policy_file, issue.statement_sid or "", issue.issue_type, issue.message)
                for result in results
                for issue in result.issues
            ]
    return found


def _kind(document: Document) -> str:
    statements = document["Statement"]
    if not any("Principal" in each for each in statements):
        return "IDENTITY_POLICY"
    assumed = all("Resource" not in each for each in statements)
    return "TRUST_POLICY" if assumed else "RESOURCE_POLICY"


def _services(document: Document) -> set[str]:
    given = [each["Action"] for each in document["Statement"]]
    actions = {action for each in given for action in ([each] if isinstance(each, str) else each)}
    return {action.partition(":")[0] for action in actions}


def _write_reference(services: set[str], folder: Path) -> None:
    listed = []
    for service in sorted(services):
        known = get_service_prefix_data(service)
        if known:
            listed.append({"service": service, "url": f"https://servicereference/{service}.json"})
            (folder / f"{service}.json").write_text(json.dumps(_reference(service, known)))
    (folder / "_services.json").write_text(json.dumps(listed))


def _reference(service: str, known: Mapping[str, Any]) -> Document:
    return {
        "Name": service,
        "Version": "v1.4",
        "Actions": [
            {
                "Name": action["privilege"],
                "ActionConditionKeys": sorted(
                    {key for kind in action["resource_types"].values() for key in kind["condition_keys"]}
                ),
                "Resources": [{"Name": name} for name in action["resource_types"] if name],
            }
            for action in known["privileges"].values()
        ],
        "Resources": [
            {"Name": kind["resource"], "ARNFormats": [kind["arn"]], "ConditionKeys": kind["condition_keys"]}
            for kind in known["resources"].values()
        ],
        "ConditionKeys": [
            {"Name": key["condition"], "Types": [key["type"]]} for key in known["conditions"].values()
        ],
    }
