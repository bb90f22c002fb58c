"""Settings of the lake, and of other destinations that a Firehose delivers to: see infra/settings.py."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from infra import limits
from infra.settings_functions import FunctionSettings, Section, Whole, refusal


class FirehoseSinkSettings(FunctionSettings):
    """A Firehose that reads the stream, and the function that it asks about each record.

    There is no switch to pause it: a Firehose that reads a stream cannot be paused.
    """

    timeout_seconds: Annotated[Whole, limits.TRANSFORM_TIMEOUT_SECONDS] = 120
    transform_buffer_kb: Annotated[Whole, limits.TRANSFORM_BUFFER_KB] = 400
    transform_buffer_seconds: Annotated[Whole, limits.FIREHOSE_BUFFER_SECONDS] = 60
    transform_retries: Annotated[Whole, limits.TRANSFORM_RETRIES] = 300
    buffer_mb: Annotated[Whole, limits.FIREHOSE_BUFFER_MB] = 16
    buffer_seconds: Annotated[Whole, limits.FIREHOSE_BUFFER_SECONDS] = 300
    retry_seconds: Annotated[Whole, limits.FIREHOSE_RETRY_SECONDS] = 7200
    error_days: Annotated[Whole, limits.KEPT_OBJECT_DAYS] = 90


class LakeSettings(FirehoseSinkSettings):
    """The lake: Iceberg tables in S3, which a Firehose fills and Athena reads. Off, nothing is declared."""

    enabled: bool = False
    buffer_mb: Annotated[Whole, limits.FIREHOSE_BUFFER_MB] = 64
    optimize: bool = True
    snapshot_days: Annotated[Whole, limits.SNAPSHOT_DAYS] = 5
    orphan_days: Annotated[Whole, limits.ORPHAN_DAYS] = 3
    query_gib: Annotated[Whole, limits.QUERY_GIB] = 100
    result_days: Annotated[Whole, limits.OBJECT_DAYS] = 7


class RedshiftSettings(Section):
    """A table of Redshift, into which what lies in the bucket is copied."""

    jdbc_url: Annotated[str, limits.REDSHIFT_URL]
    table: Annotated[str, limits.REDSHIFT_TABLE]
    secret_arn: Annotated[str, limits.SECRET_ARN]
    copy_options: Annotated[str | None, limits.COPY_OPTIONS] = None


class OpenSearchSettings(Section):
    """An index of an OpenSearch domain, or of a serverless collection."""

    domain_arn: Annotated[str | None, limits.DOMAIN_ARN] = None
    collection_endpoint: Annotated[str | None, limits.COLLECTION_URL] = None
    index: Annotated[str, limits.INDEX]
    rotation: Literal["NoRotation", "OneHour", "OneDay", "OneWeek", "OneMonth"] = "OneMonth"

    @model_validator(mode="after")
    def _one_of_two_places(self) -> Self:
        if (self.domain_arn is None) == (self.collection_endpoint is None):
            raise refusal("domain_arn", "the ARN of a domain, or collection_endpoint instead of it")
        return self


class SplunkSettings(Section):
    """An HTTP event collector of Splunk."""

    endpoint: Annotated[str, limits.HEC_URL]
    secret_arn: Annotated[str, limits.SECRET_ARN]
    acknowledgment_seconds: Annotated[Whole, limits.SPLUNK_SECONDS] = 300


class SnowflakeSettings(Section):
    """A table of Snowflake."""

    account_url: Annotated[str, limits.SNOWFLAKE_URL]
    database: Annotated[str, limits.SNOWFLAKE_NAME]
    schema_name: Annotated[str, limits.SNOWFLAKE_NAME]
    table: Annotated[str, limits.SNOWFLAKE_NAME]
    secret_arn: Annotated[str, limits.SECRET_ARN]
    role: Annotated[str | None, limits.SNOWFLAKE_NAME] = None
    private_link_vpce_id: Annotated[str | None, limits.PRIVATE_LINK] = None


SECTIONS = ("redshift", "opensearch", "splunk", "snowflake")
"""Sections of a destination's settings: the one that `destination` names is needed, the others refused."""

_ONE_TABLE = frozenset({"redshift", "snowflake"})
"""Destinations that are one table, and so take one type of events."""


class FirehoseDestinationSettings(FirehoseSinkSettings):
    """A Firehose of the stream with another destination than the lake."""

    destination: Literal["redshift", "opensearch", "splunk", "snowflake"]
    types: tuple[str, ...] = ()
    redshift: RedshiftSettings | None = None
    opensearch: OpenSearchSettings | None = None
    splunk: SplunkSettings | None = None
    snowflake: SnowflakeSettings | None = None

    @model_validator(mode="after")
    def _the_section_is_the_destinations(self) -> Self:
        for section in SECTIONS:
            if (getattr(self, section) is None) == (section == self.destination):
                accepts = f"settings when destination is {section}, nothing otherwise"
                raise refusal(section, accepts)
        if self.destination == "splunk":
            self._splunk_takes_little_at_once()
        if self.destination in _ONE_TABLE and len(self.types) != 1:
            raise refusal("types", f"one type when destination is {self.destination}: a table holds one type")
        return self

    def _splunk_takes_little_at_once(self) -> None:
        most = {"buffer_mb": limits.SPLUNK_BUFFER_MB, "buffer_seconds": limits.SPLUNK_BUFFER_SECONDS}
        for key in self.model_fields_set & most.keys():
            if getattr(self, key) > most[key]:
                raise refusal(key, f"at most {most[key]} when destination is splunk")
