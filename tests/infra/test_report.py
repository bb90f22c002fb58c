"""The report page in the cloud: not there unless somebody says who may see it, and never open."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import by_name
from tests.infra.expected_aws import ENVS
from tests.infra.expected_sink import REGION, allow, lambda_function
from tests.infra.test_every_aws_resource import compare

if TYPE_CHECKING:
    from sluice.local.program import Program
    from tests.infra.conftest import Run

OIDC = {"auth": "oidc", "issuer": "https://login.example.com/tenant", "client_id": "page", "audience": "api"}
SHELL = {"GET /", "GET /login.json", "GET /static/{proxy+}"}
"""What a page is made of and how to log in: the same for everybody, so that it needs no token."""

READING = ("BatchGet", "Describe", "Get", "List", "Query", "Receive")
URL = "https://sluice-dev-report.lambda-url.eu-central-1.on.aws/"


@pytest.fixture(scope="module")
def deployed(run: "Run") -> "dict[str, Program]":
    return {"iam": run("dev", report={"auth": "iam"}), "oidc": run("dev", report=OIDC)}


def part(program: "Program", kind: str) -> list[dict[str, Any]]:
    return [each.inputs for each in program.resources if each.type.endswith(f":{kind}")]


def added(programs: "dict[str, Program]", program: "Program") -> "dict[str, Any]":
    before, after = by_name(programs["dev"]), by_name(program)
    for name, each in before.items():
        assert after[name].inputs == each.inputs, name
    return {name: each for name, each in after.items() if name not in before and each.custom}


def function(auth: dict[str, str]) -> dict[str, tuple[str, dict[str, Any]]]:
    env = ENVS["dev"]
    tables = f"arn:aws:dynamodb:{REGION}:table/sluice-dev"
    queue = "sluice-dev-dead-letters"
    return lambda_function(
        env,
        "report",
        "sluice-dev-report",
        folder="report",
        description="Serves the report page",
        duty="report page",
        timeout=20,
        memory=512,
        log_level="INFO",
        log_days=30,
        statements=[
            allow(
                "ReadTheWindows",
                ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
                f"{tables}-windows",
            ),
            allow("ReadTheLedger", ["dynamodb:Query"], f"{tables}-ledger"),
            allow(
                "KnowTheStream",
                ["kinesis:DescribeStreamSummary", "kinesis:ListShards"],
                f"arn:aws:kinesis:{REGION}:stream/sluice-dev-events",
            ),
            allow(
                "PeekAtDeadLetters",
                ["sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                f"arn:aws:sqs:{REGION}:{queue}",
            ),
            allow("ReadMetrics", ["cloudwatch:GetMetricStatistics"], "*"),
        ],
        variables={
            "SLUICE_STACK": "dev",
            "SLUICE_STREAM": "sluice-dev-events",
            "SLUICE_WINDOWS_TABLE": "sluice-dev-windows",
            "SLUICE_WINDOW_DAYS": "400",
            "SLUICE_LEDGER_TABLE": "sluice-dev-ledger",
            "SLUICE_DEAD_LETTER_QUEUE_URL": f"https://sqs.eu-central-1.amazonaws.com/{REGION[13:]}/{queue}",
            "SLUICE_REPORT_SINKS": {
                name: {"function": f"sluice-dev-{name}-sink", "parallelization": 1, "whole": True}
                for name in ("bigquery", "windows")
            },
            **auth,
        },
    )


def test_it_is_not_there_by_default(program: "Program") -> None:
    assert not [each.name for each in program.resources if "report" in each.name]
    assert "report_url" not in program.outputs


def test_with_iam_it_has_an_address_that_takes_signed_requests_alone(
    deployed: "dict[str, Program]", programs: "dict[str, Program]"
) -> None:
    program = deployed["iam"]
    compare(
        added(programs, program),
        {
            **function({"SLUICE_REPORT_AUTH": "iam"}),
            "report-url": (
                "aws:lambda/functionUrl:FunctionUrl",
                {"functionName": "sluice-dev-report", "authorizationType": "AWS_IAM"},
            ),
        },
    )
    assert program.outputs["report_url"] == URL


def test_with_an_issuer_it_has_an_http_api_that_checks_tokens(
    deployed: "dict[str, Program]", programs: "dict[str, Program]"
) -> None:
    program = deployed["oidc"]
    api, arn = "report-api-id", "arn:aws:lambda:eu-central-1:123456789012:function:sluice-dev-report"
    guard = {"authorizationType": "JWT", "authorizerId": "report-authorizer-id"}
    routes = {"api": "GET /api/{proxy+}", "page": "GET /", "login": "GET /login.json"}
    compare(
        added(programs, program),
        {
            **function(
                {
                    "SLUICE_REPORT_AUTH": "oidc",
                    "SLUICE_REPORT_ISSUER": "https://login.example.com/tenant",
                    "SLUICE_REPORT_CLIENT_ID": "page",
                    "SLUICE_REPORT_AUDIENCE": "api",
                }
            ),
            "report-api": (
                "aws:apigatewayv2/api:Api",
                {"name": "sluice-dev-report", "protocolType": "HTTP", "description": "The report page"},
            ),
            "report-authorizer": (
                "aws:apigatewayv2/authorizer:Authorizer",
                {
                    "apiId": api,
                    "name": "sluice-dev-report",
                    "authorizerType": "JWT",
                    "identitySources": ["$request.header.Authorization"],
                    "jwtConfiguration": {"issuer": "https://login.example.com/tenant", "audiences": ["api"]},
                },
            ),
            "report-integration": (
                "aws:apigatewayv2/integration:Integration",
                {
                    "apiId": api,
                    "integrationType": "AWS_PROXY",
                    "integrationUri": arn,
                    "payloadFormatVersion": "2.0",
                },
            ),
            **{
                f"report-route-{name}": (
                    "aws:apigatewayv2/route:Route",
                    {
                        "apiId": api,
                        "routeKey": key,
                        "target": "integrations/report-integration-id",
                        **(guard if name == "api" else {"authorizationType": "NONE"}),
                    },
                )
                for name, key in {**routes, "static": "GET /static/{proxy+}"}.items()
            },
            "report-permission": (
                "aws:lambda/permission:Permission",
                {
                    "statementId": "report",
                    "action": "lambda:InvokeFunction",
                    "function": "sluice-dev-report",
                    "principal": "apigateway.amazonaws.com",
                    "sourceArn": "arn:aws:execute-api:eu-central-1:123456789012:sluice-dev-report/*/*",
                },
            ),
            "report-stage": (
                "aws:apigatewayv2/stage:Stage",
                {
                    "apiId": api,
                    "name": "$default",
                    "autoDeploy": True,
                    "defaultRouteSettings": {"throttlingBurstLimit": 400, "throttlingRateLimit": 200},
                },
            ),
        },
    )
    assert program.outputs["report_url"].startswith("https://sluice-dev-report.execute-api.")


def test_no_data_is_served_without_a_token(deployed: "dict[str, Program]") -> None:
    routes = part(deployed["oidc"], "Route")
    unguarded = {route["routeKey"] for route in routes if route["authorizationType"] != "JWT"}
    assert unguarded == SHELL
    assert {route["routeKey"] for route in routes} == {"GET /api/{proxy+}", *SHELL}, "and no $default"
    assert all(route["routeKey"].startswith("GET ") for route in routes), "it only reads"


@pytest.mark.parametrize("auth", ["iam", "oidc"])
def test_no_address_is_open(auth: str, deployed: "dict[str, Program]") -> None:
    for url in part(deployed[auth], "FunctionUrl"):
        assert url["authorizationType"] == "AWS_IAM"
    for permission in part(deployed[auth], "Permission"):
        assert permission["principal"] in {"events.amazonaws.com", "apigateway.amazonaws.com"}
        assert permission["sourceArn"]


@pytest.mark.parametrize("auth", ["iam", "oidc"])
def test_it_may_only_read(auth: str, deployed: "dict[str, Program]") -> None:
    policy = by_name(deployed[auth])["report-policy"].inputs["policy"]
    actions = [action for each in json.loads(policy)["Statement"] for action in each["Action"]]
    others = {action for action in actions if not action.partition(":")[2].startswith(READING)}
    assert others == {
        "sqs:ChangeMessageVisibility",  # a peeked message is put back into sight
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_without_an_audience_a_token_must_be_meant_for_the_page(run: "Run") -> None:
    given = {key: value for key, value in OIDC.items() if key != "audience"}
    (authorizer,) = part(run("dev", report=given), "Authorizer")
    assert authorizer["jwtConfiguration"]["audiences"] == ["page"]


def test_a_preview_of_it_works(run: "Run", deployed: "dict[str, Program]") -> None:
    for auth, given in {"iam": {"auth": "iam"}, "oidc": OIDC}.items():
        preview = run("dev", report=given, preview=True)
        assert {each.urn for each in preview.resources} == {each.urn for each in deployed[auth].resources}
