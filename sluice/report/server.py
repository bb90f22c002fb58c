"""The page on this machine: uvicorn in a thread, on 127.0.0.1 alone."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sluice.errors import AlreadyRunning

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"
STOP_SECONDS = 2


@contextmanager
def serving(app: "ASGIApp", port: int = 0) -> Iterator[str]:
    """Serve until the block is left; yields the URL. Port 0 takes any that is free.

    Raises:
        AlreadyRunning: something else listens on the port.
    """
    import uvicorn  # noqa: PLC0415 - the Lambda that serves the same page has none

    listener = _listen(port)
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="report page", daemon=True
    )
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS + 1)
        listener.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise AlreadyRunning(
            f"port {port} cannot be taken ({error.strerror}): choose another one with --port, or leave it out"
        ) from None
    listener.listen()
    return listener
