"""What a deployed stack, or the local cloud, says about itself: the program's exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sluice.errors import NoCloud


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOutputs:
    """One sink: its Lambda function, its stream consumer's ARN, how many batches of a shard run at once."""

    function: str
    consumer: str | None = None
    parallelization: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The program's exports that commands need, by the names under which it exports them."""

    environment: str
    region: str
    stream_name: str
    dead_letter_queue_url: str
    dead_letter_bucket: str
    ledger_table: str
    bigquery_project: str
    bigquery_dataset: str
    bigquery_views_dataset: str
    sinks: Mapping[str, SinkOutputs]

    @classmethod
    def parse(cls, exports: Mapping[str, Any], *, source: str) -> Self:
        """Read the exports; raises NoCloud naming what `source` does not export."""
        names = [name for name in cls.__dataclass_fields__ if name != "sinks"]
        missing = [name for name in (*names, "sinks") if not exports.get(name)]
        if missing:
            raise NoCloud(
                f"{source} does not export {', '.join(missing)}: deploy this version of the program there"
            )
        sinks = {
            name: SinkOutputs(
                function=str(sink["function"]),
                consumer=sink.get("consumer"),
                parallelization=int(sink.get("parallelization") or 1),
            )
            for name, sink in exports["sinks"].items()
        }
        return cls(**{name: str(exports[name]) for name in names}, sinks=sinks)
