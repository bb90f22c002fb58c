"""What protects all boxes alike: the key of their data, the functions' network, the signer of their code."""

from dataclasses import replace

from infra.code_signing import CodeSigning
from infra.environment import Environment
from infra.keys import key_of
from infra.network import network_of
from infra.settings_security import NONE


def secured(env: Environment) -> Environment:
    """Return the environment with all that its settings ask for; the boxes take it from there."""
    env = replace(env, key=key_of(env), network=network_of(env))
    if env.settings.code_signing.profile == NONE:
        return env
    return replace(env, signing=CodeSigning("code-signing", env).signing)
