"""The network of a private OpenSearch: who may open a connection to whom, on port 443 and no other."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.network import HTTPS, let_https_out


class SearchNetwork:
    """Security groups of the functions, and of the domain if there is one, in the subnets of the settings."""

    def __init__(
        self,
        name: str,
        env: Environment,
        parent: pulumi.Resource,
        *,
        domain: bool,
        reader_cidrs: Sequence[str],
    ) -> None:
        self._name, self._env, self._parent = name, env, parent
        self.functions = self._group("functions", "Functions of the search sink")
        # To OpenSearch, and to DynamoDB, SQS and S3, whose addresses are Amazon's to change.
        let_https_out(f"{name}-functions-out", self.functions.id, env.within(parent))
        self.domain = self._group("domain", "The OpenSearch domain") if domain else None
        if self.domain is not None:
            self._let_in(self.domain, reader_cidrs)

    def _let_in(self, domain: aws.ec2.SecurityGroup, reader_cidrs: Sequence[str]) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-domain-in",
            security_group_id=domain.id,
            description="From the functions of the search sink",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            referenced_security_group_id=self.functions.id,
            opts=self._env.within(self._parent),
        )
        for cidr in reader_cidrs:
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-domain-in-{cidr.replace('/', '-')}",
                security_group_id=domain.id,
                description="From readers",
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                cidr_ipv4=cidr,
                opts=self._env.within(self._parent),
            )

    def _group(self, of: str, description: str) -> aws.ec2.SecurityGroup:
        """Declare a group without rules; Pulumi's provider takes away the way out that AWS adds."""
        return aws.ec2.SecurityGroup(
            f"{self._name}-{of}-network",
            name=self._env.names.thing(f"search-{of}"),
            description=description,
            vpc_id=self._env.settings.search_sink.vpc_id,
            opts=self._env.within(self._parent),
        )
