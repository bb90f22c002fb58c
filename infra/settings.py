"""What an environment is made of: the only reader of the stack's configuration.

Everything is checked here, before any resource is declared. A value that cannot be used stops the program
with one line: the key, what was given, what is accepted, and the file to change.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pulumi
from pulumi.runtime import config as stack_config
from pydantic import Field, ValidationError, model_validator

from infra import limits
from infra.settings_adoption import AdoptionSettings, check_adoption
from infra.settings_alarms import AlarmSettings, check_watermark
from infra.settings_auditor import AuditorSettings
from infra.settings_errors import in_words
from infra.settings_functions import (
    AggregatorSettings,
    FunctionSettings,
    ProducedStreamSettings,
    RouteSettings,
    Section,
    SinkSettings,
    Whole,
    refusal,
)
from infra.settings_lake import FirehoseDestinationSettings, LakeSettings
from infra.settings_packages import PackageSettings
from infra.settings_probe import ProbeSettings
from infra.settings_rollout import RolloutSettings
from infra.settings_search import (
    SearchDomainSettings,
    SearchSetupSettings,
    SearchSinkSettings,
    check_search,
)
from infra.settings_security import (
    CodeSigningSettings,
    EncryptionSettings,
    NetworkSettings,
    RoleSettings,
    check_code_signing,
    check_encryption,
    check_producers,
    check_roles,
)
from sluice.errors import SettingsError

_USUAL_CLAIM_DAYS = 8


class DeadLetterSettings(Section):
    """The queue of dead letters, and the bucket of payloads that are too large for it."""

    retention_days: Annotated[Whole, limits.QUEUE_RETENTION_DAYS] = 14
    payload_days: Annotated[Whole, limits.OBJECT_DAYS] = 90

    @model_validator(mode="after")
    def _payloads_outlive_messages(self) -> Self:
        if self.payload_days < self.retention_days:
            words = "a letter must not outlive its payload"
            raise refusal("payload_days", f"at least retention_days ({self.retention_days}): {words}")
        return self


class LedgerSettings(Section):
    """The delivery ledger."""

    days: Annotated[Whole, limits.LEDGER_DAYS] = 90


class WindowSettings(Section):
    """The windows, and the claims of events that count once."""

    days: Annotated[Whole, limits.WINDOW_DAYS] = 400
    claim_days: Annotated[Whole | None, limits.CLAIM_DAYS] = None


class PublisherSettings(FunctionSettings):
    """The function that copies windows to BigQuery."""

    enabled: bool = True
    batch_size: Annotated[Whole, limits.BATCH_SIZE] = 100
    batching_window_seconds: Annotated[Whole, limits.BATCHING_WINDOW_SECONDS] = 1
    timeout_seconds: Annotated[Whole, limits.TIMEOUT_SECONDS] = 300


class ReportSettings(FunctionSettings):
    """The report page in the cloud; not there unless `auth` says who may see it."""

    auth: Literal["none", "iam", "oidc"] = "none"
    issuer: Annotated[str | None, limits.ISSUER] = None
    client_id: Annotated[str | None, limits.TOKEN_NAME] = None
    audience: Annotated[str | None, limits.TOKEN_NAME] = None

    @model_validator(mode="after")
    def _an_issuer_belongs_to_oidc(self) -> Self:
        for key in ("issuer", "client_id"):
            if (getattr(self, key) is None) == (self.auth == "oidc"):
                raise refusal(key, "what the issuer gave when auth is oidc, nothing otherwise")
        if self.audience is not None and self.auth != "oidc":
            raise refusal("audience", "nothing unless auth is oidc")
        return self


class WarehouseSettings(Section):
    """BigQuery: the raw tables, and the views that analysts see."""

    dataset: Annotated[str | None, limits.DATASET] = None
    views_dataset: Annotated[str | None, limits.DATASET] = None
    partition_days: Annotated[Whole, limits.PARTITION_DAYS] = 0
    require_partition_filter: bool = False
    sketch_functions: Annotated[str | None, limits.ROUTINES] = None
    analysts: tuple[Annotated[str, limits.ANALYST], ...] = ()


class FederationSettings(Section):
    """How the sink's role becomes a Google principal."""

    mode: Literal["direct", "impersonation"] = "direct"
    pool_suffix: Annotated[str, limits.POOL_SUFFIX] = "a"


