"""Where the `sluice` command begins: nothing is imported before Ctrl-C is taken care of."""

import sys

STOPPED = 130
"""The status after Ctrl-C, as shells have it: 128 and the signal's number."""


def main() -> None:
    """Run the command; Ctrl-C ends it without a traceback even while its modules are loading."""
    try:
        from sluice.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    run()
