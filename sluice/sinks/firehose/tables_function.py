"""The lake setup's Lambda: invoked by a deployment with the wanted tables, whenever these have changed."""

from collections.abc import Callable
from typing import Any

import boto3

from sluice.deadline import LambdaContext
from sluice.sinks.firehose.tables import evolve


def lake_setup() -> Callable[[Any, LambdaContext], dict[str, Any]]:
    """Return the handler, whose event is what `evolve` takes and whose answer says what was added."""
    glue, s3 = boto3.client("glue"), boto3.client("s3")

    def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
        del context
        return {"added": evolve(glue, s3, event)}

    return handler
