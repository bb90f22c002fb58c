"""The local lake as one process: `python -m sluice.local.lake`.

It prints `{"port": N}`, reads one line of JSON with the deployment and the servers' addresses, creates the
tables and prints `{"ready": true}`, or the error. The Firehoses start once the functions are there.
"""

import logging
import sys

import msgspec
import uvicorn

from sluice.errors import SluiceError
from sluice.local.child import announce, exit_with_parent, listen
from sluice.local.deploy import read_line
from sluice.local.deploy_result import Deployment


def main() -> None:
    """Entry point of the child process."""
    logging.disable(logging.INFO)
    listener = listen()
    announce(port=listener.getsockname()[1])
    from sluice.local.lake.app import LakeApp  # noqa: PLC0415 - half a second, while others start as well
    from sluice.local.lake.runner import Runners, Urls  # noqa: PLC0415

    job = read_line()
    exit_with_parent()
    deployment = msgspec.convert(job["deployment"], Deployment)
    runners = Runners(
        Urls(job["aws_url"], job["lambda_url"]),
        deployment.region,
        limits=job["limits"],
        minute_seconds=job["minute_seconds"],
    )
    try:
        runners.declare(deployment)
    except SluiceError as error:
        announce(error=str(error), kind=type(error).__name__)
        sys.exit(1)
    announce(ready=True)
    config = uvicorn.Config(
        LakeApp(runners).app(), log_config=None, access_log=False, lifespan="off", timeout_keep_alive=3600
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
