"""Who may do what in OpenSearch: a role that writes, a role that reads, and the IAM roles that have them.

A domain's access policy lets an IAM role in; what it may do there is the security plug-in's to say, which
knows an IAM role as a backend role (OpenSearch Service developer guide, fine-grained access control, read
2026-11).
"""

from collections.abc import Sequence
from typing import Any, Final, TypedDict

WRITE: Final = ["indices:data/write/bulk*", "indices:data/write/index"]
"""What an item of a bulk request needs (documentation of the security plug-in, permissions)."""

MAKE: Final = ["indices:admin/auto_create", "indices:admin/create"]
"""A period's first event makes its index, from the template: by the name of the first in newer versions."""

READ: Final = [
    "indices:data/read/*",
    "indices:admin/get",
    "indices:admin/mappings/get",
    "indices:admin/mappings/fields/get*",
    "indices:admin/aliases/get",
    "indices:admin/resolve/index",
]
READ_ALL: Final = ["cluster_composite_ops_ro"]
"""The plug-in's own group: searches over several indices, and scrolling."""

DASHBOARDS: Final = [".kibana*", ".opensearch_dashboards*"]
"""Where Dashboards keeps its objects; to see them is to read them."""


class Security(TypedDict):
    """Roles by name, and their mappings; each as its API takes it."""

    roles: dict[str, dict[str, Any]]
    mappings: dict[str, dict[str, Any]]


def wanted(
    prefix: str, patterns: Sequence[str], *, writers: Sequence[Any], readers: Sequence[Any]
) -> Security:
    """Say which roles there must be, and who has them.

    Readers keep what is left of types that are no more, so theirs are all indices of the prefix.
    """
    writer, reader = f"{prefix}-writer", f"{prefix}-reader"
    return {
        "roles": {
            writer: {
                "description": "Writes events; cannot read, change a mapping or delete",
                "cluster_permissions": ["indices:data/write/bulk"],
                "index_permissions": [
                    {"index_patterns": list(patterns), "allowed_actions": [*WRITE, *MAKE]},
                ],
            },
            reader: {
                "description": "Reads events and looks at dashboards",
                "cluster_permissions": list(READ_ALL),
                "index_permissions": [
                    {"index_patterns": [f"{prefix}-*"], "allowed_actions": list(READ)},
                    {"index_patterns": list(DASHBOARDS), "allowed_actions": ["read"]},
                ],
                "tenant_permissions": [
                    {"tenant_patterns": ["global_tenant"], "allowed_actions": ["kibana_all_read"]}
                ],
            },
        },
        "mappings": {
            writer: {"backend_roles": list(writers)},
            reader: {"backend_roles": list(readers)},
        },
    }
