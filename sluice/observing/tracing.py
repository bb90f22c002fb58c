"""Subsegments of the trace that Lambda has begun, for invocations that it samples: names and durations.

A subsegment goes to the X-Ray daemon, which Lambda runs, as one datagram: a header's line and a JSON document
(X-Ray developer guide, "Sending trace data to AWS X-Ray" and "Segment documents", read 2026-11). powertools'
Tracer does the same through the X-Ray SDK. That SDK is in maintenance since February 2026 (its support
timeline, read 2026-11), takes 0.2 s of a core to import in the first invocation that is sampled, which most
often is the first of all, and writes the text of every error into the trace.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar

import msgspec

HEADER = b'{"format": "json", "version": 1}\n'
DAEMON = "127.0.0.1:2000"
"""Where the daemon listens unless AWS_XRAY_DAEMON_ADDRESS says otherwise."""

_parent: ContextVar[str] = ContextVar("parent")
"""The id of the subsegment that is open."""


def subsegment(name: str, **annotations: str | int) -> AbstractContextManager[None]:
    """Time a block, if the invocation is sampled; a block that raises is a fault, of which the kind is told.

    Traces can be searched by `annotations`: they hold no value of a record.
    """
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    if "Sampled=1" not in header:
        return nullcontext()
    known = dict(part.partition("=")[::2] for part in header.split(";"))
    return _sent(name, annotations, trace=known.get("Root", ""), segment=known.get("Parent", ""))


@contextmanager
def _sent(name: str, annotations: dict[str, str | int], *, trace: str, segment: str) -> Iterator[None]:
    own = os.urandom(8).hex()
    document = {
        "name": name,
        "id": own,
        "trace_id": trace,
        "parent_id": _parent.get(segment),
        "type": "subsegment",
        "start_time": time.time(),
    }
    before = _parent.set(own)
    try:
        yield
    except BaseException as error:
        document["fault"] = True
        annotations["error"] = type(error).__name__
        raise
    finally:
        _parent.reset(before)
        _send({**document, "end_time": time.time(), "annotations": annotations})


def _send(document: dict[str, object]) -> None:
    """Send a document, or not: a trace holds nothing up."""
    host, _, port = os.environ.get("AWS_XRAY_DAEMON_ADDRESS", DAEMON).rpartition(":")
    with suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.settimeout(0)
        daemon.sendto(HEADER + msgspec.json.encode(document), (host, int(port)))
