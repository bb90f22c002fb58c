"""Consumers that are Firehoses: they have no mapping, so that Firehose is asked, and cannot be paused."""

import time
from typing import TYPE_CHECKING, NoReturn

from sluice.cli.consumers_asked import Consumer, lag
from sluice.cli.sinks import only_declared
from sluice.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from sluice.cli.outputs import SinkOutputs
    from sluice.cli.target import Target
    from sluice.local.endpoints import Endpoints

DECLARED = "declared"
"""The state of a Firehose whose destination the local cloud does not have: nothing reads for it."""


def firehose_consumer(target: "Target", name: str, sink: "SinkOutputs") -> Consumer:
    """Return what there is to know of a Firehose that reads a stream.

    `behind_seconds` is how long ago it had read all there was.

    Raises:
        EnvironmentProblem: it is not there.
    """
    stream = sink.stream or target.outputs.stream_name
    if only_declared(target, sink):
        return Consumer(
            name=name, kind=sink.reads, stream=stream, function=sink.function, mapping=None, state=DECLARED
        )
    called = sink.firehose or ""
    try:
        found = target.firehose.describe_delivery_stream(DeliveryStreamName=called)
    except target.firehose.exceptions.ResourceNotFoundException:
        raise EnvironmentProblem(
            f"{name}: Firehose knows no {called} at {target.where}: deploy the program again, then try again"
        ) from None
    if target.endpoints is None:
        behind = lag(target, "AWS/Firehose", "KinesisMillisBehindLatest", DeliveryStreamName=called)
        last_error = ""
    else:
        behind, last_error = _local(target.endpoints, called)
    return Consumer(
        name=name,
        kind=sink.reads,
        stream=stream,
        function=sink.function,
        mapping=None,
        state=found["DeliveryStreamDescription"]["DeliveryStreamStatus"].capitalize(),
        behind_seconds=behind,
        last_error=last_error,
    )


def refuse_a_pause(name: str, sink: "SinkOutputs") -> NoReturn:
    """Say that a Firehose goes on.

    Raises:
        UsageError: always.
    """
    raise UsageError(
        f"{name}: the Firehose {sink.firehose} reads for it, which cannot be paused or resumed; what it"
        " cannot deliver lies under its error prefix, and `sluice dlq redrive` places it once that is mended"
    )


def _local(endpoints: "Endpoints", called: str) -> tuple[float | None, str]:
    from sluice.cli.local_status import firehoses_of

    found = firehoses_of(endpoints).get(called, {})
    caught_up = found.get("caught_up_at")
    behind = None if caught_up is None else max(0.0, round(time.time() - caught_up, 3))
    return behind, str(found.get("last_error") or "")