class Settings(Section):
    """All settings of one environment, checked."""

    aws_account_id: Annotated[str, limits.ACCOUNT_ID]
    aws_region: Annotated[str, limits.REGION]
    google_project: Annotated[str, limits.GOOGLE_PROJECT]
    google_location: Annotated[str, limits.GOOGLE_LOCATION]
    protect: bool = True
    encryption: EncryptionSettings = EncryptionSettings()
    roles: RoleSettings = RoleSettings()
    network: NetworkSettings = NetworkSettings()
    code_signing: CodeSigningSettings = CodeSigningSettings()
    tracing: bool = True
    tags: dict[Annotated[str, limits.TAG_KEY], Annotated[str, limits.TAG_VALUE]] = Field(default={})
    enable_google_apis: bool = True
    package_dependencies: bool = True
    packages: PackageSettings = PackageSettings()
    adopt: AdoptionSettings = AdoptionSettings()
    stream: ProducedStreamSettings = ProducedStreamSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    ledger: LedgerSettings = LedgerSettings()
    bigquery_sink: SinkSettings = SinkSettings()
    aggregator: AggregatorSettings = AggregatorSettings()
    search_sink: SearchSinkSettings = SearchSinkSettings()
    search_setup: SearchSetupSettings = SearchSetupSettings()
    search_domain: SearchDomainSettings = SearchDomainSettings()
    lake: LakeSettings = LakeSettings()
    firehoses: dict[str, FirehoseDestinationSettings] = Field(default={})
    routes: dict[str, RouteSettings] = Field(default={})
    windows: WindowSettings = WindowSettings()
    window_publisher: PublisherSettings = PublisherSettings()
    report: ReportSettings = ReportSettings()
    auditor: AuditorSettings = AuditorSettings()
    alarms: AlarmSettings = AlarmSettings()
    rollout: RolloutSettings = RolloutSettings()
    probe: ProbeSettings = ProbeSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    federation: FederationSettings = FederationSettings()

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        kept = self.stream.retention_days
        letters = self.dead_letters.retention_days
        longest = max([kept, *(route.stream.retention_days for route in self.routes.values())])
        if self.ledger.days < longest:
            raise refusal("ledger.days", f"{longest} or more: the books must outlive the streams")
        if self.windows.days < max(kept, letters):
            words = "a window must outlive the records and dead letters that may still count in it"
            raise refusal("windows.days", f"{max(kept, letters)} or more: {words}")
        if self.windows.claim_days is not None and self.windows.claim_days <= kept:
            words = "a claim must outlive the records of its event in the stream"
            raise refusal("windows.claim_days", f"{kept + 1} or more: {words}")
        check_encryption(self.encryption, region=self.aws_region, account=self.aws_account_id)
        check_producers(
            self.stream.producers,
            self.encryption,
            account=self.aws_account_id,
            adopted=self.adopted.stream is not None,
        )
        check_roles(self.roles, account=self.aws_account_id)
        check_code_signing(self.code_signing, region=self.aws_region, account=self.aws_account_id)
        check_search(self.search_sink, self.search_domain)
        check_watermark(self.alarms, self.aggregator.tumbling_window_seconds)
        check_adoption(
            self.adopt, account=self.aws_account_id, region=self.aws_region, project=self.google_project
        )
        for key in ("dataset", "views_dataset"):
            if getattr(self.warehouse, key) is not None and getattr(self.adopt, key) is not None:
                raise refusal(f"warehouse.{key}", f"nothing when adopt.{key} names one that exists")
        return self

    def route(self, name: str) -> RouteSettings:
        """The settings of a route, given or not."""
        return self.routes.get(name, RouteSettings())

    @property
    def adopted(self) -> AdoptionSettings:
        """What exists already, unless that is switched off."""
        return self.adopt if self.adopt.enabled else AdoptionSettings()

    @property
    def claim_days(self) -> int:
        """How long an event counts once: as set, else eight days, and longer than the stream's records."""
        return self.windows.claim_days or max(_USUAL_CLAIM_DAYS, self.stream.retention_days + 1)


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
