"""Settings of search that cannot be used stop the program with one line, before anything is declared."""

from typing import Any

import pytest

from infra.settings import parse_settings
from tests.infra.test_settings import GIVEN, refused

SUBNETS = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
NETWORK = {"vpc_id": "vpc-0a1b2c3d", "subnet_ids": SUBNETS}
ENDPOINT = {"mode": "endpoint", "endpoint": "https://search.example.com"}
YOURS = "arn:aws:es:eu-central-1:111111111111:domain/company"
SMALL = {"public": True, "instance_type": "t3.small.search", "instance_count": 1, "zones": 1}


@pytest.mark.parametrize(
    ("given", "start", "within"),
    [
        (
            {"search_sink": {"mode": "serverless"}},
            "search_sink.mode is 'serverless'",
            "none, domain, endpoint",
        ),
        ({"search_sink": {"mode": "endpoint"}}, "search_sink.endpoint is not set", "that of your OpenSearch"),
        ({"search_sink": ENDPOINT}, "search_sink.endpoint_arn is not set", "when mode is endpoint"),
        (
            {"search_sink": {**ENDPOINT, "endpoint_arn": "company"}},
            "search_sink.endpoint_arn is 'company'",
            "the ARN of a domain",
        ),
        (
            {"search_sink": {**ENDPOINT, "endpoint": "http://search.example.com", "endpoint_arn": YOURS}},
            "search_sink.endpoint is 'http://search.example.com'",
            "an https address without a path",
        ),
        (
            {"search_sink": {"endpoint_arn": YOURS}},
            f"search_sink.endpoint_arn is '{YOURS}'",
            "nothing otherwise",
        ),
        (
            {"search_sink": {"mode": "domain"}},
            "search_sink.subnet_ids is []",
            "as many as search_domain.zones (2), in different zones; or search_domain.public true",
        ),
        (
            {"search_sink": {"mode": "domain", **NETWORK}, "search_domain": {"public": True}},
            "search_sink.subnet_ids is",
            "nothing when search_domain.public is true",
        ),
        (
            {"search_sink": {"subnet_ids": SUBNETS}},
            "search_sink.vpc_id is not set",
            "the network of subnet_ids",
        ),
        (
            {"search_sink": {"vpc_id": "vpc-0a1b2c3d", "subnet_ids": SUBNETS[:1] * 2}},
            "search_sink.subnet_ids is",
            "each subnet once",
        ),
        (
            {"search_sink": {"subnet_ids": ["public"]}},
            "search_sink.subnet_ids.0 is 'public'",
            "subnet-0a1b2c3d",
        ),
        ({"search_sink": {"prefix": "Sluice"}}, "search_sink.prefix is 'Sluice'", "small letters"),
        ({"search_sink": {"period": "week"}}, "search_sink.period is 'week'", "one of day, month, year"),
        (
            {"search_sink": {"indices_since": "2020"}},
            "search_sink.indices_since is '2020'",
            "such as 2020-01-01",
        ),
        (
            {"search_sink": {"indices_since": "2021-02-30"}},
            "search_sink.indices_since is '2021-02-30'",
            "such as 2020-01-01",
        ),
        ({"search_sink": {"ahead_days": 0}}, "search_sink.ahead_days is 0", "1 to 366"),
        ({"search_sink": {"shards": 0}}, "search_sink.shards is 0", "1 to 1024"),
        ({"search_sink": {"max_concurrency": 0}}, "search_sink.max_concurrency is 0", "1 to 32"),
        (
            {"search_sink": {"max_bulk_bytes": 1_000_000}},
            "search_sink.max_bulk_bytes is 1000000",
            "1500000 to",
        ),
        (
            {"search_sink": {"mode": "domain", "max_bulk_bytes": 20_000_000}, "search_domain": SMALL},
            "search_sink.max_bulk_bytes is 20000000",
            "10000000 or less: t3.small.search takes no larger request",
        ),
        (
            {"search_domain": {"instance_count": 3}},
            "search_domain.instance_count is 3",
            "a multiple of zones (2)",
        ),
        ({"search_domain": {"zones": 4}}, "search_domain.zones is 4", "1 to 3"),
        (
            {"search_domain": {"instance_type": "r7g.large"}},
            "search_domain.instance_type is 'r7g.large'",
            "such as r7g.large.search",
        ),
        (
            {"search_domain": {"instance_type": "r7gd.large.search"}},
            "search_domain.instance_type is 'r7gd.large.search'",
            "with gp3 volumes",
        ),
        (
            {"search_domain": {"engine_version": "2.19"}},
            "search_domain.engine_version is '2.19'",
            "such as OpenSearch_2.19",
        ),
        (
            {"search_domain": {"readers": ["bob"]}},
            "search_domain.readers.0 is 'bob'",
            "the ARN of an IAM role",
        ),
        (
            {"search_domain": {**SMALL, "reader_cidrs": ["10.0.0.0/8"]}},
            "search_domain.reader_cidrs is",
            "nothing when the domain is public",
        ),
        (
            {"search_domain": {"reader_cidrs": ["10.0.0.0"]}},
            "search_domain.reader_cidrs.0 is '10.0.0.0'",
            "such as 10.0.0.0/16",
        ),
    ],
)
def test_the_line_names_the_key_what_was_given_and_what_is_accepted(
    given: dict[str, Any], start: str, within: str
) -> None:
    line = refused(**given)
    assert line.startswith(f"sluice:{start}"), line
    assert within in line, line


@pytest.mark.parametrize(
    "kind", ["m7g.large.search", "c7g.large.search", "om2.large.search", "t3.medium.search"]
)
def test_a_small_instance_keeps_requests_small(kind: str) -> None:
    sink = {"mode": "domain", "max_bulk_bytes": 20_000_000, **NETWORK}
    assert "takes no larger request" in refused(search_sink=sink, search_domain={"instance_type": kind})
    parse_settings(
        {**GIVEN, "search_sink": sink, "search_domain": {"instance_type": "r7g.large.search"}},
        namespace="sluice:",
        file="Pulumi.dev.yaml",
    )


def test_a_domains_settings_may_stay_while_search_is_off() -> None:
    settings = parse_settings({**GIVEN, "search_domain": SMALL}, namespace="sluice:", file="Pulumi.dev.yaml")
    assert settings.search_sink.mode == "none"
