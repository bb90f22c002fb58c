"""The setup's Lambda: invoked by a deployment with the wanted state, whenever that has changed."""

import os
from collections.abc import Callable, Mapping
from typing import Any, get_args

from sluice.deadline import Deadline, LambdaContext
from sluice.delivery.environment import required
from sluice.errors import SettingsError
from sluice.observing.observer import Observer
from sluice.sinks.opensearch.asking import asking
from sluice.sinks.opensearch.connection import Service, connect
from sluice.sinks.opensearch.setup import Report, apply

RESERVE_SECONDS = 5.0
"""Left to answer with a reason, rather than to be ended without one."""


def search_setup(environ: Mapping[str, str] = os.environ) -> Callable[[Any, LambdaContext], Report]:
    """Return the handler, whose event is the wanted state and whose answer says what was done.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    endpoint, service = (
        required(environ, "SLUICE_SEARCH_ENDPOINT"),
        required(environ, "SLUICE_SEARCH_SERVICE"),
    )
    if service not in get_args(Service):
        raise SettingsError(f"SLUICE_SEARCH_SERVICE is {service!r}: es and aoss are accepted; deploy again")
    client = connect(endpoint, "aoss" if service == "aoss" else "es", connections=1)
    observer = Observer.of("search_setup", environ)

    def handler(event: Any, context: LambdaContext) -> Report:
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)
        return apply(asking(client, deadline), event, serverless=service == "aoss")

    return observer.around(handler, "the search index is not set up")
