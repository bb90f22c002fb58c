"""`sluice search` asks what was meant, shows what was found, and says in one line what is wrong."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.cli import searching
from sluice.cli.hits import hits_table
from sluice.cli.main import run
from sluice.cli.outputs import Outputs, SearchOutputs
from sluice.cli.sinks import documents_of
from sluice.cli.target import Target
from sluice.deadline import Deadline
from sluice.errors import EnvironmentProblem, QueryError, UsageError
from sluice.local.cloud_process import ChildProcess
from sluice.local.endpoints import Endpoints
from sluice.pipeline import load_pipeline
from sluice.sinks.opensearch.asking import asking
from sluice.sinks.opensearch.connection import connect
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.setup import apply
from sluice.sinks.opensearch.templates import Shape, wanted
from tests.unit.local_opensearch.asked import lines
from tests.unit.sinks.stub_server import Behaviour, StubServer, html, raw

PIPELINE = Path(__file__).parents[2] / "pipelines" / "readings.py"
CONTRACT = load_pipeline(PIPELINE).contract
READING = CONTRACT.types["reading"]


def target(url: str | None, *, search: bool = True) -> Target:
    outputs = Outputs(
        environment="dev",
        region="eu-central-1",
        stream_name="s",
        dead_letter_queue_url="q",
        dead_letter_bucket="b",
        ledger_table="l",
        bigquery_project="p",
        bigquery_dataset="d",
        bigquery_views_dataset="v",
        sinks={},
        search=SearchOutputs(endpoint="https://x", service="es", prefix="p") if search else None,
    )
    return Target(
        outputs=outputs,
        endpoints=Endpoints(aws_url="a", lambda_url="l", bigquery_url="b", search_url=url),
        pipeline=PIPELINE,
    )


@pytest.fixture(scope="module")
def found() -> Iterator[Target]:
    """A target whose index holds three readings and a calibration."""
    child = ChildProcess("sluice.local.opensearch", "--engine", "stand-in", name="the stand-in")
    try:
        url = f"http://127.0.0.1:{child.hear(60)['port']}"
        client = connect(url, None)
        ask = asking(client, Deadline.after(30))
        apply(ask, wanted(CONTRACT, Shape(indices=Indices("p"))), serverless=False)
        documents = [
            ("reading", f"r{day}", {
                "type": "reading", "reading_id": f"r{day}", "measured_at": f"2026-11-0{day}T08:00:00Z",
                "sensor": "roof\x1b[31m" if day == 3 else "cellar", "celsius": day / 2,
                "_arrived_at": "2026-11-21T00:00:00Z", "_event_id": f"r{day}",
            })
            for day in (1, 3, 2)
        ]  # fmt: skip
        documents.append(
            ("calibration", "c", {
                "type": "calibration", "sensor": "cellar", "revision": 1, "offset": 0.5,
                "calibrated_at": "2026-11-01T00:00:00Z", "_arrived_at": "2026-11-22T00:00:00Z",
            })
        )  # fmt: skip
        body = lines(
            *(
                ({"create": {"_index": f"p-{kind}-2026.11", "_id": one}}, event)
                for kind, one, event in documents
            )
        )
        assert not ask("POST", "/_bulk", body, {"content-type": "application/x-ndjson"}).body["errors"]
        yield target(url)
    finally:
        child.close()
        child.wait()


def ids(found: Target, words: str, **more: Any) -> list[str]:
    given = {"contract": CONTRACT, "kind": READING, "since": None, "limit": 10, **more}
    return [str(event["reading_id"]) for event in searching.search(found, words, **given).events]


@pytest.fixture
def shell(found: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Target:
    (tmp_path / "Pulumi.yaml").write_text("name: sluice\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Target, "find", classmethod(lambda _cls, _root, _env: found))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return found


def test_the_newest_come_first_and_all_words_have_to_be_there(found: Target) -> None:
    assert ids(found, "*") == ["r3", "r2", "r1"]
    assert ids(found, "cellar reading") == ["r2", "r1"]
    assert ids(found, "celsius:>=1") == ["r3", "r2"]
    assert ids(found, "cellar", limit=1) == ["r2"]
    assert ids(found, "*", since=datetime(2026, 11, 2, tzinfo=UTC)) == ["r3", "r2"]


def test_without_a_type_all_are_searched_by_arrival_and_the_total_is_exact(found: Target) -> None:
    hits = searching.search(found, "cellar", contract=CONTRACT, kind=None, since=None, limit=1)
    assert (hits.total, [event["type"] for event in hits.events]) == (3, ["calibration"])


def test_an_index_that_is_not_there_yet_holds_nothing(found: Target) -> None:
    empty = Target(
        outputs=Outputs(**{
            **{name: getattr(found.outputs, name) for name in Outputs.__slots__},
            "search": SearchOutputs(endpoint="https://x", service="es", prefix="nothing-yet"),
        }),
        endpoints=found.endpoints,
    )  # fmt: skip
    hits = searching.search(empty, "*", contract=CONTRACT, kind=None, since=None, limit=1)
    assert hits == searching.Hits(0, ())


def test_a_broken_query_is_told_in_one_line_with_what_is_understood(found: Target) -> None:
    with pytest.raises(QueryError, match=r"Failed to parse query \[\(a\]; words") as refused:
        ids(found, "(a")
    assert "\n" not in str(refused.value)


def test_a_target_without_an_index_says_how_to_get_one() -> None:
    with pytest.raises(EnvironmentProblem, match=r"set search_sink in Pulumi\.dev\.yaml"):
        searching.client_of(target(None, search=False))
    with pytest.raises(EnvironmentProblem, match="start it again"):
        searching.client_of(target(None))


def test_an_index_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(EnvironmentProblem, match="look whether `sluice local` still runs"):
        ids(target("http://127.0.0.1:1"), "*")


ANSWERED = (
    b'{"_shards":{"total":5,"successful":%d,"failed":0},"count":7,"hits":{"total":{"value":7},"hits":[]}}'
)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    server = StubServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    "answer",
    [
        html(200),
        html(404),
        raw(200, b"hello", "text/plain"),
        *(raw(200, body) for body in (b"", b"[]", b"{}", b"null", b'{"hits":{}}', b'{"count":0}', b'{"a":')),
        raw(200, b'{"hits":{"total":{"value":1},"hits":[{}]},"_shards":{"total":1,"successful":1}}'),
        raw(302, b""),
        raw(400, b"bad", "text/plain"),
        raw(404, b'{"error":"no handler"}'),
        raw(503, b"{}"),
    ],
)
def test_what_is_no_answer_of_opensearch_is_one_line_and_never_nothing_found(
    stub: StubServer, answer: Behaviour
) -> None:
    stub.always = answer
    found = target(stub.url)
    with pytest.raises(EnvironmentProblem):
        ids(found, "*")
    count = documents_of(found, "search")
    assert count
    with pytest.raises(EnvironmentProblem):
        count(None)


@pytest.mark.parametrize("error", [b'{"root_cause":["x"]}', b'{"root_cause":[],"reason":null}', b"{}"])
def test_a_refusal_of_any_shape_is_one_line(stub: StubServer, error: bytes) -> None:
    stub.always = raw(400, b'{"error":%s}' % error)
    with pytest.raises(QueryError, match="are understood"):
        ids(target(stub.url), "*")


def test_a_refusal_is_short_however_long_the_query_is(found: Target) -> None:
    with pytest.raises(QueryError) as refused:
        ids(found, f"({'a' * 40_000}")
    assert len(str(refused.value)) < 600


@pytest.mark.usefixtures("shell")
def test_shards_that_no_node_holds_are_said_and_make_no_count(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.always = raw(200, ANSWERED % 3)
    there = target(stub.url)
    count = documents_of(there, "search")
    assert count
    with pytest.raises(EnvironmentProblem, match="without 2 of its shards"):
        count(None)
    monkeypatch.setattr(Target, "find", classmethod(lambda _cls, _root, _env: there))
    assert run(["search", "*", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"total": 7, "complete": False, "events": []}
    assert "2 shards of the index did not answer" in said.err
    stub.always = raw(200, ANSWERED % 5)
    assert count(None) == 7


@pytest.mark.usefixtures("shell")
def test_a_refused_query_controls_nothing_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "\x1b[31m("]) == 2
    assert "[\\x1b[31m(]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        ("sensro:a AND sensor:b", ["sensro"]),
        ('"a: b" measured_at:[2026-11-21T10:00 TO *] http\\://x', []),
        ("(nope.deep:1 OR nope.deep:2) AND _exists_:sensor", ["nope.deep"]),
    ],
)
def test_a_field_that_no_event_has_is_named(words: str, unknown: list[str]) -> None:
    assert searching.unknown_fields(words, [READING]) == unknown


def test_an_event_that_is_cut_shows_first_where_it_has_what_was_searched_for() -> None:
    event = {"long": "x" * 300, "note": "on the Roof", "sensor": "a"}
    table = hits_table([event], CONTRACT, READING, query="roof AND sensor:b")
    (shown,) = table.columns[-1].cells
    assert str(shown).startswith("note=on the Roof  sensor=a  long=x")


def test_an_unknown_type_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="there are: calibration, reading"):
        searching.event_type(CONTRACT, "nope")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give words"),
        ([" "], "give words"),
        (["words", "--dashboards"], "leave 'words' out"),
        (["x", "--limit", "0"], "--limit 0"),
        (["x", "--limit", "10001"], "at most 10,000"),
    ],
)
def test_a_wrong_call_is_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("shell")
def test_a_line_an_event_fits_a_terminal_and_controls_nothing_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["search", "*", "--type", "reading", "--limit", "2"]) == 0
    said = capsys.readouterr().out
    assert "2026-11-03 08:00:00" in said
    assert "\\x1b[31m" in said
    assert "3 events, the newest 2 shown" in said
    assert "_event_id" not in said
    assert "type=" not in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.usefixtures("shell")
def test_json_has_the_events_as_they_were_indexed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "roof", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["total"], answer["events"][0]["_event_id"]) == (1, "r3")


@pytest.mark.usefixtures("shell")
def test_dashboards_are_lines_of_json_to_import(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--dashboards"]) == 0
    kinds = {json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()}
    assert {"index-pattern", "dashboard"} <= kinds
