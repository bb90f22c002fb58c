"""The private network of the functions, if they have one: subnets that exist, and who may talk to whom."""

from typing import Final

import pulumi

from infra.environment import Environment, Network

HTTPS: Final = 443
ANYWHERE: Final = "0.0.0.0/0"
"""The addresses of AWS's and Google's services are theirs to change."""


class FunctionNetwork(pulumi.ComponentResource):
    """A security group that nobody may connect to, and that lets HTTPS out and nothing else.

    Name resolution by a VPC's own resolver passes no security group (VPC user guide, security groups).
    """

    def __init__(self, name: str, env: Environment) -> None:
        from pulumi_aws import ec2  # noqa: PLC0415 - all of EC2, a third of a second

        super().__init__("sluice:infra:FunctionNetwork", name, None, env.component)
        # Pulumi's provider takes away the way out that AWS adds to a new group.
        group = ec2.SecurityGroup(
            f"{name}-group",
            name=env.names.thing("functions"),
            description="Functions",
            vpc_id=env.settings.network.vpc_id,
            opts=env.within(self),
        )
        let_https_out(f"{name}-out", group.id, env.within(self))
        self.group_id = group.id
        self.register_outputs({"group_id": self.group_id})


def let_https_out(name: str, group_id: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """Let what belongs to a security group begin connections over HTTPS, to any address."""
    from pulumi_aws import vpc  # noqa: PLC0415 - for programs with a network alone

    vpc.SecurityGroupEgressRule(
        name,
        security_group_id=group_id,
        description="HTTPS",
        ip_protocol="tcp",
        from_port=HTTPS,
        to_port=HTTPS,
        cidr_ipv4=ANYWHERE,
        opts=opts,
    )


def network_of(env: Environment) -> Network | None:
    """Say where functions run: in a group of the settings, or in one that is made for them."""
    settings = env.settings.network
    if not settings.subnet_ids:
        return None
    groups = settings.security_group_ids or [FunctionNetwork("function-network", env).group_id]
    return Network(subnet_ids=settings.subnet_ids, security_group_ids=groups)
