"""How a server process of the local cloud listens, announces itself and ends with its parent.

A child prints one JSON line on stdout once it listens, and leaves when its stdin closes: the operating
system closes that pipe however the parent dies, so a killed `sluice local` leaves no process behind.
"""

import json
import os
import socket
import sys
import threading

LOCALHOST = "127.0.0.1"
"""Nothing of the local cloud can be reached from another machine."""


def listen(port: int = 0) -> socket.socket:
    """Listen on a port of 127.0.0.1, 0 for any free one; end the process in one line where it is taken."""
    # The protocol is named because asyncio sends small packets at once (TCP_NODELAY) only where it is:
    # without it each answer waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOCALHOST, port))
    except (OSError, OverflowError) as error:
        sys.exit(f"error: cannot listen on {LOCALHOST}:{port} ({error}); --port 0 takes any free port")
    listener.listen(256)
    return listener


def announce(**facts: object) -> None:
    """Tell the parent that this process is ready, e.g. `announce(port=8080)`."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def exit_with_parent() -> None:
    """Leave at once when stdin reaches its end, from a thread of its own."""

    def watch() -> None:
        # Not sys.stdin.buffer: a thread that holds its lock would abort a child that ends by itself.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()
