"""Pausing a consumer, and letting it go on: the `Enabled` of its mapping, in the cloud as locally."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.cli.consumers_asked import described
from sluice.cli.consumers_firehose import refuse_a_pause
from sluice.errors import DeliveryError

if TYPE_CHECKING:
    from sluice.cli.outputs import SinkOutputs
    from sluice.cli.target import Target

STEADY = ("Enabled", "Disabled")
WAIT_SECONDS = 600.0
"""A mapping that is disabled lets its invocations end first: up to 15 minutes, mostly a minute or two."""

LOOK_SECONDS = {True: 0.05, False: 2.0}
"""How often a local cloud is asked, and Lambda."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What became of a pause or a resume; `changed` is false when there was nothing to do."""

    name: str
    state: str
    mapping: str
    function: str
    stream: str
    retention_hours: int
    setting: str
    changed: bool

    def document(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "name": self.name,
            "state": self.state,
            "mapping": self.mapping,
            "function": self.function,
            "stream": self.stream,
            "retention_hours": self.retention_hours,
            "setting": self.setting,
            "changed": self.changed,
        }


def switch(
    target: "Target", name: str, sink: "SinkOutputs", *, enabled: bool, seconds: float = WAIT_SECONDS
) -> Switched:
    """Pause a consumer or let it go on, and wait until it is so.

    Raises:
        UsageError: a Firehose reads for it, which cannot be paused.
        DeliveryError: it has not become so in time.
        EnvironmentProblem: its mapping is not there.
    """
    if sink.firehose:
        refuse_a_pause(name, sink)
    wanted = "Enabled" if enabled else "Disabled"
    deadline = time.monotonic() + seconds
    changed = False
    while (state := (found := described(target, name, sink))["State"]) != wanted:
        if time.monotonic() > deadline:
            raise DeliveryError(
                f"{name} is still {state.lower()} after {seconds:.0f} s, and will be {wanted.lower()} once"
                " its invocations end; `sluice consumers list` shows its state"
            )
        if state in STEADY:
            changed = _ask(target, found["UUID"], enabled=enabled) or changed
        else:
            time.sleep(LOOK_SECONDS[target.is_local])
    stream = sink.stream or target.outputs.stream_name
    summary = target.kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return Switched(
        name=name,
        state=wanted,
        mapping=found["UUID"],
        function=sink.function,
        stream=stream,
        retention_hours=summary["RetentionPeriodHours"],
        setting=setting_of(name, sink),
        changed=changed,
    )


def setting_of(name: str, sink: "SinkOutputs") -> str:
    """Return the setting that says of a consumer whether it runs."""
    if sink.route is None:
        return {"windows": "aggregator"}.get(name, f"{name}_sink") + ".enabled"
    if name == sink.route:
        return f"routes.{name}.enabled"
    folder = name.removeprefix(f"{sink.route}-").replace("-", "_")
    return f"routes.{sink.route}.consumers.{folder}.enabled"


def _ask(target: "Target", mapping: str, *, enabled: bool) -> bool:
    """Whether Lambda took it; not so while the mapping is between two states."""
    try:
        target.functions.update_event_source_mapping(UUID=mapping, Enabled=enabled)
    except target.functions.exceptions.ResourceInUseException:
        return False
    return True
