"""`sluice discover`: files, pipes and streams, good and bad, in words and as JSON."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sluice.cli import discover_input
from sluice.cli.discover_input import StreamInput
from sluice.cli.main import run
from sluice.contract import ContractViolation
from sluice.pipeline import load_pipeline
from sluice.records.aggregate import MAGIC, Aggregate

DATA = Path(__file__).parents[2] / "data" / "web_requests.ndjson.gz"
REGION, STREAM = "eu-central-1", "activity"


def event(number: int, **more: Any) -> bytes:
    return json.dumps({"type": "visit", "at": "2026-05-17T10:05:03Z", "id": f"v{number}", **more}).encode()


def events(number: int) -> bytes:
    return b"".join(event(n) + b"\n" for n in range(number))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "visits.ndjson"
    path.write_bytes(events(40))
    return path


def discover(*arguments: object) -> int:
    return run(["discover", *map(str, arguments)])


def test_the_web_requests_give_a_module_that_accepts_all_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = tmp_path / "web.py"
    assert discover(DATA, "--output", module) == 0
    said = capsys.readouterr()
    assert "10,000 records, 1 event type: web_request 10,000." in said.err
    assert "The contract accepts 10,000 of 10,000 as they are." in said.err
    assert f"Next: sluice demo --pipeline {module}" in said.err.replace("\n", "")
    contract = load_pipeline(module).contract
    with gzip.open(DATA) as lines:
        assert sum(contract.decode(line.rstrip()) is not None for line in lines) == 10_000


def test_stdout_holds_the_module_and_nothing_else(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert discover(file) == 0
    said = capsys.readouterr()
    compile(said.out, "pipeline.py", "exec")
    assert "40 records" in said.err
    assert discover(file, "--events", 7) == 0
    assert "The contract accepts 7 of 7 as they are." in capsys.readouterr().err


def test_json_is_one_document_that_says_everything(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(events(40) + b"rubbish\n")
    assert discover(file, "--json") == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert said.err == ""
    assert (found["records"], found["checked"], found["accepted"]) == (41, 41, 40)
    (broken,) = found["no_events"]
    assert (broken["records"], broken["first_record"]) == (1, 41)
    (kind,) = found["types"]
    assert (kind["type"], kind["events"], kind["id"], kind["time"]) == ("visit", 40, "id", "at")
    assert [field["name"] for field in kind["fields"]] == ["at", "id"]
    compile(found["module"], "pipeline.py", "exec")


class Pipe(io.RawIOBase):
    """A pipe that gives some bytes and then ends, or is ended with Ctrl-C."""

    def __init__(self, content: bytes, *, ends: bool = True) -> None:
        self._rest = io.BytesIO(content)
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._rest.readinto(buffer)
        if not found and not self._ends:
            raise KeyboardInterrupt
        return found


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes, *, ends: bool = True) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Pipe(content, ends=ends))))


def test_a_pipe_is_checked_on_what_was_kept_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, gzip.compress(events(40)))
    assert discover("-") == 0
    assert "The contract accepts 40 of 40 as they are." in capsys.readouterr().err
    monkeypatch.setattr(discover_input, "KEPT_BYTES", 200)
    pipe(monkeypatch, events(40))
    assert discover("-") == 0
    assert "The contract accepts 4 of the first 4 as they are." in capsys.readouterr().err


def test_ctrl_c_ends_an_input_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, events(40), ends=False)
    assert discover("-") == 0
    said = capsys.readouterr()
    assert "stopped after 40 records" in said.err
    assert "class Visit(" in said.out
    pipe(monkeypatch, b"", ends=False)
    assert discover("-") == 130


def test_a_file_is_never_replaced_unasked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = file.with_name("mine.py")
    mine.write_text("precious")
    assert discover(file, "--output", mine) == 2
    assert "repeat with --force" in capsys.readouterr().err
    assert mine.read_text() == "precious"
    assert discover(file, "--output", mine, "--force") == 0
    assert load_pipeline(mine).contract.types.keys() == {"visit"}
    assert discover(file, "--output", file.parent) == 2
    assert discover(file, "--output", file.parent / "no" / "mine.py") == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no records are there"),
        (b"\n \r\n", "no records are there"),
        (b"\x00\xff\xfe" * 50, "no event in 1 record: the record is not UTF-8; give one JSON object a line"),
        (b"a,b\n1,2\n", "no event in 2 records: the record is not JSON"),
        (b'[{"a": 1}, {"a": 2}]', "`jq -c '.[]'`"),
        (b'[\n{"type": "a"},\n{"type": "b"}\n]\n', "`jq -c '.[]'`"),
        (b'{\n "a": 1\n}\n', "`jq -c .`"),
        (b'"text"\n', "the line is a string, no object"),
        (b'{"v": NaN}\n', "is NaN or Infinity"),
        (b'{"v": 1, "v": 2}\n', "the key `v` stands twice in one object"),
        (b'{"v": 1e400}\n', "a number too large for a 64-bit float"),
        (b'{"v": "caf\xe9"}\n', "not UTF-8"),
        (b'\xef\xbb\xbf{"v": 1}\n', "byte order mark"),
        (b'{"v":' * 3_000, "nested too deeply"),
        (b'{"v": "%s"}\n' % (b"x" * 3_000_000), "longer than 2 MiB"),
        (b'{"v": "\\ud800"}\n', "half of a surrogate pair"),
    ],
)
def test_rubbish_is_told_in_one_line(
    tmp_path: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(content)
    assert discover(path) == 2
    error = capsys.readouterr()
    assert error.out == ""
    assert error.err.startswith("error: rubbish")
    assert error.err.count("\n") == 1
    assert said in error.err


def test_rubbish_among_events_is_counted_and_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(events(20) + b'{"type": "visit", "v": NaN}\r\n\r\nrubbish\r\n' * 2)
    assert discover(file) == 0
    said = capsys.readouterr().err
    assert "The contract accepts 20 of 24 as they are." in said
    assert "refused 2: `v` is NaN or Infinity, which JSON has no number for (the first: record 21)" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.ndjson",), "no such file"),
        ((".",), "this is a folder"),
        (("x", "--env", "dev"), "give either x or --env dev"),
        (("x", "--events", "0"), "--events 0: give a whole number of 1 or more"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert discover(*arguments) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def kinesis() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "kinesis",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - of no account
        )
        client.create_stream(StreamName=STREAM, ShardCount=2)
        yield client


def put(kinesis: Any, *records: bytes) -> None:
    for place, data in enumerate(records):
        kinesis.put_record(StreamName=STREAM, PartitionKey=str(place), Data=data)


def test_a_stream_is_read_from_all_its_shards_with_aggregates_unpacked(kinesis: Any) -> None:
    aggregate = Aggregate()
    for number in range(10):
        aggregate.add(str(number), event(number))
    broken = MAGIC + b"cut off"
    put(kinesis, *(event(number) for number in range(10, 30)), aggregate.encode(), broken)
    source = StreamInput(kinesis, STREAM, 1_000)
    found = list(source.lines())
    assert {line for line in found if isinstance(line, bytes)} == {event(number) for number in range(30)}
    (refused,) = (line for line in found if isinstance(line, ContractViolation))
    assert "aggregate" in refused.reason
    assert set(source.again()) == {event(number) for number in range(30)}


def test_a_stream_is_read_no_further_than_asked_and_not_too_fast(
    kinesis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover_input, "READ_LIMIT", 5)
    put(kinesis, *(event(number) for number in range(60)))
    pauses: list[float] = []
    source = StreamInput(kinesis, STREAM, 25, pause=1.5, sleep=pauses.append)
    assert len(list(source.lines())) == 25
    assert pauses == [1.5, 1.5]  # five from each of two shards, then others may read


def test_the_stream_of_the_cloud_that_runs_is_the_default(
    kinesis: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(kinesis, *(event(number) for number in range(30)))

    class Found:
        is_local = True
        outputs = type("Outputs", (), {"stream_name": STREAM})

    found: Any = Found()
    found.kinesis = kinesis
    monkeypatch.setattr("sluice.cli.target.Target.find", lambda *_: found)
    assert discover("--events", 20) == 0
    said = capsys.readouterr()
    assert '"""Events as `sluice discover` inferred them from 20 records of the stream activity.' in said.out
    assert "The contract accepts 20 of 20 as they are." in said.err
    kinesis.delete_stream(StreamName=STREAM)
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    assert discover() == 2
    assert "send some with `sluice produce`" in capsys.readouterr().err
