"""What an environment is made of: the only reader of the stack's configuration.

Everything is checked here, before any resource is declared. A value that cannot be used stops the program
with one line: the key, what was given, what is accepted, and the file to change.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pulumi
from pulumi.runtime import config as stack_config
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from infra import limits
from infra.settings_errors import in_words
from sluice.errors import SettingsError


def _whole(value: Any) -> Any:
    """Refuse what pydantic would quietly round or count: `true` is not 1, and 1.5 is not 1."""
    if isinstance(value, bool | float):
        raise PydanticCustomError("int_type", "a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]


class Section(BaseModel):
    """Base of all settings: frozen, and nothing unknown passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamSettings(Section):
    """The Kinesis stream."""

    mode: Literal["on-demand", "provisioned"] = "on-demand"
    shards: Annotated[Whole | None, limits.SHARDS] = None
    retention_hours: Annotated[Whole, limits.RETENTION_HOURS] = 168

    @model_validator(mode="after")
    def _shards_are_for_provisioned(self) -> Self:
        if (self.shards is None) == (self.mode == "provisioned"):
            accepts = "a number when the mode is provisioned, nothing when it is on-demand"
            raise PydanticCustomError("limit", "accepted is {accepts}", {"key": "shards", "accepts": accepts})
        return self


class DeadLetterSettings(Section):
    """The queue of dead letters, and the bucket of payloads that are too large for it."""

    retention_days: Annotated[Whole, limits.QUEUE_RETENTION_DAYS] = 14
    payload_days: Annotated[Whole, limits.OBJECT_DAYS] = 90

    @model_validator(mode="after")
    def _payloads_outlive_messages(self) -> Self:
        if self.payload_days < self.retention_days:
            accepts = (
                f"at least retention_days ({self.retention_days}): a letter must not outlive its payload"
            )
            raise PydanticCustomError(
                "limit", "accepted is {accepts}", {"key": "payload_days", "accepts": accepts}
            )
        return self


class LedgerSettings(Section):
    """The delivery ledger."""

    days: Annotated[Whole, limits.LEDGER_DAYS] = 90


class SinkSettings(Section):
    """One sink's function and event-source mapping."""

    enabled: bool = True
    batch_size: Annotated[Whole, limits.BATCH_SIZE] = 1000
    batching_window_seconds: Annotated[Whole, limits.BATCHING_WINDOW_SECONDS] = 1
    parallelization: Annotated[Whole, limits.PARALLELIZATION] = 1
    retry_attempts: Annotated[Whole, limits.RETRY_ATTEMPTS] = -1
    max_record_age_seconds: Annotated[Whole, limits.RECORD_AGE_SECONDS] = -1
    bisect: bool = False
    starting_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] = "TRIM_HORIZON"
    starting_position_timestamp: Annotated[str | None, limits.TIMESTAMP] = None
    timeout_seconds: Annotated[Whole, limits.TIMEOUT_SECONDS] = 20
    memory_mb: Annotated[Whole, limits.MEMORY_MB] = 512
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_retention_days: Annotated[Whole, limits.LOG_RETENTION_DAYS] = 30

    @model_validator(mode="after")
    def _timestamp_belongs_to_at_timestamp(self) -> Self:
        if (self.starting_position_timestamp is None) == (self.starting_position == "AT_TIMESTAMP"):
            accepts = "a moment when starting_position is AT_TIMESTAMP, nothing otherwise"
            raise PydanticCustomError(
                "limit", "accepted is {accepts}", {"key": "starting_position_timestamp", "accepts": accepts}
            )
        return self


class WarehouseSettings(Section):
    """BigQuery: the raw tables, and the views that analysts see."""

    dataset: Annotated[str | None, limits.DATASET] = None
    views_dataset: Annotated[str | None, limits.DATASET] = None
    partition_days: Annotated[Whole, limits.PARTITION_DAYS] = 0
    require_partition_filter: bool = False
    analysts: tuple[Annotated[str, limits.ANALYST], ...] = ()


class FederationSettings(Section):
    """How the sink's role becomes a Google principal."""

    pool_suffix: Annotated[str, limits.POOL_SUFFIX] = "a"


class Settings(Section):
    """All settings of one environment, checked."""

    aws_account_id: Annotated[str, limits.ACCOUNT_ID]
    aws_region: Annotated[str, limits.REGION]
    google_project: Annotated[str, limits.GOOGLE_PROJECT]
    google_location: Annotated[str, limits.GOOGLE_LOCATION]
    protect: bool = True
    kms_key_arn: Annotated[str | None, limits.KMS_KEY_ARN] = None
    tags: dict[Annotated[str, limits.TAG_KEY], Annotated[str, limits.TAG_VALUE]] = {}
    enable_google_apis: bool = True
    package_dependencies: bool = True
    stream: StreamSettings = StreamSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    ledger: LedgerSettings = LedgerSettings()
    bigquery_sink: SinkSettings = SinkSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    federation: FederationSettings = FederationSettings()

    @model_validator(mode="before")
    @classmethod
    def _empty_text_means_unset(cls, given: Any) -> Any:
        """Pulumi.yaml has no optional text: an empty default stands for none."""
        if isinstance(given, dict) and given.get("kms_key_arn") == "":
            return {key: value for key, value in given.items() if key != "kms_key_arn"}
        return given

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        if self.ledger.days * 24 < self.stream.retention_hours:
            accepts = f"{-(-self.stream.retention_hours // 24)} or more: the books must outlive the stream"
            raise PydanticCustomError(
                "limit", "accepted is {accepts}", {"key": "ledger.days", "accepts": accepts}
            )
        if self.kms_key_arn is not None and self.kms_key_arn.split(":")[3] != self.aws_region:
            accepts = f"a key in {self.aws_region}: the stream can only use a key of its own region"
            raise PydanticCustomError(
                "limit", "accepted is {accepts}", {"key": "kms_key_arn", "accepts": accepts}
            )
        return self


def load_settings() -> Settings:
    """Read and check the running stack's configuration.

    Raises:
        SettingsError: one line naming the first wrong key and the file to change.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    namespace = f"{project}:"
    everything = {**stack_config.get_config_env(), **stack_config.CONFIG.get()}
    given = {
        key.removeprefix(namespace): value for key, value in everything.items() if key.startswith(namespace)
    }
    return parse_settings(given, namespace=namespace, file=f"Pulumi.{stack}.yaml")


def parse_settings(given: Mapping[str, Any], *, namespace: str, file: str) -> Settings:
    """Check settings as Pulumi hands them over: text, with objects and lists as JSON."""
    values = {key: _decoded(key, value, namespace=namespace, file=file) for key, value in given.items()}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(in_words(error, Settings, namespace=namespace, file=file)) from None


def _decoded(key: str, value: Any, *, namespace: str, file: str) -> Any:
    field = Settings.model_fields.get(key)
    composite = field is not None and isinstance(field.get_default(), Section | dict)
    if not composite or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SettingsError(
            f"{namespace}{key} is {value!r}: accepted is an object of settings; change it in {file}"
        ) from None
