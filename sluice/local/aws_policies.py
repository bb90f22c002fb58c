"""Bucket policies as moto judges them, which reads no conditions.

A policy that denies what does not come over TLS would deny everything. On this machine there is no network to
protect, so requests count as coming over TLS, and such statements do not apply.
"""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def patch() -> None:
    """Leave statements that only concern requests without TLS out of moto's judgement."""
    FakeBucket.get_permission = _permission  # type: ignore[method-assign,assignment]  # a patch replaces a method


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    document = json.loads(bucket.policy) if bucket.policy else {"Statement": []}
    statements = [statement for statement in document["Statement"] if not _without_tls(statement)]
    if not statements:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**document, "Statement": statements})).is_action_permitted(action, resource)


def _without_tls(statement: dict[str, Any]) -> bool:
    secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return str(secure).lower() == "false"
