"""What resources used to be called: a rename in the code is none in the clouds, where data would go with it.

Pulumi knows a resource by its URN: the types of the components around it, its own type, and its name in the
program. Another one of these means another resource, and the old one is deleted, unless the new one says what
it was (Pulumi docs, resource option `aliases`). All of that is said here, and applied in one place.
"""

from collections.abc import Mapping
from typing import Final

import pulumi

RENAMES: Final[Mapping[str, tuple[str, ...]]] = {}
"""By today's name, what the resource was: URNs without stack and project, as tests/infra/urns.txt lists them,
such as `sluice:infra:Ledger$aws:dynamodb/table:Table::ledger-table`. What lies in a renamed component follows
it, and needs no entry of its own where its name begins with the component's."""


def know_by_former_names(renames: Mapping[str, tuple[str, ...]] = RENAMES) -> None:
    """Give every resource that is declared from now on the aliases that it has."""
    stack, project = pulumi.get_stack(), pulumi.get_project()

    def aliased(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        former = renames.get(args.name)
        if not former:
            return None
        urns = [f"urn:pulumi:{stack}::{project}::{each}" for each in former]
        options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(aliases=list(urns)))
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(aliased)
