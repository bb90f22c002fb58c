"""The list prices that Sluice counts with: one table, in US dollars, before taxes, discounts and free tiers.

They are those of AWS's us-east-1 and of BigQuery's US multi-region, as the pages named beside them had them;
most regions of Europe cost up to a fifth more. Prices change: a figure made of them is an estimate, says the
year that it rests on, and is worth a look at the page before anybody decides by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

AS_OF: Final = "2025"
"""The year whose prices these are."""

REGION: Final = "us-east-1"
HOURS_A_MONTH: Final = 730
"""As both clouds' calculators count a month."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """One list price: `usd` for `per` times `unit`, and the page that says so."""

    usd: float
    unit: str
    per: int = 1
    source: str

    @property
    def one(self) -> float:
        """US dollars for one unit."""
        return self.usd / self.per

    def __str__(self) -> str:
        many = f"{self.per:,} x " if self.per > 1 else ""
        return f"${self.usd:g} for {many}{self.unit}"


_KINESIS: Final = "aws.amazon.com/kinesis/data-streams/pricing"
_LAMBDA: Final = "aws.amazon.com/lambda/pricing"
_DYNAMODB: Final = "aws.amazon.com/dynamodb/pricing/on-demand"
_FIREHOSE: Final = "aws.amazon.com/firehose/pricing"
_CLOUDWATCH: Final = "aws.amazon.com/cloudwatch/pricing"
_S3: Final = "aws.amazon.com/s3/pricing"
_SQS: Final = "aws.amazon.com/sqs/pricing"
_SNS: Final = "aws.amazon.com/sns/pricing"
_KMS: Final = "aws.amazon.com/kms/pricing"
_OPENSEARCH: Final = "aws.amazon.com/opensearch-service/pricing"
_TRANSFER: Final = "aws.amazon.com/ec2/pricing/on-demand, data transfer"
_API: Final = "aws.amazon.com/api-gateway/pricing"
_BIGQUERY: Final = "cloud.google.com/bigquery/pricing"

PRICES: Final[Mapping[str, Price]] = MappingProxyType(
    {
        "kinesis.shard": Price(usd=0.015, unit="shard-hour", source=_KINESIS),
        "kinesis.put": Price(usd=0.014, unit="payload unit of 25 KB", per=1_000_000, source=_KINESIS),
        "kinesis.retention": Price(usd=0.02, unit="shard-hour beyond 24 h", source=_KINESIS),
        "kinesis.long_retention": Price(usd=0.023, unit="GB-month beyond 7 d", source=_KINESIS),
        "kinesis.consumer": Price(usd=0.015, unit="consumer-shard-hour", source=_KINESIS),
        "kinesis.consumer_out": Price(usd=0.013, unit="GB", source=_KINESIS),
        "kinesis.on_demand": Price(usd=0.04, unit="stream-hour", source=_KINESIS),
        "kinesis.on_demand_in": Price(usd=0.08, unit="GB", source=_KINESIS),
        "kinesis.on_demand_out": Price(usd=0.04, unit="GB", source=_KINESIS),
        "kinesis.on_demand_consumer_out": Price(usd=0.05, unit="GB", source=_KINESIS),
        "kinesis.on_demand_retention": Price(usd=0.1, unit="GB-month beyond 24 h", source=_KINESIS),
        "lambda.request": Price(usd=0.2, unit="request", per=1_000_000, source=_LAMBDA),
        "lambda.gb_second_arm64": Price(usd=0.0000133334, unit="GB-second", source=_LAMBDA),
        "lambda.gb_second_x86_64": Price(usd=0.0000166667, unit="GB-second", source=_LAMBDA),
        "dynamodb.write": Price(usd=0.625, unit="write unit of 1 KB", per=1_000_000, source=_DYNAMODB),
        "dynamodb.read": Price(usd=0.125, unit="read unit of 4 KB", per=1_000_000, source=_DYNAMODB),
        "dynamodb.storage": Price(usd=0.25, unit="GB-month", source=_DYNAMODB),
        "dynamodb.recovery": Price(usd=0.2, unit="GB-month", source=_DYNAMODB),
        "sqs.request": Price(usd=0.4, unit="request of 64 KB", per=1_000_000, source=_SQS),
        "sqs.fifo_request": Price(usd=0.5, unit="request of 64 KB", per=1_000_000, source=_SQS),
        "sns.email": Price(usd=2.0, unit="e-mail", per=100_000, source=_SNS),
        "s3.storage": Price(usd=0.023, unit="GB-month", source=_S3),
        "s3.put": Price(usd=0.005, unit="writing request", per=1_000, source=_S3),
        "s3.get": Price(usd=0.0004, unit="reading request", per=1_000, source=_S3),
        "firehose.in": Price(usd=0.029, unit="GB, a record in steps of 5 KB", source=_FIREHOSE),
        "firehose.iceberg": Price(usd=0.045, unit="GB from a stream into Iceberg", source=_FIREHOSE),
        "firehose.iceberg_put": Price(usd=0.075, unit="GB put into Iceberg", source=_FIREHOSE),
        "logs.in": Price(usd=0.5, unit="GB", source=_CLOUDWATCH),
        "logs.storage": Price(usd=0.03, unit="GB-month", source=_CLOUDWATCH),
        "cloudwatch.metric": Price(usd=0.3, unit="metric-month", source=_CLOUDWATCH),
        "cloudwatch.alarm": Price(usd=0.1, unit="alarm metric-month", source=_CLOUDWATCH),
        "cloudwatch.composite_alarm": Price(usd=0.5, unit="composite alarm-month", source=_CLOUDWATCH),
        "cloudwatch.dashboard": Price(usd=3.0, unit="dashboard-month", source=_CLOUDWATCH),
        "xray.trace": Price(usd=5.0, unit="trace", per=1_000_000, source="aws.amazon.com/xray/pricing"),
        "kms.key": Price(usd=1.0, unit="key-month", source=_KMS),
        "kms.request": Price(usd=0.03, unit="request", per=10_000, source=_KMS),
        "opensearch.gp3": Price(usd=0.122, unit="GB-month", source=_OPENSEARCH),
        "apigateway.request": Price(usd=1.0, unit="request", per=1_000_000, source=_API),
        "athena.scanned": Price(usd=5.0, unit="TB scanned", source="aws.amazon.com/athena/pricing"),
        "glue.optimizer": Price(usd=0.44, unit="DPU-hour", source="aws.amazon.com/glue/pricing"),
        "transfer.out": Price(usd=0.09, unit="GB to the internet, Google among it", source=_TRANSFER),
        "bigquery.insert": Price(usd=0.05, unit="GB, a row 1 KB at least", source=_BIGQUERY),
        "bigquery.storage": Price(usd=0.02, unit="GB-month", source=_BIGQUERY),
        "bigquery.query": Price(usd=6.25, unit="TiB scanned", source=_BIGQUERY),
    }
)
"""By key, SERVICE.WHAT: what is paid for, and how much of it costs what."""


INSTANCES: Final[Mapping[str, float]] = MappingProxyType(
    {
        "t3.small.search": 0.036,
        "t3.medium.search": 0.073,
        "m7g.medium.search": 0.068,
        "m7g.large.search": 0.135,
        "m7g.xlarge.search": 0.27,
        "r7g.medium.search": 0.088,
        "r7g.large.search": 0.177,
        "r7g.xlarge.search": 0.353,
    }
)
"""OpenSearch instances by type: US dollars an hour, from the same page as its storage."""


def usd(key: str, quantity: float = 1) -> float:
    """Return what a quantity of one price's units costs, in US dollars."""
    return PRICES[key].one * quantity
