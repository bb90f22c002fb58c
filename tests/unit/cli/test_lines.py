import gzip
import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.cli import lines
from sluice.cli.lines import open_input, read_lines
from sluice.errors import UsageError


def read(source: str) -> list[bytes]:
    with open_input(source) as file:
        return [line for line in read_lines(file, source) if line is not None]


@pytest.mark.parametrize("compressed", [False, True])
def test_every_line_that_is_not_blank_is_a_record_as_it_is(tmp_path: Path, compressed: bool) -> None:  # noqa: FBT001
    content = b'{"a": 1}\n\n  \r\n\xff\xfe not text\r\nnot json\n\x00\nlast'
    path = tmp_path / "events"  # its bytes say that it is gzip, not its name
    path.write_bytes(gzip.compress(content) if compressed else content)
    assert read(str(path)) == [b'{"a": 1}', b"\xff\xfe not text", b"not json", b"\x00", b"last"]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=30)), st.integers(1, 20))
def test_lines_do_not_depend_on_how_the_bytes_arrive(parts: list[bytes], chunk: int) -> None:
    content = b"\n".join(parts)
    expected = [p.removesuffix(b"\r") for p in content.split(b"\n")]
    expected = [p for p in expected if p.strip()]

    class Slow(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            return super().read(chunk)

    found = [line for line in read_lines(Slow(content), "slow") if line is not None]
    assert found == expected


def test_two_gzip_files_behind_one_another_are_one_input(tmp_path: Path) -> None:
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(b"1\n") + gzip.compress(b"2\n"))
    assert read(str(path)) == [b"1", b"2"]


def test_a_line_without_end_is_cut_to_what_no_stream_would_take(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"x" * (5 * lines.CHUNK) + b"\nnext\n")
    long, following = read(str(path))
    assert len(long) > 1024 * 1024
    assert len(long) < 4 * lines.CHUNK
    assert following == b"next"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _path: None, "no such file"),
        (lambda path: path.mkdir(), "this is a folder"),
    ],
)
def test_an_input_that_is_no_file_is_said_in_one_line(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "input"
    make(path)  # type: ignore[operator]  # a function
    with pytest.raises(UsageError, match=says) as raised:
        read(str(path))
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: data[:15] + b"\xff" * 8 + data[20:]])
def test_a_broken_gzip_file_is_said_after_what_could_be_read(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "broken.gz"
    path.write_bytes(spoil(gzip.compress(b"1\n2\n" * 50)))  # type: ignore[operator]  # a function
    with pytest.raises(UsageError, match=r"broken.gz: cannot be read to its end"):
        read(str(path))


def test_a_closed_stdin_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="stdin is closed"):
        read("-")


def test_a_pipe_that_pauses_gives_what_it_has() -> None:
    reading, writing = os.pipe()
    written = threading.Event()

    def write() -> None:
        os.write(writing, b"1\n2\n")
        written.wait(10)
        os.write(writing, b"3\n")
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as file:
        found: list[bytes | None] = []
        for line in read_lines(file, "pipe"):
            found.append(line)
            if line is None and b"2" in found:
                written.set()  # only a pause that is told lets the writer go on
    thread.join()
    assert [line for line in found if line is not None] == [b"1", b"2", b"3"]
    assert None in found[2:-1]
