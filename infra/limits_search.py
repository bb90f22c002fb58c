"""What OpenSearch, and Amazon's service of it, accept; checked on 2026-11-21 against the documents named."""

from datetime import date
from typing import Final

from infra.limits import Limit, text, whole

_DOMAINS = "OpenSearch Service API, CreateDomain"
_QUOTAS = "OpenSearch Service developer guide, quotas"
_CREATE_INDEX = "OpenSearch API reference, create index"


def _is_a_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


ENDPOINT: Final = text(
    r"https://[A-Za-z0-9.-]+(:\d+)?",
    "an https address without a path",
    "OpenSearch Service API, DomainStatus",
)
ENDPOINT_ARN: Final = text(
    r"arn:aws[a-z-]*:(es:[a-z0-9-]+:\d{12}:domain/[a-z][a-z0-9-]{2,27}|aoss:[a-z0-9-]+:\d{12}:collection/[a-z0-9]{3,40})",
    "the ARN of a domain (arn:aws:es:REGION:ACCOUNT:domain/NAME) or of a collection"
    " (arn:aws:aoss:REGION:ACCOUNT:collection/ID)",
    "Service authorization reference, OpenSearch Service and Serverless",
)
PREFIX: Final = text(
    r"[a-z][a-z0-9-]{0,62}",
    "1 to 63 small letters, digits and hyphens, beginning with a letter",
    f"{_CREATE_INDEX}: names in small letters; 63 so that a table's name fits 255 bytes too",
)
DATE: Final = Limit(accepts="a day, such as 2020-01-01", source="ISO 8601", holds=_is_a_day)
RETENTION_DAYS: Final = whole(0, 36_500, "a hundred years; 0 keeps indices for good", unit="days")
AHEAD_DAYS: Final = whole(1, 366, "a year: BigQuery takes no event that lies further ahead", unit="days")
INDEX_SHARDS: Final = whole(1, 1024, f"{_CREATE_INDEX}: index.number_of_shards, 1,024 at most")
REPLICAS: Final = whole(
    0, 20, "a copy per node is the most that can be placed; a domain has 80 and more nodes"
)
CONCURRENCY: Final = whole(
    1, 32, "connections that one invocation keeps open; a data node of 2 vCPUs writes 2 at once"
)
BULK_DOCUMENTS: Final = whole(1, 10_000, "a batch of Lambda has no more records", unit="documents")
BULK_BYTES: Final = whole(
    1_500_000,
    100_000_000,
    f"{_QUOTAS}, network limits: 10 MiB (small instances) or 100 MiB a request; one event of 1 MB must fit",
    unit="bytes",
)
SMALL_REQUEST_BYTES: Final = 10_000_000
"""What every instance type takes in a request (10 MiB: network limits of the quotas)."""

ENGINE: Final = text(
    r"OpenSearch_[1-9]\d*\.\d+",
    "a version of OpenSearch, such as OpenSearch_2.19",
    f"{_DOMAINS}, EngineVersion",
)
INSTANCE_TYPE: Final = text(
    r"[a-z][a-z0-9-]*\.[a-z0-9]+\.search",
    "an instance type, such as r7g.large.search",
    f"{_DOMAINS}, ClusterConfig",
)
DATA_INSTANCE_TYPE: Final = text(
    r"(?!(t2|[cmr][34]|i\d[a-z]*|im\d[a-z]*|oi\d|[a-z]\d+gd|ultrawarm\d)\.)[a-z][a-z0-9-]*\.[a-z0-9]+\.search",
    "an instance type with gp3 volumes, such as r7g.large.search",
    f"{_QUOTAS}, EBS volume size: types with disks of their own, and older ones, have none of gp3",
)
INSTANCES: Final = whole(1, 80, f"{_QUOTAS}: 80 data nodes a domain by default", unit="instances")
ZONES: Final = whole(1, 3, f"{_DOMAINS}, ZoneAwarenessConfig: 2 or 3 zones, or none")
VOLUME_GB: Final = whole(
    10, 36_864, f"{_QUOTAS}, EBS volume size, gp3: an instance type's own limits are narrower", unit="GB"
)
VPC: Final = text(r"vpc-[0-9a-f]{8,17}", "the id of a VPC, such as vpc-0a1b2c3d", "EC2 API, Vpc")
SUBNET: Final = text(
    r"subnet-[0-9a-f]{8,17}", "the id of a subnet, such as subnet-0a1b2c3d", "EC2 API, Subnet"
)
CIDR: Final = text(
    r"\d{1,3}(\.\d{1,3}){3}/([12]?\d|3[0-2])", "a range of addresses, such as 10.0.0.0/16", "EC2 API, IpRange"
)
ROLE_ARN: Final = text(
    r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}",
    "the ARN of an IAM role",
    "IAM user guide, identifiers",
)
