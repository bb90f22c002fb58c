"""The report page in the cloud: not there by default, and never without somebody who checks who asks.

With IAM, callers sign their requests to the function's own address. With an OpenID Connect issuer, an HTTP
API lets tokens of that issuer through to the data; the page itself, which holds none, logs its reader in.
"""

from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.firehose_sink import FirehoseSink
from infra.function import Code, Function
from infra.ledger import Ledger
from infra.policy import allow, everywhere
from infra.settings import ReportSettings
from infra.sink_function import SinkFunction
from infra.stream import Stream
from infra.windows import Windows

DATA: Final = ("GET /api/{proxy+}",)
SHELL: Final = ("GET /", "GET /login.json", "GET /static/{proxy+}")
"""The page, how to log in, and what the page is made of: the same for everybody, and no data."""

_REQUESTS_A_SECOND: Final = 200
_BURST: Final = 400
"""Fifty pages ask 40 times a second; the shell is served to strangers too, and each answer costs."""


class Report(pulumi.ComponentResource):
    """A function that reads, behind an address that authenticates."""

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        stream: Stream,
        dead_letters: DeadLetters,
        ledger: Ledger,
        windows: Windows,
        sinks: Mapping[str, SinkFunction | FirehoseSink],
        pipeline: str,
    ) -> None:
        super().__init__("sluice:infra:Report", name, None, env.component)
        self._resource, self._env = name, env
        settings = env.settings.report
        self.function = Function(
            name,
            env,
            self,
            Code(
                called=env.names.thing("report"),
                folder="report",
                description="Serves the report page",
                duty="report page",
                settings=settings,
                pipeline=pipeline,
                statements=_statements(stream, dead_letters, ledger, windows),
                environment={
                    "SLUICE_STACK": env.stack,
                    "SLUICE_STREAM": stream.name,
                    "SLUICE_WINDOWS_TABLE": windows.table,
                    "SLUICE_WINDOW_DAYS": str(env.settings.windows.days),
                    "SLUICE_LEDGER_TABLE": ledger.table,
                    "SLUICE_DEAD_LETTER_QUEUE_URL": dead_letters.queue_url,
                    "SLUICE_REPORT_SINKS": _sinks(sinks, stream),
                    "SLUICE_REPORT_AUTH": settings.auth,
                    **(
                        {
                            "SLUICE_REPORT_ISSUER": settings.issuer or "",
                            "SLUICE_REPORT_CLIENT_ID": settings.client_id or "",
                            "SLUICE_REPORT_AUDIENCE": settings.audience or "",
                        }
                        if settings.auth == "oidc"
                        else {}
                    ),
                },
                after=(),
            ),
        )
        self.url = self._http_api() if settings.auth == "oidc" else self._function_url()
        self.register_outputs({"url": self.url})

    def _function_url(self) -> pulumi.Output[str]:
        """Lambda's own address, for callers whose IAM rights let them invoke the function."""
        return aws.lambda_.FunctionUrl(
            f"{self._resource}-url",
            function_name=self.function.name,
            authorization_type="AWS_IAM",
            opts=self._env.within(self),
        ).function_url

    def _http_api(self) -> pulumi.Output[str]:
        """An address of API Gateway, which checks tokens before the function sees a request for data."""
        name, settings, inside = self._resource, self._env.settings.report, self._env.within(self)
        api = aws.apigatewayv2.Api(
            f"{name}-api",
            name=self._env.names.thing("report"),
            protocol_type="HTTP",
            description="The report page",
            opts=inside,
        )
        authorizer = aws.apigatewayv2.Authorizer(
            f"{name}-authorizer",
            api_id=api.id,
            name=self._env.names.thing("report"),
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration={"issuer": settings.issuer or "", "audiences": [_audience(settings)]},
            opts=inside,
        )
        integration = aws.apigatewayv2.Integration(
            f"{name}-integration",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=self.function.arn,
            payload_format_version="2.0",
            opts=inside,
        )
        guard = {"authorization_type": "JWT", "authorizer_id": authorizer.id}
        target = pulumi.Output.concat("integrations/", integration.id)
        routes = [
            aws.apigatewayv2.Route(
                f"{name}-route-{_words(route)}",
                api_id=api.id,
                route_key=route,
                target=target,
                **(guard if route in DATA else {"authorization_type": "NONE"}),
                opts=inside,
            )
            for route in (*DATA, *SHELL)
        ]
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            statement_id="report",
            action="lambda:InvokeFunction",
            function=self.function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(api.execution_arn, "/*/*"),
            opts=inside,
        )
        aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=api.id,
            name="$default",
            auto_deploy=True,
            default_route_settings={
                "throttling_burst_limit": _BURST,
                "throttling_rate_limit": _REQUESTS_A_SECOND,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*routes, permission]),
        )
        return api.api_endpoint


def _statements(
    stream: Stream, dead_letters: DeadLetters, ledger: Ledger, windows: Windows
) -> list[dict[str, Any]]:
    """Reading, and no more; a peeked dead letter is put back into sight, and stays."""
    return [
        allow(
            "ReadTheWindows",
            ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            windows.table_arn,
        ),
        allow("ReadTheLedger", ["dynamodb:Query"], ledger.table_arn),
        allow("KnowTheStream", ["kinesis:DescribeStreamSummary", "kinesis:ListShards"], stream.arn),
        allow(
            "PeekAtDeadLetters",
            ["sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            dead_letters.queue_arn,
        ),
        everywhere(
            "ReadMetrics",
            ["cloudwatch:GetMetricStatistics"],
            because="metrics are the account's: the call takes no resource",
        ),
        *windows.key.used_for("kms:Decrypt"),
        *ledger.key.used_for("kms:Decrypt"),
        *dead_letters.queue_key.used_for("kms:Decrypt"),
    ]


def _audience(settings: ReportSettings) -> str:
    """Whom a token must be meant for: an issuer without audiences writes the client there."""
    return settings.audience or settings.client_id or ""


def _sinks(sinks: Mapping[str, SinkFunction | FirehoseSink], stream: Stream) -> pulumi.Output[str]:
    known = {
        name: {
            "function": sink.outputs["function"],
            "parallelization": sink.outputs["parallelization"],
            "whole": sink.stream is stream and not sink.outputs["filtered"],
        }
        for name, sink in sinks.items()
    }
    return pulumi.Output.json_dumps(known)


def _words(route: str) -> str:
    """Name a route after its path: `GET /static/{proxy+}` is static."""
    return route.partition("/")[2].partition("/")[0].removesuffix(".json") or "page"
