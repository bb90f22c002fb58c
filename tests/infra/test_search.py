"""Search: nothing unless it is asked for, private unless told otherwise, set up before the sink writes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import ORDERS, by_name
from tests.infra.expected_aws import ENVS, PLACEHOLDER_ACCOUNT
from tests.infra.expected_sink import allow, lambda_function, sink
from tests.infra.test_every_aws_resource import compare, readable

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

ENV = ENVS["dev"]
DOMAIN = "arn:aws:es:eu-central-1:111111111111:domain/sluice-dev"
URL = "https://search-sluice-dev.eu-central-1.es.amazonaws.com"
ROLES = f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/sluice-dev-search"
READER = "arn:aws:iam::111111111111:role/analyst"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/8d5f0c1e-0000-4000-8000-000000000000"
NETWORK = {"vpc_id": "vpc-0a1b2c3d", "subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]}
SETUP_METHODS = [f"es:ESHttp{method}" for method in ("Delete", "Get", "Post", "Put")]
READING_METHODS = [f"es:ESHttp{method}" for method in ("Get", "Head", "Post")]
SMALL = {"public": True, "instance_type": "t3.small.search", "instance_count": 1, "zones": 1}
COLLECTION = "arn:aws:aoss:eu-central-1:111111111111:collection/abc123"
YOURS = "arn:aws:es:eu-central-1:111111111111:domain/company"


@pytest.fixture(scope="module")
def deployed(run: "Run") -> "dict[str, Program]":
    """Search in each of its ways; what they share is compared once."""
    elsewhere = {"mode": "endpoint", "endpoint": "https://search.example.com"}
    return {
        "public": run("dev", search_sink={"mode": "domain"}, search_domain={**SMALL, "readers": [READER]}),
        "private": run(
            "prod",
            encryption={"key": KEY.replace("111111111111", "222222222222")},
            search_sink={"mode": "domain", **NETWORK, "retention_days": 90},
            search_domain={
                "dedicated_master_type": "m7g.large.search",
                "reader_cidrs": ["10.1.0.0/16"],
            },
        ),
        "yours": run("dev", search_sink={**elsewhere, "endpoint_arn": YOURS, **NETWORK}),
        "collection": run("dev", search_sink={**elsewhere, "endpoint_arn": COLLECTION}),
        "unprepared": run(
            "dev", search_sink={**elsewhere, "endpoint_arn": YOURS}, search_setup={"enabled": False}
        ),
    }


def added(program: "Program") -> "dict[str, Declared]":
    return {name: each for name, each in by_name(program).items() if name.startswith("search-")}


def one(program: "Program", name: str) -> dict[str, Any]:
    inputs: dict[str, Any] = readable(by_name(program)[name].inputs)
    return inputs


def statement(program: "Program", name: str, sid: str) -> dict[str, Any]:
    (found,) = [each for each in one(program, name)["policy"]["Statement"] if each["Sid"] == sid]
    return dict(found)


def domain() -> dict[str, tuple[str, dict[str, Any]]]:
    """The domain and its log."""

    def let(sid: str, who: str, actions: list[str], path: str) -> dict[str, Any]:
        return {**allow(sid, actions, DOMAIN + path), "Principal": {"AWS": [who]}}

    log = f"arn:aws:logs:eu-central-1:{PLACEHOLDER_ACCOUNT}:log-group:/aws/opensearch/sluice-dev"
    write = allow("LetTheDomainWrite", ["logs:CreateLogStream", "logs:PutLogEvents"], "")
    return {
        "search-domain": (
            "aws:opensearch/domain:Domain",
            {
                "domainName": "sluice-dev",
                "engineVersion": "OpenSearch_2.19",
                "clusterConfig": {
                    "instanceType": "t3.small.search",
                    "instanceCount": 1,
                    "zoneAwarenessEnabled": False,
                    "dedicatedMasterEnabled": False,
                },
                "ebsOptions": {"ebsEnabled": True, "volumeType": "gp3", "volumeSize": 10},
                "encryptAtRest": {"enabled": True},
                "nodeToNodeEncryption": {"enabled": True},
                "domainEndpointOptions": {
                    "enforceHttps": True,
                    "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10",
                },
                "advancedSecurityOptions": {
                    "enabled": True,
                    "internalUserDatabaseEnabled": False,
                    "masterUserOptions": {"masterUserArn": f"{ROLES}-setup"},
                },
                "advancedOptions": {"rest.action.multi.allow_explicit_index": True},
                "accessPolicies": {
                    "Version": "2012-10-17",
                    "Statement": [
                        let("TheSetup", f"{ROLES}-setup", SETUP_METHODS, "/*"),
                        let("TheSink", f"{ROLES}-sink", ["es:ESHttpPost"], "/_bulk"),
                        let("Readers", READER, READING_METHODS, "/*"),
                    ],
                },
                "logPublishingOptions": [
                    {"logType": "ES_APPLICATION_LOGS", "cloudwatchLogGroupArn": log, "enabled": True}
                ],
            },
        ),
        "search-domain-logs": (
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": "/aws/opensearch/sluice-dev", "retentionInDays": 30},
        ),
        "search-domain-logs-policy": (
            "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
            {
                "policyName": "sluice-dev-search-domain",
                "policyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            **write,
                            "Principal": {"Service": "es.amazonaws.com"},
                            "Resource": f"{log}:*",
                            "Condition": {
                                "StringEquals": {"aws:SourceAccount": "111111111111"},
                                "ArnEquals": {"aws:SourceArn": DOMAIN},
                            },
                        }
                    ],
                },
            },
        ),
    }


def test_a_public_domain_is_exactly_this(deployed: "dict[str, Program]") -> None:
    place = {"SLUICE_SEARCH_ENDPOINT": URL, "SLUICE_SEARCH_SERVICE": "es"}
    state = json.loads(by_name(deployed["public"])["search-setup-invocation"].inputs["input"])
    compare(
        {name: each for name, each in added(deployed["public"]).items() if each.custom},
        {
            **domain(),
            **sink(
                ENV,
                "search-sink",
                "search",
                folder="search_sink",
                description="Delivers the stream's events to OpenSearch",
                timeout=20,
                memory=1024,
                log_level="INFO",
                log_days=30,
                ledger=["dynamodb:Query", "dynamodb:UpdateItem"],
                statements=[allow("WriteToOpenSearch", ["es:ESHttpPost"], f"{DOMAIN}/_bulk")],
                variables={
                    **place,
                    "SLUICE_SEARCH_PREFIX": "sluice-dev",
                    "SLUICE_SEARCH_PERIOD": "month",
                    "SLUICE_SEARCH_SINCE": "2020-01-01",
                    "SLUICE_SEARCH_AHEAD": "366",
                    "MAX_CONCURRENCY": "4",
                    "MAX_BULK_DOCUMENTS": "1000",
                    "MAX_BULK_BYTES": "2000000",
                },
                mapping={"batchSize": 1000, "functionResponseTypes": ["ReportBatchItemFailures"]},
            ),
            **lambda_function(
                ENV,
                "search-setup",
                "sluice-dev-search-setup",
                folder="search_setup",
                description="Sets OpenSearch up for the search sink",
                duty="search setup",
                timeout=300,
                memory=512,
                log_level="INFO",
                log_days=30,
                statements=[allow("SetOpenSearchUp", SETUP_METHODS, f"{DOMAIN}/*")],
                variables=place,
            ),
            "search-setup-invocation": (
                "aws:lambda/invocation:Invocation",
                {"functionName": "sluice-dev-search-setup", "input": state, "triggers": {"endpoint": URL}},
            ),
        },
    )


def test_search_that_is_off_declares_nothing(programs: "dict[str, Program]") -> None:
    for program in programs.values():
        assert added(program) == {}
        assert "search" not in program.outputs


def test_the_exports_say_where_search_is(deployed: "dict[str, Program]") -> None:
    here = {"endpoint": URL, "service": "es", "prefix": "sluice-dev", "domain": "sluice-dev"}
    assert deployed["public"].outputs["search"] == here
    there = {"endpoint": "https://search.example.com", "prefix": "sluice-dev"}
    assert deployed["yours"].outputs["search"] == {**there, "service": "es"}
    assert deployed["collection"].outputs["search"] == {**there, "service": "aoss"}
    assert deployed["public"].outputs["sinks"]["search"]["function"] == "sluice-dev-search-sink"


def test_the_setup_comes_before_the_sink_and_after_the_domain(deployed: "dict[str, Program]") -> None:
    for way in ("public", "private", "yours", "collection"):
        found = by_name(deployed[way])
        invocation = found["search-setup-invocation"]
        assert invocation.urn in found["search-sink-function"].depends_on, way
        assert invocation.urn in found["search-sink-mapping"].depends_on, way
        for needed in ("search-setup-function", "search-setup-policy"):
            assert found[needed].urn in invocation.depends_on, way
    for name in ("search-setup-function", "search-setup-invocation"):
        assert name not in by_name(deployed["unprepared"])


def test_the_setup_is_invoked_again_when_the_contract_changes_and_not_otherwise(
    run: "Run", deployed: "dict[str, Program]", tmp_path: Path
) -> None:
    def asked(program: "Program") -> Any:
        return by_name(program)["search-setup-invocation"].inputs["input"]

    same: dict[str, Any] = {
        "search_sink": {"mode": "domain"},
        "search_domain": {**SMALL, "readers": [READER]},
    }
    assert asked(run("dev", **same)) == asked(deployed["public"])
    other = tmp_path / "pipeline.py"
    added = "    amended: str | None = None\n\n    order_id:"
    other.write_text(ORDERS.read_text().replace("    order_id:", added, 1))
    assert asked(run("dev", pipeline=other, **same)) != asked(deployed["public"])


def test_a_private_domain_lies_in_the_subnets_and_lets_nobody_else_in(deployed: "dict[str, Program]") -> None:
    program = deployed["private"]
    options = one(program, "search-domain")["vpcOptions"]
    assert options == {
        "subnetIds": NETWORK["subnet_ids"],
        "securityGroupIds": ["search-domain-network-id"],
    }
    inside = {"subnetIds": NETWORK["subnet_ids"], "securityGroupIds": ["search-functions-network-id"]}
    for name in ("search-sink", "search-setup"):
        assert one(program, f"{name}-function")["vpcConfig"] == inside
        assert statement(program, f"{name}-policy", "HaveNetworkInterfaces")["Resource"] == [
            "arn:aws:ec2:eu-central-1:222222222222:*/*"
        ]
    rules = [each for each in added(program).values() if each.type.startswith("aws:vpc/")]
    assert {(each.inputs["fromPort"], each.inputs["toPort"]) for each in rules} == {(443, 443)}
    let_in = [each.inputs for each in rules if "Ingress" in each.type]
    assert [each.get("cidrIpv4") for each in let_in] == [None, "10.1.0.0/16"]
    assert let_in[0]["referencedSecurityGroupId"] == "search-functions-network-id"
    assert {each["securityGroupId"] for each in let_in} == {"search-domain-network-id"}


def test_a_private_domain_survives_a_zone_and_uses_the_key(deployed: "dict[str, Program]") -> None:
    program = deployed["private"]
    inputs = one(program, "search-domain")
    assert inputs["clusterConfig"] == {
        "instanceType": "r7g.large.search",
        "instanceCount": 2,
        "zoneAwarenessEnabled": True,
        "zoneAwarenessConfig": {"availabilityZoneCount": 2},
        "dedicatedMasterEnabled": True,
        "dedicatedMasterType": "m7g.large.search",
        "dedicatedMasterCount": 3,
    }
    assert inputs["encryptAtRest"]["kmsKeyId"].endswith("key/8d5f0c1e-0000-4000-8000-000000000000")
    state = one(program, "search-setup-invocation")["input"]
    settings = state["component"]["body"]["template"]["settings"]["index"]
    assert settings == {"number_of_shards": "1", "number_of_replicas": "1"}
    policy = state["retention"]["body"]["policy"]
    (transition,) = policy["states"][0]["transitions"]
    assert transition["conditions"] == {"min_index_age": "123d"}, "90 days after the month, made 2 early"


def test_what_holds_events_is_protected_outside_dev(deployed: "dict[str, Program]") -> None:
    protected = {each.name for each in added(deployed["private"]).values() if each.protect}
    assert protected == {"search-domain", "search-sink-mapping"}
    assert not [each for each in added(deployed["public"]).values() if each.protect]


def test_an_endpoint_of_yours_is_used_and_nothing_made_there(deployed: "dict[str, Program]") -> None:
    program = deployed["yours"]
    assert "search-domain" not in by_name(program)
    assert statement(program, "search-sink-policy", "WriteToOpenSearch")["Resource"] == [f"{YOURS}/_bulk"]
    assert statement(program, "search-setup-policy", "SetOpenSearchUp")["Resource"] == [f"{YOURS}/*"]
    assert "search-domain-network" not in by_name(program)
    assert "search-functions-network" in by_name(program)


def test_a_collection_is_asked_for_nothing_that_it_decides_itself(deployed: "dict[str, Program]") -> None:
    program = deployed["collection"]
    for name, sid in (("search-sink", "WriteToOpenSearch"), ("search-setup", "SetOpenSearchUp")):
        assert statement(program, f"{name}-policy", sid) == allow(sid, ["aoss:APIAccessAll"], COLLECTION)
    state = one(program, "search-setup-invocation")["input"]
    assert state["component"] is None
    assert state["security"] is None
    assert [each["body"]["composed_of"] for each in state["templates"]] == [[], []]


def test_a_domain_in_china_is_named_as_one(run: "Run") -> None:
    program = run("dev", aws_region="cn-north-1", search_sink={"mode": "domain"}, search_domain=SMALL)
    arn = "arn:aws-cn:es:cn-north-1:111111111111:domain/sluice-dev"
    assert statement(program, "search-setup-policy", "SetOpenSearchUp")["Resource"] == [f"{arn}/*"]


def test_a_preview_before_anything_exists_works(run: "Run") -> None:
    program = run("dev", search_sink={"mode": "domain"}, search_domain=SMALL, preview=True)
    assert "search-setup-invocation" in by_name(program)


def test_the_sink_counts_among_the_readers_of_the_stream(run: "Run") -> None:
    shared = {"consumer": "shared"}
    (warning,) = run(
        "dev",
        bigquery_sink=shared,
        aggregator=shared,
        search_sink={"mode": "domain", **shared},
        search_domain=SMALL,
    ).warnings
    assert "3 shared readers (bigquery, windows, search) want 3 MB/s of the 2 MB/s" in warning
    assert "set sluice:search_sink.consumer to enhanced" in warning


def test_each_component_holds_its_own(deployed: "dict[str, Program]") -> None:
    boxes = {each.name: each for each in added(deployed["private"]).values() if not each.custom}
    everything = {**boxes, "search": by_name(deployed["private"])["search"]}
    assert {name: each.type for name, each in everything.items()} == {
        "search": "sluice:infra:Search",
        "search-sink": "sluice:infra:SinkFunction",
    }
