"""What every function has around its work: a log, signals, a trace, and a word about what goes wrong."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeVar

from aws_lambda_powertools import Logger

from sluice.deadline import LambdaContext
from sluice.errors import DeliveryError, SettingsError, SluiceError, frames, told
from sluice.observing.figures import Figures
from sluice.observing.tracing import subsegment

A = TypeVar("A")
Handler = Callable[[Any, LambdaContext], A]

MOST_CHARACTERS: Final = 500
"""Of a text that comes from a record or a service. An event of a log has 1 MB (CloudWatch Logs quotas)."""

MOST_NAMED: Final = 10
"""Records that a line of the log names; it says how many more there are."""


class Observer:
    """The log and the signals of one function; `sink` is the sink that it serves, or its own name.

    Each line of the log has `environment`, `sink` and `function_request_id`. A value of a record stands in
    none: what is logged of an error is what `told` says of it.
    """

    def __init__(self, sink: str, environment: str) -> None:
        self.log = Logger()
        self._stays = {"environment": environment, "sink": sink}
        self.log.append_keys(**self._stays)
        self._sink = sink
        self._figures = Figures(sink, environment)
        self._request = ""

    @classmethod
    def of(cls, sink: str, environ: Mapping[str, str]) -> Self:
        """Return that of a function with this environment; raises SettingsError when it names none."""
        environment = environ.get("SLUICE_ENVIRONMENT")
        if not environment:
            raise SettingsError(
                "SLUICE_ENVIRONMENT is not set: the function runs with the environment that the deployment"
                " gives it"
            )
        return cls(sink, environment)

    def say(self, figures: Mapping[str, float]) -> None:
        """Say signals, in one line."""
        self._figures.say(figures, function_request_id=self._request)

    def around(
        self,
        handler: Handler[A],
        message: str,
        failed: Callable[[Any], Mapping[str, float]] = lambda _: {},
    ) -> Handler[A]:
        """Return the handler with all that a function has around its work.

        An error is logged once, with `message`; `failed` says what the event leaves undone. Lambda logs the
        text of what a handler raises, so that is a SluiceError in any case.
        """

        def observed(event: Any, context: LambdaContext) -> A:
            self._begin(context)
            with subsegment(self._sink, sink=self._sink):
                try:
                    return handler(event, context)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told of, and raised
                    self.say(failed(event))
                    self.log.error(message, extra=failure(error))  # noqa: TRY400 - a traceback quotes the error's text
                    raise _sayable(error) from None

        return observed

    def _begin(self, context: LambdaContext) -> None:
        """Begin an invocation: its id in each line, and by chance its debug lines, too."""
        self._request = str(getattr(context, "aws_request_id", ""))
        self.log.append_keys(function_request_id=self._request, **self._stays)
        if self.log.sampling_rate:
            self.log.refresh_sample_rate_calculation()


def failure(error: BaseException) -> dict[str, Any]:
    """Return what a line of the log says of an error: its kind, what may be told, and where it came up."""
    return {
        "exception_name": type(error).__name__,
        "reason": shortened(told(error)),
        "frames": frames(error),
    }


def shortened(text: str) -> str:
    """Return a text that a line has room for."""
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def oldest_arrival(event: Any) -> float | None:
    """Return when the oldest record of an event arrived in its stream, in epoch seconds.

    Looks into the event of a Kinesis mapping and of a Firehose; None for others, for a redrive's, and for
    what is no event.
    """
    if not isinstance(event, Mapping) or event.get("redrive"):
        return None
    try:
        if "Records" in event:
            return min(float(each["kinesis"]["approximateArrivalTimestamp"]) for each in event["Records"])
        return (
            min(
                float(each["kinesisRecordMetadata"]["approximateArrivalTimestamp"])
                for each in event["records"]
            )
            / 1000
        )
    except (LookupError, TypeError, ValueError):
        return None


def age(arrived: float | None, now: float | None = None) -> dict[str, float]:
    """Return Freshness for what arrived then, in epoch seconds; nothing for None."""
    if arrived is None:
        return {}
    return {"Freshness": max(0.0, (time.time() if now is None else now) - arrived)}


def unfinished(event: Any) -> dict[str, float]:
    """Return what a sink's invocation that raised leaves behind."""
    return {"Unfinished": 1, **age(oldest_arrival(event))}


def _sayable(error: Exception) -> SluiceError:
    if isinstance(error, SluiceError):
        return error
    return DeliveryError(
        f"{told(error)}: the invocation is repeated; see the function's log, and docs/observability.md"
    )
