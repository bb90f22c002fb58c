"""What the clouds accept, in one place.

Checked on 2026-11-20 against the documents named beside each limit. A limit that moved is changed here, and
docs/settings.md with it (a test compares the two).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sluice.policies import kinds
from sluice.policies.names import LIMITS

_LAMBDA_MAPPING = "Lambda API, CreateEventSourceMapping"
_LAMBDA_QUOTAS = "Lambda developer guide, quotas"
_KINESIS_QUOTAS = "Kinesis developer guide, quotas and limits"
_CONSUMERS = "Kinesis API, RegisterStreamConsumer"
_FIREHOSE = "Firehose API, BufferingHints"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Annotates a setting: what is accepted, in words for the error line, and a check."""

    accepts: str
    source: str
    holds: Callable[[Any], bool]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic parse the annotated type, then check its value."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: Any) -> Any:
        if value is not None and not self.holds(value):
            raise PydanticCustomError("limit", "accepted is {accepts}", {"accepts": self.accepts})
        return value


def whole(low: int, high: int, source: str, *, unlimited: bool = False, unit: str = "") -> Limit:
    """Make a limit for whole numbers from low to high; with `unlimited`, -1 is accepted as well."""
    words = f"{low} to {high}{' ' + unit if unit else ''}"
    return Limit(
        accepts=f"-1 (unlimited) or {words}" if unlimited else words,
        source=source,
        holds=lambda value: low <= value <= high or (unlimited and value == -1),
    )


def share(source: str) -> Limit:
    """Make a limit for a part of a whole."""
    return Limit(accepts="a number from 0 to 1", source=source, holds=lambda value: 0 <= value <= 1)


def text(pattern: str, accepts: str, source: str) -> Limit:
    """Make a limit for text that must match a whole pattern."""
    compiled = re.compile(pattern)
    return Limit(accepts=accepts, source=source, holds=lambda value: compiled.fullmatch(value) is not None)


def one_of(values: tuple[int, ...], source: str) -> Limit:
    """Make a limit for whole numbers of which the cloud takes a few only."""
    return Limit(accepts="one of " + ", ".join(map(str, values)), source=source, holds=values.__contains__)


SHARDS: Final = whole(1, 10_000, "Kinesis API, UpdateShardCount: not beyond 10,000 shards a stream")
FEWEST_ENHANCED_CONSUMERS: Final = 20
"""Enhanced fan-out consumers that every stream may have."""

ENHANCED_CONSUMERS: Final = whole(
    FEWEST_ENHANCED_CONSUMERS, 50, f"{_CONSUMERS}: 20 a stream, 50 with On-demand Advantage"
)
KILOBYTES_PER_SECOND: Final = whole(1, 10_000_000, "10,000 shards full at 1 MB/s", unit="KB/s")
RETENTION_HOURS: Final = whole(24, 8760, _KINESIS_QUOTAS, unit="hours")
BATCH_SIZE: Final = whole(1, 10_000, _LAMBDA_MAPPING, unit="records")
BATCHING_WINDOW_SECONDS: Final = whole(0, 300, _LAMBDA_MAPPING, unit="seconds")
PARALLELIZATION: Final = whole(1, 10, _LAMBDA_MAPPING)
RETRY_ATTEMPTS: Final = whole(0, 10_000, _LAMBDA_MAPPING, unlimited=True)
RECORD_AGE_SECONDS: Final = whole(60, 604_800, _LAMBDA_MAPPING, unlimited=True, unit="seconds")
PROBE_TIMEOUT_SECONDS: Final = whole(
    60, 900, f"{_LAMBDA_QUOTAS}; a held batch takes up to 45 seconds", unit="seconds"
)
PROBE_WINDOW_SECONDS: Final = whole(
    2, 60, "Sluice's own: the command waits for whole windows", unit="seconds"
)
TUMBLING_WINDOW_SECONDS: Final = whole(1, 900, _LAMBDA_MAPPING, unit="seconds")
TIMEOUT_SECONDS: Final = whole(1, 900, _LAMBDA_QUOTAS, unit="seconds")
MEMORY_MB: Final = whole(128, 10_240, _LAMBDA_QUOTAS, unit="MB")
QUEUE_RETENTION_DAYS: Final = whole(
    1, 14, "SQS API, SetQueueAttributes: 60 to 1,209,600 seconds", unit="days"
)
VISIBILITY_SECONDS: Final = whole(0, 43_200, "SQS API, SetQueueAttributes", unit="seconds")
FIREHOSE_BUFFER_MB: Final = whole(1, 128, _FIREHOSE, unit="MB")
FIREHOSE_BUFFER_SECONDS: Final = whole(0, 900, _FIREHOSE, unit="seconds")
FIREHOSE_RETRY_SECONDS: Final = whole(0, 7200, "Firehose API, RetryOptions", unit="seconds")
TRANSFORM_BUFFER_KB: Final = whole(
    200, 3000, "Firehose developer guide, data transformation: 0.2 to 3 MB", unit="KB"
)
TRANSFORM_RETRIES: Final = whole(0, 300, "Sluice's own; Firehose's guide names none for NumberOfRetries")
TRANSFORM_TIMEOUT_SECONDS: Final = whole(
    1, 300, "Firehose developer guide, data transformation: an invocation of up to 5 minutes", unit="seconds"
)
SPLUNK_SECONDS: Final = whole(
    180, 600, "Firehose API, SplunkDestinationConfiguration HECAcknowledgmentTimeoutInSeconds", unit="seconds"
)
SNAPSHOT_DAYS: Final = whole(1, 36_500, "a hundred years; Glue keeps one snapshot at least", unit="days")
ORPHAN_DAYS: Final = whole(1, 36_500, "a hundred years; Glue API, IcebergOrphanFileDeletion", unit="days")
QUERY_GIB: Final = whole(1, 1_000_000, "a petabyte; Athena API, BytesScannedCutoffPerQuery", unit="GiB")
SPLUNK_BUFFER_MB, SPLUNK_BUFFER_SECONDS = 5, 60
"""The largest of a destination's buffers for Splunk (Firehose API, SplunkBufferingHints)."""

