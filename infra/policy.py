"""IAM documents as JSON, safe while a part is not known yet."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

VERSION = "2012-10-17"


def document(statements: Sequence[dict[str, Any]]) -> pulumi.Output[str]:
    """Serialise statements; in a preview the whole document stays unknown until its ARNs are known."""
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": list(statements)})


def allow(sid: str, actions: Sequence[str], *resources: pulumi.Input[str]) -> dict[str, Any]:
    """Allow actions on exactly these resources."""
    if not resources or "*" in resources or any("*" in action for action in actions):
        raise ValueError(f"{sid} names no exact actions and resources: say with everywhere() why it cannot")
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def everywhere(sid: str, actions: Sequence[str], *, because: str) -> dict[str, Any]:
    """Allow actions on all resources, since AWS cannot narrow them: `because` says how one knows.

    Nothing else writes such a statement; the reason is for who reads the program, as IAM keeps none.
    """
    if not because or any("*" in action for action in actions):
        raise ValueError(f"{sid} allows without a reason, or more than it names")
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": ["*"]}


def deny(
    sid: str, actions: Sequence[str], condition: Mapping[str, Any], *resources: pulumi.Input[str]
) -> dict[str, Any]:
    """Refuse actions under a condition, whatever else allows them."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": dict(condition),
    }


def trust(service: str, condition: Mapping[str, Any] | None = None) -> str:
    """Let one service take a role, under its condition if it has one.

    AWS itself refuses to hand a role to a service in another account (IAM user guide, passing a role to a
    service), so what a service does not send is not asked for.
    """
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = dict(condition)
    return json.dumps({"Version": VERSION, "Statement": [statement]})


def sibling(arn: pulumi.Input[str], service: str, resource: str) -> pulumi.Output[str]:
    """Name something else of the same account, region and partition, such as what is declared later."""

    def named(known: str) -> str:
        _, partition, _, region, account, *_ = known.split(":")
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    return pulumi.Output.from_input(arn).apply(named)


def allow_through(
    services: str | Sequence[str], sid: str, actions: Sequence[str], *keys: pulumi.Input[str]
) -> dict[str, Any]:
    """Allow actions on keys when one of the services asks on the role's behalf, and not otherwise."""
    through = services if isinstance(services, str) else list(services)
    return {**allow(sid, actions, *keys), "Condition": {"StringEquals": {"kms:ViaService": through}}}


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
