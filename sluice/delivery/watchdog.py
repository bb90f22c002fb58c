"""Ends a process that hangs in a record, long before Lambda's time-out would."""

import faulthandler
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Watchdog = Callable[[float], AbstractContextManager[None]]
"""Guards the block it is entered around: it may take so many seconds."""

BATCH_SECONDS = 10.0
"""For reading a whole batch, which Lambda's 6 MB keep below a second even on a small share of a processor."""

RECORD_SECONDS = 3.0
"""For reading one record under suspicion."""

STDERR = 2


def unguarded(seconds: float) -> AbstractContextManager[None]:  # noqa: ARG001 - the protocol's
    """Let the block take its time."""
    return nullcontext()


@contextmanager
def ending_the_process(seconds: float) -> "Iterator[None]":
    """End the process, with a trace of where it hangs in its log, when the block takes longer.

    The timer is a thread of the interpreter's own that needs no lock: it also ends code that hangs inside a C
    library. The trace names files and lines, never values.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