ON_DEMAND_SHARDS: Final = 4
"""What a stream on-demand starts with (Kinesis developer guide, on-demand mode)."""

KEPT_OBJECT_DAYS: Final = whole(0, 36_500, "a hundred years; 0 keeps objects for good", unit="days")
OBJECT_DAYS: Final = whole(1, 36_500, "a hundred years; S3 itself takes any positive number", unit="days")
AUDIT_MINUTES: Final = whole(
    5, 60, "an alarm on two of such periods is two hours late at most; each run is paid for", unit="minutes"
)
AUDIT_HOURS: Final = whole(
    1, 12, "with what a Firehose may hold, less than the 24 hours that each stream keeps", unit="hours"
)
AUDIT_GRACE_MINUTES: Final = whole(
    5, 30, "CloudWatch shows Kinesis' metrics within minutes, and does not promise it", unit="minutes"
)
LEDGER_DAYS: Final = whole(2, 36_500, "a hundred years; DynamoDB's TTL is any epoch second", unit="days")
WINDOW_DAYS: Final = whole(
    2, 1800, "BigQuery's streaming inserts refuse rows for partitions 1,825 days back", unit="days"
)
CLAIM_DAYS: Final = whole(2, 400, "a stream's retention of 365 days, and a little more", unit="days")
PARTITION_DAYS: Final = whole(0, 36_500, "a hundred years; 0 keeps partitions for good", unit="days")
SHARE: Final = share("powertools for Lambda, Logger, sampling debug logs")
LOG_RETENTION_DAYS: Final = one_of(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
    "CloudWatch Logs API, PutRetentionPolicy",
)

ACCOUNT_ID: Final = text(r"\d{12}", "an account number of 12 digits, in quotes", "IAM user guide")
REGION: Final = text(
    r"[a-z]{2}(-[a-z]+)+-\d", "the name of an AWS region, such as eu-central-1", "AWS general reference"
)
GOOGLE_PROJECT: Final = text(
    r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "a Google project id: 6 to 30 small letters, digits and hyphens",
    "Resource Manager, creating projects",
)
GOOGLE_LOCATION: Final = text(
    r"US|EU|[a-z]+-[a-z]+\d+", "EU, US or a region such as europe-west3", "BigQuery locations"
)
DATASET: Final = text(
    r"[A-Za-z0-9_]{1,1024}", "letters, digits and underscores, at most 1024", "BigQuery, naming datasets"
)
ROUTINES: Final = text(
    r"[a-z][a-z0-9-]{1,28}[a-z0-9]\.[A-Za-z0-9_]{1,1024}",
    "a project and a dataset with a dot between them, such as bqutil.datasketches",
    "BigQuery, naming datasets",
)
SERVICE_ACCOUNT_CHARACTERS: Final = LIMITS["gcp:serviceaccount/account:Account", "accountId"].longest

