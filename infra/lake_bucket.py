"""The bucket of the lake, and of what Firehoses of the stream put down on the way to their destinations."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from infra.bucket import bucket, tidied
from infra.environment import Environment

TABLES: Final = "tables/"
"""The lake's tables. Nothing here expires by age: only Iceberg knows which of its files are still in use."""

RESULTS: Final = "athena/"
"""Results of queries."""

_ERRORS, _REDRIVEN, _STAGING = "errors/", "redriven/", "staging/"


class LakeBucket(pulumi.ComponentResource):
    """One bucket, with a prefix for each use of each sink."""

    def __init__(
        self, name: str, env: Environment, *, error_days: Mapping[str, int], result_days: int | None
    ) -> None:
        """Declare it; `error_days` are, by sink, the days that what failed is kept, 0 for good."""
        super().__init__("sluice:infra:LakeBucket", name, None, env.component)
        declared = bucket(
            f"{name}-bucket",
            env,
            self,
            called=env.names.lake_bucket,
            rules=_rules(error_days, result_days),
        )
        self.bucket, self.arn = declared.bucket, declared.arn
        self.register_outputs({"bucket": self.bucket})

    def errors(self, sink: str) -> str:
        """Where a sink's Firehoses put what they could not deliver."""
        return f"{_ERRORS}{sink}/"

    def failed(self, sink: str) -> str:
        """Where they put what their function failed at, if Firehose takes no prefix for errors.

        So it lay for users of Splunk and Redshift who gave a prefix and none for errors (Firehose developer
        guide, handle failure in data transformation: "in the processing-failed folder").
        """
        return f"{_STAGING}{sink}/processing-failed/"

    def redriven(self, sink: str) -> str:
        """Where such objects are moved once their records were redriven."""
        return f"{_REDRIVEN}{sink}/"

    def staging(self, sink: str) -> str:
        """Where a sink's Firehoses put what is loaded from there, such as by Redshift."""
        return f"{_STAGING}{sink}/"


def _rules(error_days: Mapping[str, int], result_days: int | None) -> Sequence[dict[str, Any]]:
    """Say how long what is kept; staged objects are kept as long as failures, for they may be in them.

    Redshift's failures are lists of objects that it could not load, in staging.
    """
    expire = {
        f"{prefix}{sink}/": days
        for sink, days in error_days.items()
        for prefix in (_ERRORS, _REDRIVEN, _STAGING)
        if days
    }
    if result_days is not None:
        expire[RESULTS] = result_days
    return tidied(expire, abandoned_days=7)
