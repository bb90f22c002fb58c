"""Every error that Sluice raises on purpose, drawn as a tree.

SluiceError                      one clear line: what was given, what is accepted, what to do next
├── UsageError                   the command was called wrongly: an argument, a file, a query      exit 2
│   ├── ContractError            an event class in pipeline.py is not usable                       exit 2
│   ├── SettingsError            a value in Pulumi.<env>.yaml is not usable                        exit 2
│   └── QueryError               SQL that BigQuery, or the local stand-in, refuses                 exit 2
├── EnvironmentProblem           something outside is missing, taken or unreachable                exit 3
│   ├── NoCloud                  no local cloud runs, or no such stack
│   └── AlreadyRunning           a second local cloud, a taken port
└── DeliveryError                a record could not be placed: the caller decides on a retry       exit 1
    ├── Unsendable               no request could carry it: it is too large, or its key is none    exit 1
    ├── BacklogFull              a producer holds as many events as it may                         exit 1
    └── Undelivered              what a producer had to give up; it carries the events             exit 1

A refused *record* is no exception for the user: see `sluice.contract.ContractViolation`.
"""

import traceback
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, ClassVar


class SluiceError(Exception):
    """Base of all deliberate errors; its text is one line meant for the user."""

    exit_code: ClassVar[int] = 1


class UsageError(SluiceError):
    """The command or library was called with something it cannot take."""

    exit_code = 2


class ContractError(UsageError):
    """An event class cannot be turned into a validator, a table and a schema."""


class SettingsError(UsageError):
    """A value in the stack's configuration is missing or out of range."""


class QueryError(UsageError):
    """SQL that BigQuery refuses, or that the local stand-in cannot answer as BigQuery would."""


class EnvironmentProblem(SluiceError):  # noqa: N818 - not an error of the program: something outside is not as it has to be
    """Something outside Sluice is missing, taken or unreachable."""

    exit_code = 3


class NoCloud(EnvironmentProblem):
    """No local cloud is running here, or no stack of that name is deployed."""


class AlreadyRunning(EnvironmentProblem):
    """A local cloud already runs for this project, or a port is taken."""


class DeliveryError(SluiceError):
    """Records could not be placed; nothing is known to be lost, and a retry is safe."""


class Unsendable(DeliveryError):  # noqa: N818 - an outcome for the caller to take, as its neighbours are
    """No request could ever carry the record."""


class BacklogFull(DeliveryError):  # noqa: N818 - same
    """A producer holds as many events as it may; nothing of the one that was to be put is kept."""


class Undelivered(DeliveryError):  # noqa: N818 - same
    """Events that a producer had to give up.

    Attributes:
        receipts: one for each, with its key, its data and, in `failure`, the reason.
    """

    def __init__(self, message: str, receipts: Sequence[Any]) -> None:
        super().__init__(message)
        self.receipts = receipts


def told(error: BaseException) -> str:
    """Return what may be logged of an error: only Sluice's own texts are known to hold no value of a record.

    Of others their kind, an AWS service's code, and where they came up.
    """
    if isinstance(error, SluiceError):
        return str(error)
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    place = frames(error)[-1:]
    return type(error).__name__ + (f" {code}" if code else "") + (f" in {place[0]}" if place else "")


def frames(error: BaseException, most: int = 12) -> list[str]:
    """Return where an error came up: the innermost `most` calls as file:line function, innermost last."""
    calls = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{'/'.join(PurePath(each.filename).parts[-2:])}:{each.lineno} {each.name}" for each in calls]
