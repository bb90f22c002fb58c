"""Where a route leads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sluice.errors import ContractError

_FOLDER = re.compile(r"[a-z][a-z0-9_]*\Z")
MAX_FOLDER = 32


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda of your own: the folder `functions/<folder>` with a handler.py; docs/routes.md shows one.

    Several routes may lead to the same folder: each has a function of its own, made of the same code.

    Raises:
        ContractError: the folder's name is not one that Python could import.
    """

    folder: str

    def __post_init__(self) -> None:
        if (
            not isinstance(self.folder, str)
            or not _FOLDER.match(self.folder)
            or len(self.folder) > MAX_FOLDER
        ):
            raise ContractError(
                f"Function({self.folder!r}): name a folder under functions/ in snake_case, at most"
                f" {MAX_FOLDER} characters, such as Function('fraud_check')"
            )


@dataclass(frozen=True, slots=True, init=False)
class Stream:
    """A Kinesis stream of the route's own, and the functions that read it.

    Records keep their data and their partition key. Others may read the stream as well.

    Raises:
        ContractError: a consumer is no Function, or is there twice.
    """

    consumers: tuple[Function, ...]

    def __init__(self, *, consumers: Sequence[Function] = ()) -> None:
        for one in consumers:
            if not isinstance(one, Function):
                raise ContractError(
                    f"Stream(consumers=...): {one!r} reads no stream; write Function('a_folder')"
                )
            if list(consumers).count(one) > 1:
                raise ContractError(
                    f"Stream(consumers=...): functions/{one.folder} is there twice; name each once"
                )
        object.__setattr__(self, "consumers", tuple(consumers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An SQS queue of the route's own; a message is one event's JSON.

    With `fifo`, the events of a partition key stay in order, and an event id is taken once in five minutes.
    """

    fifo: bool = False


@dataclass(frozen=True, slots=True)
class Firehose:
    """A Firehose of the route's own: JSON lines, packed with gzip, in a bucket."""


Target: TypeAlias = Function | Stream | Queue | Firehose
