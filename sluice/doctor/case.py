"""What is examined: one environment of a project, and the ways to ask about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Self

from sluice.doctor.aws import Aws
from sluice.doctor.google import Google
from sluice.doctor.pulumi_cli import PulumiCli
from sluice.errors import EnvironmentProblem, NoCloud, SluiceError
from sluice.local.config import stack_config
from sluice.local.declared import Declared
from sluice.local.program import Program, run_program

STREAM = "aws:kinesis/stream:Stream"
CONSUMER = "aws:kinesis/streamConsumer:StreamConsumer"
FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
TABLE = "aws:dynamodb/table:Table"
FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
DATASET = "gcp:bigquery/dataset:Dataset"
BIGQUERY_TABLE = "gcp:bigquery/table:Table"
POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
PROJECT_ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
SERVICE = "gcp:projects/service:Service"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One environment: its settings, what its program declares, and both clouds.

    `program` is None where the program does not run, and `refusal` says why; `settings` are those of the
    stack's file over the defaults, without namespace.
    """

    root: Path
    env: str
    pipeline: Path
    settings: Mapping[str, Any]
    program: Program | None
    refusal: str = ""
    aws: Aws
    google: Google
    _asking: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    _known: list[dict[str, Any]] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def open(cls, root: Path, env: str, pipeline: Path) -> Self:
        """Read the settings and run the program, which contacts nothing.

        It runs before anything else: it needs the process's environment to itself.

        Raises:
            SettingsError: there is no such environment, or its file cannot be read.
        """
        stack = stack_config(root, env, {})
        settings = {key.rpartition(":")[2]: _read(value) for key, value in stack.values.items()}
        program, refusal = None, ""
        try:
            program = run_program(root, env, pipeline=pipeline, overrides={"package_dependencies": False})
        except SluiceError as error:
            refusal = str(error)
        return cls(
            root=root,
            env=env,
            pipeline=pipeline,
            settings=settings,
            program=program,
            refusal=refusal,
            aws=Aws(str(settings.get("aws_region", "us-east-1"))),
            google=Google(str(settings.get("google_project", ""))),
        )

    @cached_property
    def cli(self) -> PulumiCli | None:
        """Pulumi's command line, None where there is none."""
        return PulumiCli.find(self.root)

    @property
    def account(self) -> str:
        """The AWS account that the environment belongs to."""
        return str(self.settings.get("aws_account_id", ""))

    @property
    def region(self) -> str:
        """Its AWS region."""
        return self.aws.region

    @property
    def project(self) -> str:
        """Its Google project."""
        return str(self.settings.get("google_project", ""))

    @property
    def exports(self) -> dict[str, Any]:
        """What the stack exports; nothing before the first `pulumi up`. Asked once, whoever asks first.

        Raises:
            EnvironmentProblem: nobody knows, as there is no command line or no backend.
        """
        with self._asking:
            if not self._known:
                self._known.append(self._exports())
            return self._known[0]

    def _exports(self) -> dict[str, Any]:
        if self.cli is None:
            raise EnvironmentProblem("what is deployed is not known without the Pulumi command line")
        try:
            return self.cli.outputs(self.env)
        except NoCloud as error:
            if "no stack named" in str(error):
                return {}
            raise

    @property
    def deployed(self) -> bool:
        """Whether the stack has been deployed; raises EnvironmentProblem as `exports` does."""
        return bool(self.exports.get("sinks"))

    @cached_property
    def made(self) -> frozenset[tuple[str, str]]:
        """Type and name of what Pulumi's state knows, also of a deployment that failed and exports nothing.

        Raises:
            EnvironmentProblem: the state cannot be read.
        """
        if self.cli is None:
            return frozenset()
        try:
            resources = self.cli.state(self.env).get("resources") or ()
        except NoCloud as error:
            if "no stack named" in str(error):
                return frozenset()
            raise
        return frozenset((str(each["type"]), str(each["urn"]).rpartition("::")[2]) for each in resources)

    def to_come(self, *types: str) -> list[Declared]:
        """Return the declared resources of some types that a first deployment has still to make.

        Raises EnvironmentProblem as `exports` and `made` do.
        """
        if self.deployed:
            return []
        return [each for each in self.declared(*types) if (each.type, each.name) not in self.made]

    def declared(self, *types: str) -> list[Declared]:
        """Return the declared resources of some types; none where the program does not run."""
        if self.program is None:
            return []
        return [each for each in self.program.resources if each.custom and each.type in types]

    def declares(self, *prefixes: str) -> bool:
        """Whether any declared resource is of a type that begins so."""
        found = self.program.resources if self.program else ()
        return any(each.custom and each.type.startswith(prefixes) for each in found)


def _read(value: str) -> Any:
    """Return a setting as it was written: objects and numbers come as JSON."""
    try:
        return json.loads(value) if value[:1] in "{[" or value in ("true", "false") else value
    except ValueError:
        return value
