"""Calls to DynamoDB that are repeated while there is time."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts
from sluice.errors import DeliveryError


class Unmet(Exception):  # noqa: N818 - a condition that did not hold, caught where it is asked
    """The item is not in the state that the request asks for."""


def call(operation: Callable[..., Any], deadline: Deadline, *, what: str, **request: Any) -> Any:
    """Return the operation's answer.

    Raises:
        Unmet: the request's condition does not hold.
        DeliveryError: `what`, a table, does not answer before the deadline. What was asked may still happen.
    """

    def once() -> Any:
        try:
            return operation(**request)
        except (BotoCoreError, ClientError, OSError) as error:
            if code_of(error) == "ConditionalCheckFailedException":
                raise Unmet from error
            raise Again(code_of(error)) from error

    try:
        return attempts(deadline, first_pause=0.05, longest_pause=1.0)(once)
    except Again as error:
        raise silent(what, error.reason) from error


def silent(what: str, reason: str) -> DeliveryError:
    """Return the error that says that a table does not answer."""
    return DeliveryError(
        f"{what} does not answer ({reason}): the whole batch is retried; check the table and the function's "
        "rights on it"
    )


def code_of(error: Exception) -> str:
    """Return the service's code for what went wrong, or the kind of the error."""
    if isinstance(error, ClientError):
        return error.response["Error"].get("Code", "unknown")
    return type(error).__name__
