"""Reading records, one a line, from a file or a pipe, gzipped or not."""

import gzip
import io
import os
import select
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from sluice.errors import UsageError

CHUNK = 1 << 20
QUIET_SECONDS = 0.25
"""A pipe that gave nothing for so long has paused: what it gave before goes out."""

LONGEST = 2 * 1024 * 1024
"""Bytes of a line that are kept. No stream takes a record of this size, so nothing is lost by cutting."""

GZIP_MAGIC = b"\x1f\x8b"


def check_input(source: str) -> None:
    """Find out whether there is such an input, without waiting for a pipe; raises UsageError."""
    if source != "-":
        with open_input(source):
            return
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("input -: stdin is closed; pipe events into it, or name a file")


@contextmanager
def open_input(source: str) -> Iterator[IO[bytes]]:
    """Open a file, or stdin for `-`, unpacking gzip by its first bytes and not by its name.

    Raises:
        UsageError: there is no such file, it is a folder, or it may not be read.
    """
    if source == "-":
        check_input(source)
        yield _unpacked(cast("io.BufferedReader", sys.stdin.buffer))
        return
    path = Path(source)
    if path.is_dir():
        raise UsageError(
            f"{source}: this is a folder; name a file with one JSON event a line, or - for stdin"
        )
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise UsageError(
            f"{source}: no such file; name a file with one JSON event a line, or - for stdin"
        ) from None
    except OSError as error:
        raise UsageError(f"{source}: cannot be read ({error.strerror})") from error
    with file:
        yield _unpacked(file)


def _unpacked(file: "io.BufferedReader") -> IO[bytes]:
    if file.peek(2)[:2] == GZIP_MAGIC:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return file


def read_lines(file: IO[bytes], source: str) -> Iterator[bytes | None]:
    """Yield each line that is not blank, without its line end, as the bytes that it holds.

    Yields None when a pipe pauses, so that what was read so far is not held back. Blank lines are no
    records: they separate, or end, a file.
    """
    rest = b""
    while True:
        if _paused(file):
            yield None
        chunk = _read(file, source)
        if not chunk:
            break
        rest += chunk
        if b"\n" not in chunk:
            rest = rest[:LONGEST]
            continue
        *lines, rest = rest.split(b"\n")
        for line in lines:
            kept = line.removesuffix(b"\r")
            if kept and not kept.isspace():
                yield kept
    rest = rest.removesuffix(b"\r")
    if rest and not rest.isspace():
        yield rest


def _read(file: IO[bytes], source: str) -> bytes:
    try:
        return file.read1(CHUNK) if isinstance(file, (io.BufferedReader, gzip.GzipFile)) else file.read(CHUNK)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UsageError(f"{source}: cannot be read to its end ({error})") from error


def _paused(file: IO[bytes]) -> bool:
    """Whether reading on would wait for whoever writes into the pipe."""
    if not isinstance(file, io.BufferedReader) or file.closed:
        return False
    try:
        descriptor = file.fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        return not select.select([descriptor], [], [], QUIET_SECONDS)[0]
    except (OSError, ValueError):
        return False
