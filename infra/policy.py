"""IAM documents as JSON, safe while a part is not known yet."""

from collections.abc import Sequence
from typing import Any

import pulumi

VERSION = "2012-10-17"


def document(statements: Sequence[dict[str, Any]]) -> pulumi.Output[str]:
    """Serialise statements; in a preview the whole document stays unknown until its ARNs are known."""
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": list(statements)})


def allow(sid: str, actions: Sequence[str], *resources: pulumi.Input[str]) -> dict[str, Any]:
    """Allow actions on exactly these resources."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def sibling(arn: pulumi.Input[str], service: str, resource: str) -> pulumi.Output[str]:
    """Name something else of the same account, region and partition, such as what is declared later."""

    def named(known: str) -> str:
        _, partition, _, region, account, *_ = known.split(":")
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    return pulumi.Output.from_input(arn).apply(named)


def allow_through(service: str, sid: str, actions: Sequence[str], key: pulumi.Input[str]) -> dict[str, Any]:
    """Allow actions on a key when a service asks on the role's behalf, and not otherwise."""
    return {**allow(sid, actions, key), "Condition": {"StringEquals": {"kms:ViaService": service}}}


def deny_without_tls(action: str, *resources: pulumi.Input[str]) -> dict[str, Any]:
    """Refuse everybody who does not come over TLS."""
    return {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
