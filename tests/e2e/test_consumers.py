"""Consumers of a whole local cloud: filtered, shared, paused, resumed, and changed while they are paused."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import run as command
from sluice.cli.target import Target
from sluice.records.aggregate import Aggregate
from tests.e2e.conftest import Running, of_sink, running

pytestmark = pytest.mark.e2e

PIPELINE = '''"""Money, in two directions."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sluice.contract import Event, field
from sluice.pipeline import Pipeline
from sluice.routes import Function, Route


class Transaction(Event, type="transaction", id="id", time="at"):
    """Money that comes or goes."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal, field("How much", ge=-1000, le=1000, scale=2, strings=False)]
    currency: Annotated[str, field("ISO 4217 code")] = "EUR"


pipeline = Pipeline(
    events=[Transaction],
    routes=[
        Route("plus", "amount >= 0", types=[Transaction], to=Function("transactions")),
        Route("minus", "amount < 0", types=[Transaction], to=Function("transactions")),
    ],
)
'''
QUICK: dict[str, Any] = {"batching_window_seconds": 0, "log_level": "DEBUG"}
OVERRIDES = {
    "bigquery_sink": {"batching_window_seconds": 0},
    "routes": {"plus": QUICK, "minus": {**QUICK, "consumer": "shared"}},
}


@dataclass
class World:
    """A local cloud with a filtered and a shared route."""

    run: Running
    file: Path

    def event(self, name: str, amount: float) -> bytes:
        at = datetime.now(UTC).isoformat()
        return json.dumps({"type": "transaction", "id": name, "at": at, "amount": amount}).encode()

    def send(self, **amounts: float) -> None:
        records = [self.event(name, amount) for name, amount in amounts.items()]
        assert self.run.send(records) == len(records)

    def send_packed(self, **amounts: float) -> None:
        packed = Aggregate()
        for name, amount in amounts.items():
            packed.add(name, self.event(name, amount))
        stream = self.run.target.outputs.stream_name
        self.run.target.kinesis.put_record(StreamName=stream, Data=packed.encode(), PartitionKey="packed")

    def taken(self, sink: str, among: str) -> Counter[str]:
        """Which of these ids a route's function says it has taken, with how often."""
        found: Counter[str] = Counter()
        function = self.run.target.outputs.sinks[sink].function
        for line in self.run.cloud.function_log(function).splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    found.update(each for each in said.get("event_ids", ()) if each in among)
        return found

    def mapping(self, sink: str) -> dict[str, Any]:
        function = self.run.target.outputs.sinks[sink].function
        (found,) = (one for one in self.run.cloud.status()["mappings"] if one["function"] == function)
        return dict(found)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    file = tmp_path_factory.mktemp("consumers") / "pipeline.py"
    file.write_text(PIPELINE)
    with running(file, shards=1, overrides=OVERRIDES) as run:
        yield World(run, file)


@pytest.fixture
def said(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command against the cloud, and return the JSON that it prints."""
    monkeypatch.setattr(Target, "find", lambda *_: world.run.target)

    def run(arguments: Sequence[str]) -> Any:
        assert command([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_a_filter_costs_no_invocation_and_sees_into_aggregates_of_enhanced_readers_alone(
    world: World, said: Any
) -> None:
    """The first test: it compares counts of all that came."""
    world.send(a=1, b=-1, c=-2)
    world.send_packed(d=2, e=-3, f=3)
    world.send_packed(g=-4)
    books = world.run.books()
    assert books.balanced, books.problems
    assert world.taken("plus", among="abcdefg") == Counter("adf")
    assert world.taken("minus", among="abcdefg") == Counter("bceg")
    plus = world.mapping("plus")
    assert (plus["filtered"], plus["aggregates"], plus["unpacked"]) == (4, 2, 4)
    assert of_sink(books, "plus").filtered == 4
    assert of_sink(books, "minus").filtered == 0
    listed = {each["name"]: each for each in said(["consumers", "list"])}
    assert {name: each["kind"] for name, each in listed.items()} == {
        "bigquery": "enhanced",
        "plus": "enhanced",
        "minus": "shared",
    }
    assert json.loads(listed["plus"]["filters"][0])["data"]
    assert (listed["plus"]["filtered"], listed["minus"]["filters"]) == (4, [])
    assert {each["state"] for each in listed.values()} == {"Enabled"}
    assert {each["behind_records"] for each in listed.values()} == {0}


def test_a_pause_loses_nothing_and_holds_up_nobody_else(world: World, said: Any) -> None:
    assert said(["consumers", "pause", "plus"])["state"] == "Disabled"
    world.send(h=5, i=-5, j=6)
    assert world.run.cloud.wait_drained(60)
    assert "i" in world.taken("minus", among="hij")
    assert not world.taken("plus", among="hij")
    plus = next(each for each in said(["consumers", "list"]) if each["name"] == "plus")
    assert (plus["state"], plus["behind_records"]) == ("Disabled", 3)
    assert plus["behind_seconds"] > 0
    done = said(["consumers", "resume", "plus"])
    assert (done["state"], done["changed"]) == ("Enabled", True)
    books = world.run.books()
    assert books.balanced, books.problems
    assert world.taken("plus", among="hij") == Counter("hj")


def test_a_route_changes_in_place_while_its_consumer_is_paused_and_keeps_its_place(
    world: World, said: Any
) -> None:
    """The last test: it changes the pipeline."""
    said(["consumers", "pause", "plus"])
    world.send(k=7)
    filtered = world.mapping("plus")["filtered"]
    world.file.write_text(PIPELINE.replace("amount >= 0", "amount >= 10"))
    world.run.cloud.redeploy()
    assert world.mapping("plus")["state"] == "Disabled"
    said(["consumers", "resume", "plus"])
    world.send(l=9, m=11)
    books = world.run.books()
    assert books.balanced, books.problems
    assert world.taken("plus", among="klm") == Counter("m")
    assert world.mapping("plus")["filtered"] == filtered + 2
