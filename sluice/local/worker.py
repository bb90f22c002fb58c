"""A Lambda runtime process: imports one handler from its package and answers one invocation at a time.

Started as a script, so that nothing but the standard library comes from Sluice's own folder: the handler
imports `sluice` from its package, as it does in the cloud. Speaks frames over stdin and what was stdout: a
line of JSON, then as many bytes as its `size` says. Whatever the handler prints goes to stderr. The process
leaves when stdin closes.
"""

import faulthandler
import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO

GRACE_SECONDS = 5
"""A worker that outlives its parent and its time-out ends itself, whatever holds the interpreter."""


class Context:
    """What Lambda gives a handler beside the event."""

    def __init__(self, request_id: str, deadline: float, arn: str) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn = arn
        self.aws_request_id = request_id
        self.identity = None
        self.client_context = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until this invocation is killed."""
        return max(0, int((self._deadline - time.time()) * 1000))


def _frames(stream: BinaryIO, frames: "queue.SimpleQueue[tuple[dict[str, Any], bytes]]") -> None:
    while True:
        line = stream.readline()
        if not line:
            os._exit(0)
        head = json.loads(line)
        frames.put((head, stream.read(head["size"])))


def _send(stream: BinaryIO, kind: str, payload: bytes = b"") -> None:
    stream.write(json.dumps({"kind": kind, "size": len(payload)}).encode() + b"\n" + payload)
    stream.flush()


def _error(error: BaseException) -> bytes:
    return json.dumps(
        {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
    ).encode()


def _limit_memory(megabytes: int) -> None:
    """A backstop for allocations faster than the parent's watch over the resident size; Linux only."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not everywhere

        limit = (2 * megabytes + 512) * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> None:
    """Entry point: the package's directory is the working directory."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
    frames: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_frames, args=(os.fdopen(os.dup(0), "rb"), frames), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    try:
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except BaseException as error:  # noqa: BLE001 - whatever the import raises is the function's error
        traceback.print_exc()
        _send(answers, "failed", _error(error))
        os._exit(1)
    _send(answers, "ready")
    while True:
        head, payload = frames.get()
        faulthandler.dump_traceback_later(head["timeout"] + GRACE_SECONDS, exit=True)
        os.environ["_X_AMZN_TRACE_ID"] = f"Root={head['request_id']}"
        context = Context(head["request_id"], time.time() + head["timeout"], head["arn"])
        try:
            answer = json.dumps(handler(json.loads(payload), context)).encode()
        except Exception as error:  # noqa: BLE001 - a handler's error is its answer
            traceback.print_exc()
            _send(answers, "error", _error(error))
        else:
            _send(answers, "result", answer)
        finally:
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
