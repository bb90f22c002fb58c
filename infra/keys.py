"""What encrypts everything that holds data: AWS's own keys, a key that exists, or one of this program."""

from dataclasses import replace

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.settings_security import OWN


def encrypted(env: Environment) -> Environment:
    """Decide on the key of an environment: every box takes it from there, as `env.key`."""
    wanted = env.settings.encryption
    return replace(env, key=Keys("keys", env).arn if wanted.key == OWN else wanted.given)


class Keys(pulumi.ComponentResource):
    """A KMS key, rotated and protected like the data that it opens, and a name for it."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Keys", name, None, env.component)
        settings = env.settings.encryption
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Encrypts what {env.names.prefix} holds",
            enable_key_rotation=True,
            rotation_period_in_days=settings.rotation_days,
            deletion_window_in_days=settings.deletion_days,
            opts=env.keeping(self),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{env.names.prefix}",
            target_key_id=key.key_id,
            opts=env.within(self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
