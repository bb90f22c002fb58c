"""Where commands point: the local cloud that runs here, or a deployed stack; and the clients for it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from sluice.cli.outputs import Outputs
from sluice.errors import EnvironmentProblem, NoCloud
from sluice.local.endpoints import Endpoints

if TYPE_CHECKING:
    from botocore.config import Config
    from google.cloud import bigquery
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class Target:
    """One pipeline that runs somewhere.

    `endpoints` is None for a deployed stack. `pipeline` is the file that a local cloud runs, if it is known;
    `changed` says that it is no longer as the local cloud runs it, `problem` why that could not be deployed.
    """

    outputs: Outputs
    endpoints: Endpoints | None = None
    pipeline: Path | None = None
    changed: bool = False
    problem: str | None = None
    _making: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    """A session makes one client at a time."""

    @classmethod
    def local(
        cls,
        exports: Mapping[str, Any],
        endpoints: Endpoints,
        *,
        pipeline: Path | None = None,
        changed: bool = False,
        problem: str | None = None,
    ) -> Self:
        """Return the target for a local cloud's exports."""
        outputs = Outputs.parse(exports, source="the local cloud")
        return cls(outputs=outputs, endpoints=endpoints, pipeline=pipeline, changed=changed, problem=problem)

    @classmethod
    def find(cls, root: Path, env: str | None) -> Self:
        """Return the stack `env`, or, without one, the local cloud that runs for this project.

        Raises:
            NoCloud: neither is there.
            EnvironmentProblem: the Pulumi CLI is missing or fails.
        """
        if env is not None:
            return cls(outputs=Outputs.parse(_stack_exports(root, env), source=f"stack {env}"))
        from sluice.local.state import await_state, file_hash

        state = await_state(root)
        if state is None:
            raise NoCloud(
                "no local cloud runs for this project: start one with `sluice local` in another terminal, "
                "or name a deployed stack with --env"
            )
        endpoints = Endpoints(
            aws_url=state.aws_url,
            lambda_url=state.lambda_url,
            bigquery_url=state.bigquery_url,
            search_url=state.search_url,
            lake_url=state.lake_url,
        )
        pipeline = Path(state.pipeline) if state.pipeline else None
        known = state.pipeline_hash
        changed = known is not None and pipeline is not None and file_hash(pipeline) != known
        return cls.local(state.outputs, endpoints, pipeline=pipeline, changed=changed, problem=state.problem)

    @property
    def is_local(self) -> bool:
        """Whether this is a local cloud, where nothing costs anything."""
        return self.endpoints is not None

    @property
    def where(self) -> str:
        """What to call the target in a sentence."""
        return "the local cloud" if self.is_local else f"stack {self.outputs.environment}"

    def warn_of_changes(self) -> None:
        """Say on stderr that the local cloud runs the pipeline as it was."""
        if self.problem is not None:
            sys.stderr.write(f"note: the local cloud runs the pipeline as it was: {self.problem}\n")
        elif self.changed and self.pipeline is not None:
            sys.stderr.write(
                f"note: {self.pipeline.name} has changed, and the local cloud still runs it as it was; "
                "`sluice local` takes a change within seconds, and says so\n"
            )

    @property
    def patience(self) -> int:
        """Seconds of long polling until an empty answer of a queue means that it is empty."""
        return 0 if self.is_local else 1

    @cached_property
    def kinesis(self) -> "KinesisClient":
        """Kinesis, for reading what is in flight."""
        return cast("KinesisClient", self._client("kinesis"))

    @cached_property
    def producing(self) -> "KinesisClient":
        """Kinesis as a producer wants it: it retries by itself, record by record."""
        from sluice.producer.clients import CALL
        from sluice.producer.wire import prepared

        return cast("KinesisClient", prepared(self._client("kinesis", over=CALL)))

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """CloudWatch, for what the stream took in."""
        return cast("CloudWatchClient", self._client("cloudwatch"))

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """DynamoDB, for the ledger."""
        return cast("DynamoDBClient", self._client("dynamodb"))

    @cached_property
    def sqs(self) -> "SQSClient":
        """SQS, for dead letters."""
        return cast("SQSClient", self._client("sqs"))

    @cached_property
    def s3(self) -> "S3Client":
        """S3, for payloads that no message holds."""
        return cast("S3Client", self._client("s3"))

    @cached_property
    def glue(self) -> "GlueClient":
        """Glue, for the names of the lake's tables."""
        return cast("GlueClient", self._client("glue"))

    @cached_property
    def firehose(self) -> "FirehoseClient":
        """Firehose, for when one began to read."""
        return cast("FirehoseClient", self._client("firehose"))

    @cached_property
    def athena(self) -> "AthenaClient":
        """Athena, for reading the lake."""
        return cast("AthenaClient", self._client("athena"))

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda, for redriving."""
        return cast("LambdaClient", self._client("lambda", read_timeout=910))

    @cached_property
    def deploys(self) -> Any:
        """CodeDeploy, for rolling new code out; it has no typed client here."""
        return self._client("codedeploy")

    @cached_property
    def bigquery(self) -> "bigquery.Client":
        """BigQuery through Google's own client.

        Raises:
            EnvironmentProblem: no Google credentials are configured for a deployed stack.
        """
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import DefaultCredentialsError
        from google.auth.transport.requests import AuthorizedSession
        from google.cloud import bigquery

        project = self.outputs.bigquery_project
        if self.endpoints is not None:
            anonymous: Any = AnonymousCredentials  # google-auth's classes have no annotations
            session: Any = cast("Any", AuthorizedSession)(anonymous())
            session.trust_env = False  # a proxy of the environment has no business with 127.0.0.1
            options = {"api_endpoint": self.endpoints.bigquery_url}
            return bigquery.Client(project, credentials=anonymous(), _http=session, client_options=options)
        try:
            credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/bigquery"])
        except DefaultCredentialsError as error:
            raise EnvironmentProblem(
                "no Google credentials: run `gcloud auth application-default login`, "
                "or set GOOGLE_APPLICATION_CREDENTIALS"
            ) from error
        return bigquery.Client(project, credentials=credentials)

    @cached_property
    def session(self) -> Any:
        """The user's own AWS session, for what no client of boto3 speaks to.

        Raises:
            EnvironmentProblem: there are no AWS credentials.
        """
        return _session(self.outputs.region)

    def _client(self, service: str, *, read_timeout: int = 60, over: "Config | None" = None) -> Any:
        """Return a client; `over` has settings that come before the usual ones."""
        from botocore.config import Config

        settings: dict[str, Any] = {
            "retries": {"mode": "standard", "max_attempts": 4},
            "connect_timeout": 10,
            "read_timeout": read_timeout,
        }
        over = over or Config()
        if self.endpoints is None:
            with self._making:
                return self.session.client(service, config=Config(**settings).merge(over))
        special = {
            "lambda": self.endpoints.lambda_url,
            "codedeploy": self.endpoints.lambda_url,
            "athena": self.endpoints.lake_url,
        }
        url = special.get(service) or self.endpoints.aws_url
        config = Config(**settings, proxies={}, s3={"addressing_style": "path"}).merge(over)
        with self._making:
            return self._local_session.client(service, endpoint_url=url, config=config)

    @cached_property
    def _local_session(self) -> Any:
        return _local_session(self.outputs.region)


def _session(region: str) -> Any:
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(region_name=region)
        found = session.get_credentials()
    except BotoCoreError as error:
        raise EnvironmentProblem(f"AWS credentials: {error}") from error
    if found is None:
        raise EnvironmentProblem(
            "no AWS credentials: run `aws configure` or `aws sso login`, or set AWS_PROFILE"
        )
    return session


def _local_session(region: str) -> Any:
    """Return a session that looks at nothing of the user's own AWS configuration."""
    import boto3
    import botocore.session

    apart = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the local servers check no signature
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=apart),
    )


def _stack_exports(root: Path, env: str) -> dict[str, Any]:
    """Ask Pulumi's command line for a stack's exports."""
    from sluice.doctor.pulumi_cli import required_cli

    try:
        return required_cli(root, env).outputs(env)
    except NoCloud as error:
        raise NoCloud(f"--env {env}: {error}; `pulumi stack ls` lists the stacks that exist") from error
