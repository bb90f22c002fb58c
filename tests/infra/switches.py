"""Every switch of the settings, on and off: whoever adds one adds it here, and a test asks for it.

A run with all_on has all that the program can declare at once, one with all_off the least. Use them with the
fixture `run`: `run("dev", pipeline=EVERYTHING, **all_on("dev"))`.
"""

from pathlib import Path
from typing import Any, Final

from tests.infra.destinations import OPENSEARCH, REDSHIFT, SNOWFLAKE, SPLUNK

EVERYTHING: Final = Path(__file__).with_name("everything.py")
"""A pipeline with every kind of event, metric and route."""

ACCOUNTS: Final = {"dev": "111111111111", "prod": "222222222222"}


def all_on(stack: str) -> dict[str, Any]:
    """Return settings of a stack with everything switched on that can be on together."""
    account = ACCOUNTS[stack]
    network = {"vpc_id": "vpc-0a1b2c3d", "subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]}
    return {
        "protect": True,
        "stream": {
            "mode": "provisioned",
            "shards": 2,
            "expected_kilobytes_per_second": 100,
            "producers": ["arn:aws:iam::444444444444:role/shop"],
        },
        "routes": {
            "free": {"enabled": True, "bisect": True},
            "paid": {
                "stream": {"mode": "provisioned", "shards": 1},
                "consumers": {"transactions": {"enabled": True, "consumer": "enhanced", "bisect": True}},
            },
            "returned_orders": {"queue": {"high_throughput": True}},
        },
        "firehoses": {
            "redshift": REDSHIFT,
            "opensearch": OPENSEARCH,
            "splunk": SPLUNK,
            "snowflake": SNOWFLAKE,
        },
        "adopt": {"enabled": True, "release": True},
        "federation": {"mode": "impersonation"},
        "encryption": {"key": "own", "administrators": [f"arn:aws:iam::{account}:role/keys"]},
        "roles": {"permission_boundary_arn": f"arn:aws:iam::{account}:policy/boundary", "path": "/sluice/"},
        "network": network,
        "code_signing": {"profile": "own", "enforce": True},
        "tracing": True,
        "enable_google_apis": True,
        "packages": {"python": "3.13", "architecture": "arm64"},
        "bigquery_sink": {"bisect": True},
        "search_sink": {"mode": "domain", "bisect": True, **network},
        "search_domain": {
            "public": False,
            "instance_type": "r7g.large.search",
            "instance_count": 2,
            "zones": 2,
            "dedicated_master_type": "m7g.large.search",
            "readers": [f"arn:aws:iam::{account}:role/analyst"],
            "reader_cidrs": ["10.1.0.0/16"],
        },
        "lake": {"enabled": True, "optimize": True},
        "report": {
            "auth": "oidc",
            "issuer": "https://login.example.com/",
            "client_id": "sluice",
            "audience": "report",
        },
        "auditor": {"enabled": True},
        "rollout": {"strategy": "canary"},
        "probe": {"enabled": True},
        "alarms": {
            "enabled": True,
            "dashboard": True,
            "emails": ["on-call@example.com"],
            "https": ["https://events.example.com/integration/0123456789"],
        },
        "warehouse": {
            "analysts": ["group:analysts@example.com"],
            "sketch_functions": "bqutil.datasketches",
            "require_partition_filter": True,
        },
    }


def all_off(stack: str) -> dict[str, Any]:
    """Return settings of a stack with everything switched off that can be."""
    del stack
    return {
        "protect": False,
        "adopt": {"enabled": False, "release": False},
        "encryption": {"key": "aws"},
        "code_signing": {"profile": "none", "enforce": False},
        "tracing": False,
        "enable_google_apis": False,
        "packages": {"python": "3.12", "architecture": "x86_64"},
        "stream": {"mode": "on-demand", "shards": None},
        "bigquery_sink": {"enabled": False, "consumer": "shared", "bisect": False},
        "routes": {
            "large_orders": {"enabled": False, "consumer": "shared", "bisect": False},
            "paid": {
                "stream": {"mode": "on-demand"},
                "consumers": {"transactions": {"enabled": False, "consumer": "shared"}},
            },
            "returned_orders": {"queue": {"high_throughput": False}},
        },
        "search_sink": {"mode": "none", "enabled": False, "consumer": "shared"},
        "search_setup": {"enabled": False},
        "search_domain": {"public": True},
        "lake": {"enabled": False, "optimize": False},
        "aggregator": {"enabled": False, "consumer": "shared"},
        "window_publisher": {"enabled": False},
        "report": {"auth": "none"},
        "auditor": {"enabled": False},
        "alarms": {"enabled": False, "dashboard": False},
        "rollout": {"strategy": "all-at-once"},
        "probe": {"enabled": False},
    }


def adopting(stack: str) -> dict[str, Any]:
    """Return settings with everything adopted and all else on: who may write to a stream is its owner's."""
    settings = all_on(stack)
    stream = {key: value for key, value in settings["stream"].items() if key != "producers"}
    return {**settings, "stream": stream, "adopt": adopted(stack)}


def adopted(stack: str) -> dict[str, Any]:
    """Return the setting `adopt` with everything that can be adopted, each encrypted by a key of its own."""

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:eu-central-1:{ACCOUNTS[stack]}:{resource}"

    def thing(key: str, named: str, **more: str) -> dict[str, str]:
        return {"arn": named, "key_arn": arn("kms", f"key/{key}"), **more}

    windows = arn("dynamodb", "table/figures")
    return {
        "stream": thing("stream", arn("kinesis", "stream/clicks")),
        "route_streams": {"paid": thing("target", arn("kinesis", "stream/payments"))},
        "ledger": thing("ledger", arn("dynamodb", "table/books")),
        "windows": thing("windows", windows, stream_arn=f"{windows}/stream/2026-01-01T00:00:00.000"),
        "claims": thing("claims", arn("dynamodb", "table/firsts")),
        "dead_letter_queue": thing("queue", arn("sqs", "letters")),
        "dead_letter_bucket": thing("bucket", "arn:aws:s3:::payloads"),
        "dataset": f"example-analytics-{stack}.landing",
        "views_dataset": "shop",
        "tables": ["order", "dead_letters"],
    }
