"""Settings of a Firehose for each destination, as tests use them."""

from typing import Any

SECRET = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:sluice/there-AbCdEf"  # noqa: S105 a name
DOMAIN = "arn:aws:es:eu-central-1:111111111111:domain/theirs"
URL = "jdbc:redshift://here.abc.eu-central-1.redshift.amazonaws.com:5439/shop"
REDSHIFT: dict[str, Any] = {
    "destination": "redshift",
    "types": ["order"],
    "redshift": {
        "jdbc_url": URL,
        "table": "shop.order",
        "secret_arn": SECRET,
        "copy_options": "MAXERROR 0",
    },
}
OPENSEARCH: dict[str, Any] = {
    "destination": "opensearch",
    "opensearch": {"domain_arn": DOMAIN, "index": "events"},
}
SERVERLESS: dict[str, Any] = {
    "destination": "opensearch",
    "types": ["visit"],
    "opensearch": {
        "collection_endpoint": "https://abc123.eu-central-1.aoss.amazonaws.com",
        "index": "visits",
    },
}
SPLUNK: dict[str, Any] = {
    "destination": "splunk",
    "splunk": {"endpoint": "https://hec.example.com:8088", "secret_arn": SECRET},
}
SNOWFLAKE: dict[str, Any] = {
    "destination": "snowflake",
    "types": ["visit"],
    "snowflake": {
        "account_url": "acme.snowflakecomputing.com",
        "database": "SHOP",
        "schema_name": "PUBLIC",
        "table": "VISIT",
        "secret_arn": SECRET,
        "role": "LOADER",
    },
}
