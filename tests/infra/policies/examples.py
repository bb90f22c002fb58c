"""For each rule a program that breaks it, and what it would be without the slip."""

from typing import Final

from tests.infra.policies import examples_deploying, examples_google, examples_kept, examples_rights
from tests.infra.policies.made import Example

EXAMPLES: Final[tuple[Example, ...]] = (
    *examples_rights.EXAMPLES,
    *examples_kept.EXAMPLES,
    *examples_google.EXAMPLES,
    *examples_deploying.EXAMPLES,
)
