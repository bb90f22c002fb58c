"""Readings of sensors: one plain type, and one whose events are corrected by later versions."""

from datetime import datetime
from typing import Annotated

from sluice.contract import Event, field
from sluice.pipeline import Pipeline


class Reading(Event, type="reading", id="reading_id", time="measured_at"):
    """What a sensor measured."""

    reading_id: Annotated[str, field("Unique id of the reading", max_length=64)]
    measured_at: Annotated[datetime, field("When it was measured")]
    sensor: Annotated[str, field("Name of the sensor", max_length=100)]
    celsius: Annotated[float, field("Temperature")]
    # more fields


class Calibration(Event, type="calibration", id="sensor", time="calibrated_at", version="revision"):
    """How a sensor is set, the newest revision of which counts."""

    sensor: Annotated[str, field("Name of the sensor", max_length=100)]
    calibrated_at: Annotated[datetime, field("When it was set up first")]
    revision: Annotated[int, field("Counts up", ge=0)]
    offset: Annotated[float, field("Degrees")]


pipeline = Pipeline(events=[Reading, Calibration])
