"""How a server process of the local cloud announces itself and ends with its parent.

A child prints one JSON line on stdout once it listens, and leaves when its stdin closes: the operating
system closes that pipe however the parent dies, so a killed `sluice local` leaves no process behind.
"""

import json
import os
import sys
import threading


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
