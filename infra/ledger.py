"""The delivery ledger: one item per invocation of a sink, from which `sluice audit` balances the books."""

import pulumi
import pulumi_aws as aws

from infra.environment import Environment


class Ledger(pulumi.ComponentResource):
    """An on-demand table keyed by lane (sink and shard) and first sequence number."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Ledger", name, None, env.component)
        table = aws.dynamodb.Table(
            f"{name}-table",
            name=env.names.thing("ledger"),
            billing_mode="PAY_PER_REQUEST",
            hash_key="lane",
            range_key="first",
            attributes=[{"name": "lane", "type": "S"}, {"name": "first", "type": "S"}],
            ttl={"attribute_name": "expires_at", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=env.settings.kms_key_arn
            ),
            deletion_protection_enabled=env.settings.protect,
            opts=env.keeping(self),
        )
        self.table, self.table_arn = table.name, table.arn
        self.register_outputs({"table": self.table})
