"""Settings of streams, and of the functions that read them: see infra/settings.py."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from infra import limits, limits_security


def _whole(value: Any) -> Any:
    """Refuse what pydantic would quietly round or count: `true` is not 1, and 1.5 is not 1."""
    if isinstance(value, bool | float):
        raise PydanticCustomError("int_type", "a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]


def _number(value: Any) -> Any:
    """Refuse what pydantic would read as a number: true, and text."""
    if isinstance(value, bool | str):
        raise PydanticCustomError("float_type", "a number")
    return value


Share = Annotated[float, BeforeValidator(_number)]


def refusal(key: str, accepts: str) -> PydanticCustomError:
    """Refuse the value of one key of a section because of another's."""
    return PydanticCustomError("limit", "accepted is {accepts}", {"key": key, "accepts": accepts})


class Section(BaseModel):
    """Base of all settings: frozen, and nothing unknown passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamSettings(Section):
    """A Kinesis stream: the one that producers write to, or a route's own."""

    mode: Literal["on-demand", "provisioned"] = "on-demand"
    shards: Annotated[Whole | None, limits.SHARDS] = None
    retention_hours: Annotated[Whole, limits.RETENTION_HOURS] = 168
    enhanced_consumers_limit: Annotated[Whole, limits.ENHANCED_CONSUMERS] = limits.FEWEST_ENHANCED_CONSUMERS
    expected_kilobytes_per_second: Annotated[Whole | None, limits.KILOBYTES_PER_SECOND] = None

    @property
    def retention_days(self) -> int:
        """The retention in days, a part of one counted whole."""
        return -(-self.retention_hours // 24)

    @model_validator(mode="after")
    def _shards_are_for_provisioned(self) -> Self:
        if (self.shards is None) == (self.mode == "provisioned"):
            accepts = "a number when the mode is provisioned, nothing when it is on-demand"
            raise refusal("shards", accepts)
        most = limits.FEWEST_ENHANCED_CONSUMERS
        if self.mode == "provisioned" and self.enhanced_consumers_limit > most:
            words = "more are On-demand Advantage's, which has no provisioned streams"
            raise refusal("enhanced_consumers_limit", f"{most} when the mode is provisioned: {words}")
        if self.mode == "on-demand" and self.expected_kilobytes_per_second is not None:
            words = "how many shards would share it is Kinesis' own decision"
            raise refusal("expected_kilobytes_per_second", f"nothing when the mode is on-demand: {words}")
        return self


class ProducedStreamSettings(StreamSettings):
    """The stream that producers write to, and those of other accounts who may."""

    producers: tuple[Annotated[str, limits_security.PRODUCER], ...] = ()


class FunctionSettings(Section):
    """Any function of the program."""

    timeout_seconds: Annotated[Whole, limits.TIMEOUT_SECONDS] = 20
    memory_mb: Annotated[Whole, limits.MEMORY_MB] = 512
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_sample_rate: Annotated[Share, limits.SHARE] = 0.0
    log_retention_days: Annotated[Whole, limits.LOG_RETENTION_DAYS] = 30
    reserved_concurrency: Annotated[Whole | None, limits_security.RESERVED_CONCURRENCY] = None


class ConsumerSettings(FunctionSettings):
    """A function that reads a stream, and the event-source mapping between them."""

    enabled: bool = True
    consumer: Literal["enhanced", "shared"] = "enhanced"
    batch_size: Annotated[Whole, limits.BATCH_SIZE] = 1000
    batching_window_seconds: Annotated[Whole, limits.BATCHING_WINDOW_SECONDS] = 1
    starting_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] = "TRIM_HORIZON"
    starting_position_timestamp: Annotated[str | None, limits.TIMESTAMP] = None

    @model_validator(mode="after")
    def _timestamp_belongs_to_at_timestamp(self) -> Self:
        if (self.starting_position_timestamp is None) == (self.starting_position == "AT_TIMESTAMP"):
            accepts = "a moment when starting_position is AT_TIMESTAMP, nothing otherwise"
            raise refusal("starting_position_timestamp", accepts)
        return self


class SinkSettings(ConsumerSettings):
    """One sink's function and event-source mapping."""

    parallelization: Annotated[Whole, limits.PARALLELIZATION] = 1
    retry_attempts: Annotated[Whole, limits.RETRY_ATTEMPTS] = -1
    max_record_age_seconds: Annotated[Whole, limits.RECORD_AGE_SECONDS] = -1
    bisect: bool = False


class StreamReaderSettings(SinkSettings):
    """What reads a route's own stream: records come there in batches already, so it waits for no more."""

    batching_window_seconds: Annotated[Whole, limits.BATCHING_WINDOW_SECONDS] = 0


class QueueSettings(Section):
    """A route's own queue."""

    retention_days: Annotated[Whole, limits.QUEUE_RETENTION_DAYS] = 14
    visibility_timeout_seconds: Annotated[Whole, limits.VISIBILITY_SECONDS] = 30
    high_throughput: bool = False


class FirehoseSettings(Section):
    """A route's own Firehose, and how long its objects stay in the bucket."""

    buffer_mb: Annotated[Whole, limits.FIREHOSE_BUFFER_MB] = 16
    buffer_seconds: Annotated[Whole, limits.FIREHOSE_BUFFER_SECONDS] = 300
    object_days: Annotated[Whole, limits.KEPT_OBJECT_DAYS] = 0


class RouteSettings(SinkSettings):
    """One route: its function and mapping on the stream, and what it leads to.

    A section about what the route does not lead to is refused: see infra/routes.py, which knows the pipeline.
    """

    stream: StreamSettings = StreamSettings()
    queue: QueueSettings = QueueSettings()
    firehose: FirehoseSettings = FirehoseSettings()
    consumers: dict[str, StreamReaderSettings] = {}


class AggregatorSettings(ConsumerSettings):
    """The function that counts events into windows.

    Parallelization, retries and bisecting are no settings: a tumbling window takes one batch of a shard at a
    time, and a final call that was given up would lose its window.
    """

    batch_size: Annotated[Whole, limits.BATCH_SIZE] = 2000
    tumbling_window_seconds: Annotated[Whole | None, limits.TUMBLING_WINDOW_SECONDS] = None
    timeout_seconds: Annotated[Whole, limits.TIMEOUT_SECONDS] = 30
    memory_mb: Annotated[Whole, limits.MEMORY_MB] = 1024
