"""Deliberate errors as one line under the Pulumi command line, instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from sluice.errors import SluiceError


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with the error's own line."""
    try:
        yield
    except SluiceError as error:
        raise pulumi.RunError(str(error)) from error
