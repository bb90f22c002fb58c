"""What names something that exists: see infra/limits.py, whose rules hold here.

The patterns are those of the Service Authorization Reference, resource types of each service.
"""

from typing import Final

from infra.limits import text

STREAM: Final = text(
    r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}",
    "the ARN of a Kinesis stream (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)",
    "Kinesis API, CreateStream",
)
TABLE: Final = text(
    r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}",
    "the ARN of a DynamoDB table (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME)",
    "DynamoDB API, CreateTable",
)
TABLE_STREAM: Final = text(
    r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}/stream/[0-9T:.-]+",
    "the ARN of a table's stream (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL)",
    "DynamoDB API, DescribeTable: LatestStreamArn",
)
QUEUE: Final = text(
    r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}",
    "the ARN of a standard SQS queue (arn:aws:sqs:REGION:ACCOUNT:NAME): Lambda gives batches up to no FIFO"
    " queue",
    "Lambda developer guide, on-failure destinations for Kinesis",
)
BUCKET: Final = text(
    r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "the ARN of an S3 bucket (arn:aws:s3:::NAME)",
    "S3 user guide, bucket naming rules",
)
KEY: Final = text(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
    "the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID, not an alias: IAM grants need the key itself)",
    "KMS developer guide, key ARN",
)
DATASET: Final = text(
    r"([a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,1024}",
    "a dataset's id, with google_project and a dot before it if you like",
    "BigQuery, naming datasets",
)
RAW_TABLE: Final = text(
    r"[A-Za-z0-9_]{1,1024}", "the id of a raw table, without its dataset", "BigQuery, naming tables"
)
