"""DynamoDB tables as all of the program's are: on demand, encrypted, recoverable, expiring item by item."""

from typing import Any

import pulumi
import pulumi_aws as aws

from infra.environment import Environment

EXPIRY = "expires_at"
"""The attribute, in epoch seconds, after which DynamoDB deletes an item."""


def table(
    name: str,
    env: Environment,
    parent: pulumi.Resource,
    *,
    called: str,
    keys: tuple[str, ...],
    **more: Any,
) -> aws.dynamodb.Table:
    """Declare a table by its hash key and, if given, its range key, both text; data is kept outside dev."""
    return aws.dynamodb.Table(
        name,
        name=env.names.thing(called),
        billing_mode="PAY_PER_REQUEST",
        hash_key=keys[0],
        range_key=keys[1] if len(keys) > 1 else None,
        attributes=[{"name": key, "type": "S"} for key in keys],
        ttl={"attribute_name": EXPIRY, "enabled": True},
        point_in_time_recovery={"enabled": True},
        server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=env.key),
        deletion_protection_enabled=env.settings.protect,
        opts=env.keeping(parent),
        **more,
    )
