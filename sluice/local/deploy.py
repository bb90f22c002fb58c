"""Deploys the program to the local cloud: a process of its own, as Pulumi and its providers take 250 MB.

`python -m sluice.local.deploy` reads one line of JSON with the project, another with the servers' addresses
once they are known, runs the very `__main__.py` that `pulumi up` runs, and prints one line: the deployment or
the error. Before that it prints which further servers the settings ask for, so that they start meanwhile.
With a deployment in the first line, what that one made is changed in place, and nothing is foreseen.
"""

import gc
import os
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from sluice.errors import SluiceError
from sluice.local.child import announce, exit_with_parent
from sluice.local.config import stack_config
from sluice.local.deploy_result import Deployment, Made, Outputs

NOT_HERE: Final[dict[str, Any]] = {
    "package_dependencies": False,
    "code_signing": {"profile": "none"},
    "adopt": {"enabled": False},
}
"""What a deployment to a laptop does without: packages are what is installed here, nobody signs them, and
what an environment adopts is not here."""


def read_line() -> dict[str, Any]:
    """The next line of JSON on stdin, read without buffering more; the process leaves when there is none."""
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            os._exit(0)
        line += piece
    said: dict[str, Any] = msgspec.json.decode(line)
    return said


def foreseen(root: Path, env: str, overrides: dict[str, Any]) -> list[str]:
    """Servers that the settings ask for. A guess, which costs nothing but time: the program decides."""
    try:
        stack = stack_config(root, env, overrides)
        settings = {
            key.rpartition(":")[2]: msgspec.json.decode(value)
            for key, value in stack.values.items()
            if value.startswith("{")
        }
    except (SluiceError, msgspec.DecodeError):  # the program says what is wrong with them
        return []
    wanted = {
        "lake": settings.get("lake", {}).get("enabled") is True,
        "opensearch": settings.get("search_sink", {}).get("mode", "none") != "none",
    }
    return [module for module, on in wanted.items() if on]


def deploy(job: dict[str, Any]) -> Deployment:
    """Run the program, and create what it declares or change what is there."""
    # Pulumi, its providers and boto3 take a second to import; meanwhile the servers start.
    from sluice.local.declared import Declared  # noqa: PLC0415
    from sluice.local.deploy_afresh import Creation  # noqa: PLC0415
    from sluice.local.deploy_again import Update  # noqa: PLC0415
    from sluice.local.deploy_aws import AwsCreator  # noqa: PLC0415
    from sluice.local.deploy_firehose import not_imitated  # noqa: PLC0415
    from sluice.local.deploy_google import GoogleCreator  # noqa: PLC0415
    from sluice.local.deploy_lake import FIREHOSE  # noqa: PLC0415
    from sluice.local.program import run_program  # noqa: PLC0415

    servers = read_line()
    exit_with_parent()
    before = msgspec.convert(job["before"], Deployment) if job.get("before") else None

    def attempt(*, adding: bool) -> Deployment | None:
        aws = AwsCreator(servers["aws_url"], job["shards"])
        google = GoogleCreator(servers["bigquery_url"], servers["aws_url"])
        work = Update(before, aws, google, adding=adding) if before else Creation(aws, google)
        made: dict[str, Made] = {}
        missing: list[str] = []

        def create(resource: Declared) -> Outputs:
            found, outputs = work.create(resource)
            if aws.handles(resource) or google.handles(resource):
                made[resource.urn] = Made(found, resource.inputs, outputs)
            elif resource.type == FIREHOSE:
                missing.append(not_imitated(resource.inputs))
            return found, outputs

        program = run_program(
            Path(job["root"]),
            job["env"],
            overrides={**job["overrides"], **NOT_HERE},
            pipeline=Path(job["pipeline"]) if job["pipeline"] else None,
            create=create,
        )
        done = work.finish(made)
        warnings = [*program.warnings, *missing]
        return done and msgspec.structs.replace(done, outputs=program.outputs, warnings=warnings)

    deployment = attempt(adding=False) or attempt(adding=True)
    if deployment is None:  # pragma: no cover - adding leaves nothing to add
        raise AssertionError
    return deployment


def main() -> None:
    """Entry point of the child process."""
    gc.disable()  # the process lives for seconds and imports a quarter of a gigabyte
    job = read_line()
    if not job.get("before"):
        announce(foreseen=foreseen(Path(job["root"]), job["env"], job["overrides"]))
    sys.path.insert(0, job["root"])
    try:
        deployment = deploy(job)
    except SluiceError as error:
        announce(error=str(error), kind=type(error).__name__)
    else:
        announce(deployment=msgspec.to_builtins(deployment))
    sys.stdout.flush()
    os._exit(0)  # Pulumi's threads and loops need no farewell


if __name__ == "__main__":
    main()
