"""The lake setup's Lambda: invoked by a deployment with the wanted tables, whenever these have changed."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import LambdaContext
from sluice.errors import EnvironmentProblem
from sluice.observing.observer import Observer
from sluice.sinks.firehose.tables import evolve


def lake_setup(environ: Mapping[str, str] = os.environ) -> Callable[[Any, LambdaContext], dict[str, Any]]:
    """Return the handler, whose event is what `evolve` takes and whose answer says what was added.

    It fails in one line, which a deployment then ends with: that of `evolve`, or of what AWS refused. No
    record comes here: AWS's own words are told.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    glue, s3 = boto3.client("glue"), boto3.client("s3")

    def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
        del context
        try:
            return {"added": evolve(glue, s3, event)}
        except (BotoCoreError, ClientError) as error:
            raise EnvironmentProblem(
                f"the lake's tables could not be looked at or changed: {error}"
            ) from None

    observer = Observer.of("lake_setup", environ)
    return observer.around(handler, "the lake's tables are not set up")