POOL_SUFFIX: Final = text(
    r"[a-z0-9]{1,8}", "1 to 8 small letters and digits", "IAM API: a pool's id has 4 to 32 characters"
)
ANALYST: Final = text(
    r"(user|group|serviceAccount|domain):[^\s:]+",
    "user:, group:, serviceAccount: or domain:, followed by an address",
    "IAM, principal identifiers",
)
ISSUER: Final = text(
    r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?",
    "the https address of an OpenID Connect issuer, as in its tokens",
    "API Gateway API, JWTConfiguration",
)
TOKEN_NAME: Final = text(
    r"[!-~]{1,255}", "what the issuer calls it: 1 to 255 characters without spaces", "RFC 7519, aud"
)
SECRET_ARN: Final = text(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@!-]+",
    "the ARN of a secret of Secrets Manager (arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME)",
    "Firehose API, SecretsManagerConfiguration",
)
REDSHIFT_URL: Final = text(
    r"jdbc:(redshift|postgresql)://((?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)+redshift(-serverless)?\.[A-Za-z0-9.-]+"
    r":\d{1,5}/[A-Za-z0-9_$-]+",
    "the JDBC URL of a Redshift cluster or workgroup (jdbc:redshift://HOST:PORT/DATABASE), without password",
    "Firehose API, RedshiftDestinationConfiguration",
)
REDSHIFT_TABLE: Final = text(
    r"([A-Za-z_][A-Za-z0-9_$]{0,126}\.)?[A-Za-z_][A-Za-z0-9_$]{0,126}",
    "the name of a table, with its schema and a dot before it if need be",
    "Redshift developer guide, names and identifiers",
)
DOMAIN_ARN: Final = text(
    r"arn:aws[a-z-]*:es:[a-z0-9-]+:\d{12}:domain/[a-z][a-z0-9-]{2,27}",
    "the ARN of an OpenSearch domain (arn:aws:es:REGION:ACCOUNT:domain/NAME)",
    "Firehose API, AmazonopensearchserviceDestinationConfiguration",
)
COLLECTION_URL: Final = text(
    r"https://[a-z0-9]+\.[a-z0-9-]+\.aoss\.amazonaws\.com",
    "the https address of an OpenSearch collection (https://ID.REGION.aoss.amazonaws.com)",
    "OpenSearch Service developer guide, serverless collections",
)
INDEX: Final = text(
    r"[a-z0-9][a-z0-9._-]{0,79}",
    "the name of an index: 1 to 80 small letters, digits, dots, hyphens and underscores",
    "Firehose API, AmazonopensearchserviceDestinationConfiguration",
)
HEC_URL: Final = text(
    r"https://[A-Za-z0-9.-]+(:\d{1,5})?/?",
    "the https address of an HTTP event collector, with its port if need be, without a token",
    "Firehose API, SplunkDestinationConfiguration",
)
COPY_OPTIONS: Final = text(
    r"(?is)(?!.*(credentials|access_key|session_token|iam_role|password|secret)).{0,2000}",
    "options of COPY, without credentials: Firehose has its own",
    "Redshift developer guide, COPY",
)
SNOWFLAKE_URL: Final = text(
    r"(https://)?[A-Za-z0-9._-]+\.snowflakecomputing\.com",
    "the address of a Snowflake account (ACCOUNT.snowflakecomputing.com), without a port",
    "Firehose developer guide, destination settings for Snowflake",
)
SNOWFLAKE_NAME: Final = text(
    r"[A-Za-z_][A-Za-z0-9_$]{0,254}",
    "a name of Snowflake's: letters, digits, _ and $, at most 255, not beginning with a digit",
    "Snowflake, identifier requirements",
)
PRIVATE_LINK: Final = text(
    r"com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[a-z0-9]+",
    "the id of a service for private links (com.amazonaws.vpce.REGION.vpce-svc-ID)",
    "Firehose API, SnowflakeVpcConfiguration",
)
TIMESTAMP: Final = text(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "a moment in UTC, such as 2026-01-31T12:00:00Z", _LAMBDA_MAPPING
)
TAG_KEY: Final = text(
    r"(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,128}", "a tag's name: 1 to 128 plain characters, not aws:", "AWS tagging"
)
TAG_VALUE: Final = text(r"[A-Za-z0-9 _.:/=+@-]{0,256}", "up to 256 plain characters", "AWS tagging")

PREFIX_CHARACTERS: Final = 22
"""Most that `project-environment` may have before it is shortened, so that the longest name made of it still
fits: PREFIX-SINK-sink in a function's 64 characters, PREFIX-SUFFIX in a pool's 32, and
PREFIX-dead-letters-ACCOUNT-REGION in a bucket's 63 where the region's name has 14."""

BUCKET_CHARACTERS: Final = LIMITS[kinds.BUCKET, "bucket"].longest
DATASET_CHARACTERS: Final = LIMITS[kinds.BIGQUERY_DATASET, "datasetId"].longest

QUEUE_MESSAGE_BYTES: Final = 1_048_576
"""SQS's largest message since August 2025; a queue's own default is still 262,144."""

BATCH_FOR_A_MINUTE: Final = 2000
"""Records of a batch among which one that kills the function is found within a minute (docs/delivery.md)."""

CONSUMERS_CREATED_AT_ONCE: Final = 5
"""Enhanced consumers of a stream in CREATING: a sixth registration is refused (Kinesis API,
RegisterStreamConsumer)."""

SHARED_READS_PER_SECOND: Final = 5
"""GetRecords calls that a shard takes from all its shared readers together (Kinesis API, GetRecords)."""

LAMBDA_POLLS_PER_SECOND: Final = 1
"""How often Lambda polls a shard for each mapping on a stream (Lambda developer guide, Kinesis)."""

SHARD_KILOBYTES_IN: Final = 1000
SHARD_KILOBYTES_OUT: Final = 2000
"""KB/s that a shard takes in, and gives to all its shared readers together (Kinesis quotas)."""
