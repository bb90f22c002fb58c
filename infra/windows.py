"""The windows that the aggregator counts, and the claims of events that count once."""

import pulumi

from infra.adoption import Key, name_of
from infra.environment import Environment
from infra.table import table


class Windows(pulumi.ComponentResource):
    """Two tables, there with or without metrics, so that the first and the last metric move no data.

    The stream of the windows' table carries keys alone: it wakes the publisher, which reads what it needs.
    Either of the two may exist already.
    """

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Windows", name, None, env.holding)
        self._name, self._env = name, env
        self._windows()
        self._claims()
        self.register_outputs({"table": self.table, "claims": self.claims})

    def _windows(self) -> None:
        name, env = self._name, self._env
        adopted = env.settings.adopted.windows
        self.key = Key.to(adopted, env, "TheWindows")
        if adopted:
            self.table = pulumi.Output.from_input(name_of(adopted))
            self.table_arn = pulumi.Output.from_input(adopted.arn)
            self.stream_arn = pulumi.Output.from_input(adopted.stream_arn)
            return
        declared = table(
            f"{name}-table",
            env,
            self,
            called="windows",
            keys=("pk", "sk"),
            stream_enabled=True,
            stream_view_type="KEYS_ONLY",
        )
        self.table, self.table_arn, self.stream_arn = declared.name, declared.arn, declared.stream_arn

    def _claims(self) -> None:
        adopted = self._env.settings.adopted.claims
        self.claims_key = Key.to(adopted, self._env, "TheClaims")
        if adopted:
            self.claims = pulumi.Output.from_input(name_of(adopted))
            self.claims_arn = pulumi.Output.from_input(adopted.arn)
            return
        declared = table(f"{self._name}-claims", self._env, self, called="claims", keys=("pk",))
        self.claims, self.claims_arn = declared.name, declared.arn
