"""Every switch of the settings, on and off: whoever adds one adds it here.

A run with ALL_ON has all that the program can declare at once, one with ALL_OFF the least. Use them with the
fixture `run`: `run("dev", pipeline=EVERYTHING, **ALL_ON)`.
"""

from pathlib import Path
from typing import Any, Final

EVERYTHING: Final = Path(__file__).with_name("everything.py")
"""A pipeline with every kind of event, metric and route."""

ACCOUNTS: Final = {"dev": "111111111111", "prod": "222222222222"}


def all_on(stack: str) -> dict[str, Any]:
    """Return settings of a stack with everything switched on that can be on together."""
    account = ACCOUNTS[stack]
    return {
        "protect": True,
        "adopt": {"enabled": True},
        "federation": {"mode": "impersonation"},
        "encryption": {"key": "own"},
        "enable_google_apis": True,
        "packages": {"python": "3.14", "architecture": "arm64"},
        "bigquery_sink": {"bisect": True},
        "search_sink": {
            "mode": "domain",
            "vpc_id": "vpc-0a1b2c3d",
            "subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        },
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
        "adopt": {"enabled": False},
        "enable_google_apis": False,
        "packages": {"python": "3.12", "architecture": "x86_64"},
        "bigquery_sink": {"enabled": False},
        "search_sink": {"mode": "none"},
        "search_setup": {"enabled": False},
        "lake": {"enabled": False},
        "aggregator": {"enabled": False},
        "window_publisher": {"enabled": False},
        "report": {"auth": "none"},
    }
