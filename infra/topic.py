"""Where alarms ring: a topic that only this environment's alarms write to, over TLS, and who hears it."""

import hashlib
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.keys import TOPIC
from infra.policy import deny_without_tls, document

_SIGNATURE: Final = 2
"""SHA256; SNS' default is SHA1 (SNS API, SetTopicAttributes, SignatureVersion)."""


class AlarmTopic:
    """A topic with its policy and subscriptions, parented to the box of alarms.

    It is encrypted with the environment's own key where there is one. With AWS's keys it is not: CloudWatch
    cannot send to a topic that AWS's own key for SNS encrypts, as nobody can let it in there (SNS developer
    guide, key management), and what an alarm says are names and figures, never data.
    """

    def __init__(self, name: str, env: Environment, parent: pulumi.Resource) -> None:
        called = env.names.thing(TOPIC)
        arn = env.arn("sns", called)
        topic = aws.sns.Topic(
            f"{name}-topic",
            name=called,
            kms_master_key_id=env.key,
            signature_version=_SIGNATURE,
            opts=env.within(parent),
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-topic-policy",
            arn=topic.arn,
            policy=document([_let_alarms_ring(env, arn), deny_without_tls("sns:Publish", arn)]),
            opts=env.within(parent),
        )
        settings = env.settings.alarms
        for protocol, addresses in (("email", settings.emails), ("https", settings.https)):
            for address in addresses:
                # What services give out as an address to be told at is often as good as a password.
                digest = hashlib.sha256(address.encode()).hexdigest()[:8]
                aws.sns.TopicSubscription(
                    f"{name}-{protocol}-{digest}",
                    topic=topic.arn,
                    protocol=protocol,
                    endpoint=pulumi.Output.secret(address) if protocol == "https" else address,
                    opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
                )
        self.arn = topic.arn


def _let_alarms_ring(env: Environment, topic: str) -> dict[str, Any]:
    """Let CloudWatch publish for the alarms of this environment, and nobody else."""
    return {
        "Sid": "LetAlarmsRing",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["sns:Publish"],
        "Resource": [topic],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": env.settings.aws_account_id},
            "ArnLike": {"aws:SourceArn": env.arn("cloudwatch", f"alarm:{env.names.prefix}-*")},
        },
    }
