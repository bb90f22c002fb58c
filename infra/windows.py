"""The windows that the aggregator counts, and the claims of events that count once."""

import pulumi

from infra.environment import Environment
from infra.table import table


class Windows(pulumi.ComponentResource):
    """Two tables, there with or without metrics, so that the first and the last metric move no data.

    The stream of the windows' table carries keys alone: it wakes the publisher, which reads what it needs.
    """

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Windows", name, None, env.component)
        windows = table(
            f"{name}-table",
            env,
            self,
            called="windows",
            keys=("pk", "sk"),
            stream_enabled=True,
            stream_view_type="KEYS_ONLY",
        )
        claims = table(f"{name}-claims", env, self, called="claims", keys=("pk",))
        self.table, self.table_arn, self.stream_arn = windows.name, windows.arn, windows.stream_arn
        self.claims, self.claims_arn = claims.name, claims.arn
        self.register_outputs({"table": self.table, "claims": self.claims})
