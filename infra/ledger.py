"""The delivery ledger: one item per invocation of a sink, from which `sluice audit` balances the books."""

import pulumi

from infra.adoption import Key, name_of
from infra.environment import Environment
from infra.table import table


class Ledger(pulumi.ComponentResource):
    """A table keyed by lane (sink and shard) and first sequence number; or one that exists."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Ledger", name, None, env.holding)
        adopted = env.settings.adopted.ledger
        self.key = Key.to(adopted, env, "TheLedger")
        if adopted:
            self.table = pulumi.Output.from_input(name_of(adopted))
            self.table_arn = pulumi.Output.from_input(adopted.arn)
        else:
            kept = table(f"{name}-table", env, self, called="ledger", keys=("lane", "first"))
            self.table, self.table_arn = kept.name, kept.arn
        self.register_outputs({"table": self.table})
