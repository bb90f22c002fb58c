"""Settings of the search sink, of its setup, and of a domain of its own: see infra/settings.py."""

from typing import Annotated, Final, Literal, Self

from pydantic import model_validator

from infra import limits, limits_search
from infra.settings_functions import FunctionSettings, Section, SinkSettings, Whole, refusal

AHEAD_DAYS: Final = 366
"""What BigQuery takes."""
AHEAD_DAYS_OF_RETENTION: Final = 2
"""More than any two time zones are apart."""


class SearchSinkSettings(SinkSettings):
    """The sink into OpenSearch; not there unless `mode` says where OpenSearch is."""

    mode: Literal["none", "domain", "endpoint"] = "none"
    endpoint: Annotated[str | None, limits_search.ENDPOINT] = None
    endpoint_arn: Annotated[str | None, limits_search.ENDPOINT_ARN] = None
    vpc_id: Annotated[str | None, limits_search.VPC] = None
    subnet_ids: tuple[Annotated[str, limits_search.SUBNET], ...] = ()
    prefix: Annotated[str | None, limits_search.PREFIX] = None
    period: Literal["day", "month", "year"] = "month"
    indices_since: Annotated[str, limits_search.DATE] = "2020-01-01"
    ahead_days: Annotated[Whole | None, limits_search.AHEAD_DAYS] = None
    retention_days: Annotated[Whole, limits_search.RETENTION_DAYS] = 0
    shards: Annotated[Whole, limits_search.INDEX_SHARDS] = 1
    replicas: Annotated[Whole | None, limits_search.REPLICAS] = None
    max_concurrency: Annotated[Whole, limits_search.CONCURRENCY] = 4
    max_bulk_documents: Annotated[Whole, limits_search.BULK_DOCUMENTS] = 1000
    max_bulk_bytes: Annotated[Whole, limits_search.BULK_BYTES] = 2_000_000
    memory_mb: Annotated[Whole, limits.MEMORY_MB] = 1024

    @property
    def service(self) -> Literal["es", "aoss"]:
        """What requests are signed for: a domain, or a serverless collection."""
        return "aoss" if self.endpoint_arn is not None and ":aoss:" in self.endpoint_arn else "es"

    @property
    def furthest_ahead(self) -> int:
        """Days that an event may lie after its arrival; by retention, indices are kept as much longer."""
        if self.ahead_days is not None:
            return self.ahead_days
        return AHEAD_DAYS if self.retention_days == 0 else AHEAD_DAYS_OF_RETENTION

    @model_validator(mode="after")
    def _an_endpoint_is_named_whole(self) -> Self:
        for key in ("endpoint", "endpoint_arn"):
            if (getattr(self, key) is None) == (self.mode == "endpoint"):
                raise refusal(key, "that of your OpenSearch when mode is endpoint, nothing otherwise")
        return self

    @model_validator(mode="after")
    def _a_network_is_named_whole(self) -> Self:
        if (self.vpc_id is None) != (not self.subnet_ids):
            accepts = "the network of subnet_ids when there are some, nothing otherwise"
            raise refusal("vpc_id", accepts)
        if len(set(self.subnet_ids)) != len(self.subnet_ids):
            raise refusal("subnet_ids", "each subnet once")
        return self


class SearchSetupSettings(FunctionSettings):
    """The function that sets indices, retention, roles and dashboards up, once per change of them."""

    enabled: bool = True
    timeout_seconds: Annotated[Whole, limits.TIMEOUT_SECONDS] = 300


class SearchDomainSettings(Section):
    """A domain of OpenSearch Service, made when the search sink's mode is domain."""

    engine_version: Annotated[str, limits_search.ENGINE] = "OpenSearch_2.19"
    instance_type: Annotated[str, limits_search.DATA_INSTANCE_TYPE] = "r7g.large.search"
    instance_count: Annotated[Whole, limits_search.INSTANCES] = 2
    zones: Annotated[Whole, limits_search.ZONES] = 2
    volume_gb: Annotated[Whole, limits_search.VOLUME_GB] = 100
    dedicated_master_type: Annotated[str | None, limits_search.INSTANCE_TYPE] = None
    public: bool = False
    readers: tuple[Annotated[str, limits_search.ROLE_ARN], ...] = ()
    reader_cidrs: tuple[Annotated[str, limits_search.CIDR], ...] = ()
    log_retention_days: Annotated[Whole, limits.LOG_RETENTION_DAYS] = 30

    @property
    def takes_small_requests_only(self) -> bool:
        """Whether an instance may take requests of 10 MiB only, not 100 MiB.

        The service's quotas name no types of the seventh generation of Graviton: they count as those before.
        """
        family, size, _ = self.instance_type.split(".")
        return size in {"small", "medium"} or (size == "large" and (family[0] in "cmt" or family == "om2"))

    @model_validator(mode="after")
    def _zones_have_the_same_number_of_instances(self) -> Self:
        if self.instance_count % self.zones:
            words = "each zone has as many, so that one may fail"
            raise refusal("instance_count", f"a multiple of zones ({self.zones}): {words}")
        if self.public and self.reader_cidrs:
            raise refusal("reader_cidrs", "nothing when the domain is public: it has no security group")
        return self


def check_search(sink: SearchSinkSettings, domain: SearchDomainSettings) -> None:
    """Refuse what a domain and its sink cannot have together; called by the whole of the settings."""
    if sink.mode != "domain":
        return
    if domain.public and sink.subnet_ids:
        raise refusal("search_sink.subnet_ids", "nothing when search_domain.public is true")
    if not domain.public and len(sink.subnet_ids) != domain.zones:
        words = "in different zones; or search_domain.public true"
        raise refusal("search_sink.subnet_ids", f"as many as search_domain.zones ({domain.zones}), {words}")
    if domain.takes_small_requests_only and sink.max_bulk_bytes > limits_search.SMALL_REQUEST_BYTES:
        words = f"{domain.instance_type} takes no larger request"
        raise refusal("search_sink.max_bulk_bytes", f"{limits_search.SMALL_REQUEST_BYTES} or less: {words}")
