"""An OpenSearch domain: encrypted, over TLS only, in subnets unless told otherwise, closed to all but a few.

Two doors stand behind each other (OpenSearch Service developer guide, fine-grained access control, read
2026-11): the domain's access policy names the IAM roles that may come in, and OpenSearch's own roles, which
the setup maps, say what each may do. The setup's role is the master user.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.policy import VERSION
from infra.settings_search import SearchDomainSettings

if TYPE_CHECKING:
    from infra.search_network import SearchNetwork

TLS: Final = "Policy-Min-TLS-1-2-PFS-2023-10"
"""TLS 1.2 and 1.3 with perfect forward secrecy (OpenSearch Service API, DomainEndpointOptions)."""

SETUP_METHODS: Final = (
    "es:ESHttpDelete",
    "es:ESHttpGet",
    "es:ESHttpPost",
    "es:ESHttpPut",
)
READING_METHODS: Final = ("es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost")
"""Searches are sent by POST."""

SINK_METHODS: Final = ("es:ESHttpPost",)
SINK_PATH: Final = "/_bulk"
"""The one thing that the sink ever asks."""

_MASTERS: Final = 3
"""Dedicated masters must be able to outvote one that failed; 3 or 5 are accepted, and 3 recommended."""


class SearchDomain:
    """A domain with its log, parented to the search box."""

    def __init__(
        self,
        name: str,
        env: Environment,
        parent: pulumi.Resource,
        *,
        master: aws.iam.Role,
        sink: aws.iam.Role,
        network: "SearchNetwork | None",
    ) -> None:
        settings = env.settings.search_domain
        self.called = env.names.prefix
        self.arn = domain_arn(env)
        logs, may_log = _logs(name, env, parent)
        self.domain = aws.opensearch.Domain(
            f"{name}-domain",
            domain_name=self.called,
            engine_version=settings.engine_version,
            cluster_config=_cluster(settings),
            ebs_options={"ebs_enabled": True, "volume_type": "gp3", "volume_size": settings.volume_gb},
            encrypt_at_rest={"enabled": True, "kms_key_id": env.key},
            node_to_node_encryption={"enabled": True},
            domain_endpoint_options={"enforce_https": True, "tls_security_policy": TLS},
            advanced_security_options={
                "enabled": True,
                "internal_user_database_enabled": False,
                "master_user_options": {"master_user_arn": master.arn},
            },
            # The sink names an index per event, so one request holds several.
            advanced_options={"rest.action.multi.allow_explicit_index": "true"},
            access_policies=self._access(setup=master.arn, sink=sink.arn, readers=settings.readers),
            log_publishing_options=[
                {"log_type": "ES_APPLICATION_LOGS", "cloudwatch_log_group_arn": logs.arn, "enabled": True}
            ],
            vpc_options=(
                {
                    "subnet_ids": list(env.settings.search_sink.subnet_ids),
                    "security_group_ids": [network.domain.id],
                }
                if network is not None and network.domain is not None
                else None
            ),
            opts=pulumi.ResourceOptions(parent=parent, protect=env.settings.protect, depends_on=[may_log]),
        )
        self.endpoint = pulumi.Output.concat("https://", self.domain.endpoint)

    def _access(
        self, *, setup: pulumi.Input[str], sink: pulumi.Input[str], readers: Sequence[str]
    ) -> pulumi.Output[str]:
        """Let these roles in, and nobody else; what each may do there, OpenSearch's own roles say as well."""
        statements = [
            _let("TheSetup", [setup], SETUP_METHODS, f"{self.arn}/*"),
            _let("TheSink", [sink], SINK_METHODS, f"{self.arn}{SINK_PATH}"),
        ]
        if readers:
            statements.append(_let("Readers", list(readers), READING_METHODS, f"{self.arn}/*"))
        return pulumi.Output.json_dumps({"Version": VERSION, "Statement": statements})


def _cluster(settings: SearchDomainSettings) -> aws.opensearch.DomainClusterConfigArgs:
    zones, masters = settings.zones, settings.dedicated_master_type
    return aws.opensearch.DomainClusterConfigArgs(
        instance_type=settings.instance_type,
        instance_count=settings.instance_count,
        zone_awareness_enabled=zones > 1,
        zone_awareness_config=(
            aws.opensearch.DomainClusterConfigZoneAwarenessConfigArgs(availability_zone_count=zones)
            if zones > 1
            else None
        ),
        dedicated_master_enabled=masters is not None,
        dedicated_master_type=masters,
        dedicated_master_count=_MASTERS if masters else None,
    )


def _let(sid: str, who: Sequence[pulumi.Input[str]], actions: Sequence[str], resource: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": list(who)},
        "Action": list(actions),
        "Resource": [resource],
    }


def domain_arn(env: Environment) -> str:
    """Spell the domain's ARN, which its own policy must name before the domain is there."""
    return env.arn("es", f"domain/{env.names.prefix}")


def _logs(
    name: str, env: Environment, parent: pulumi.Resource
) -> tuple[aws.cloudwatch.LogGroup, aws.cloudwatch.LogResourcePolicy]:
    """Keep the nodes' own log; slow logs and audit logs hold what was searched for and written."""
    logs = aws.cloudwatch.LogGroup(
        f"{name}-domain-logs",
        name=f"/aws/opensearch/{env.names.prefix}",
        retention_in_days=env.settings.search_domain.log_retention_days,
        kms_key_id=env.key,
        opts=env.within(parent),
    )
    policy = aws.cloudwatch.LogResourcePolicy(
        f"{name}-domain-logs-policy",
        policy_name=env.names.thing("search-domain"),
        policy_document=pulumi.Output.json_dumps(
            {
                "Version": VERSION,
                "Statement": [
                    {
                        "Sid": "LetTheDomainWrite",
                        "Effect": "Allow",
                        "Principal": {"Service": "es.amazonaws.com"},
                        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                        "Resource": pulumi.Output.concat(logs.arn, ":*"),
                        "Condition": {
                            "StringEquals": {"aws:SourceAccount": env.settings.aws_account_id},
                            "ArnEquals": {"aws:SourceArn": domain_arn(env)},
                        },
                    }
                ],
            }
        ),
        opts=env.within(parent),
    )
    return logs, policy
