"""Positive and negative amounts part ways: each event once in one output, whatever the output is."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from sluice.audit.books import Books
from sluice.cli.redrive import redrive
from sluice.deadletters import DeadLetter, hold
from tests.e2e.conftest import ROOT, Running, of_sink, running

pytestmark = pytest.mark.e2e

PIPELINE = ROOT / "tests" / "pipelines" / "routes.py"
CHANNEL = '    channel: Annotated[str | None, field("Where it was paid")] = None\n'
COUNT = 500
BROKEN = ("null", "missing", "text")

POSITIVE = ("positive", "positive_copy-transactions")
NEGATIVE = ("negative", "negative_copy-transactions")
QUICK = {"batching_window_seconds": 0, "log_level": "DEBUG"}
COPY = {**QUICK, "consumers": {"transactions": QUICK}}
OVERRIDES: dict[str, Any] = {
    "bigquery_sink": {"batching_window_seconds": 0},
    "routes": {
        **dict.fromkeys(("positive", "negative", "in_order", "large"), QUICK),
        **dict.fromkeys(("positive_copy", "negative_copy"), COPY),
    },
}


@dataclass
class Money:
    """A local cloud with the routes, and what was sent through it."""

    run: Running
    file: Path
    amounts: dict[str, Decimal] = field(default_factory=dict)

    def send(self, name: str, amounts: Sequence[Any], **more: Any) -> list[str]:
        """Send events of this name with these amounts; `...` leaves the amount out."""
        ids, records = [], []
        for number, amount in enumerate(amounts):
            event = {
                "type": "transaction",
                "id": f"{name}-{number}",
                "at": datetime.now(UTC).isoformat(),
                **({} if amount is ... else {"amount": amount}),
                **more,
            }
            ids.append(event["id"])
            records.append(json.dumps(event).encode())
            if isinstance(amount, int | float):
                self.amounts[event["id"]] = Decimal(str(amount))
        assert self.run.send(records) == len(amounts)
        return ids

    def taken(self, sink: str) -> Counter[str]:
        """Ids that a function says it has taken, with how often."""
        name = self.run.cloud.outputs["sinks"][sink]["function"]
        found: Counter[str] = Counter()
        for line in self.run.cloud.function_log(name).splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    found.update(said.get("event_ids", ()))
        return found

    def target(self, route: str) -> Any:
        return self.run.cloud.outputs["routes"][route]

    def once(self, wanted: Any) -> Counter[str]:
        return Counter(name for name, amount in self.amounts.items() if wanted(amount))

    def client(self, service: str) -> Any:
        outputs, url = self.run.cloud.outputs, self.run.cloud.endpoints.aws_url
        return boto3.client(
            service,  # type: ignore[call-overload]  # several services by name
            endpoint_url=url,
            region_name=outputs["region"],
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - of the local cloud
        )


@pytest.fixture(scope="module")
def money(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Money]:
    file = tmp_path_factory.mktemp("routes") / "pipeline.py"
    file.write_text(PIPELINE.read_text())
    with running(file, shards=2, overrides=OVERRIDES) as run:
        money = Money(run, file)
        half = COUNT // 2
        money.send("plus", [number % 300 + 0.25 for number in range(half - 2)] + [0, -0.0])
        money.send("minus", [-(number % 300) - 0.01 for number in range(half)])
        money.send("null", [None] * 10)
        money.send("missing", [...] * 10)
        money.send("text", ["5.00"] * 10)
        money.send("unbooked", [None, ...], type="booking")
        yield money


@pytest.fixture(scope="module")
def books(money: Money) -> Books:
    return money.run.books()


def test_every_record_is_in_the_books_of_every_route(books: Books) -> None:
    assert books.balanced, books.problems
    assert books.produced == COUNT + 32
    for sink, stream_records in {
        "positive": COUNT + 32,
        "large": COUNT + 32,
        "positive_copy-transactions": COUNT // 2,
        "negative_copy-transactions": COUNT // 2,
    }.items():
        found = of_sink(books, sink)
        assert found.in_flight == 0
        assert found.total == stream_records, sink


@pytest.mark.usefixtures("books")
def test_each_transaction_reaches_exactly_one_function_exactly_once(money: Money) -> None:
    assert money.taken("positive") == money.once(lambda amount: amount >= 0)
    assert money.taken("negative") == money.once(lambda amount: amount < 0)
    assert sum((money.taken("positive") + money.taken("negative")).values()) == COUNT


@pytest.mark.usefixtures("books")
def test_so_it_does_when_each_side_has_a_stream_of_its_own(money: Money) -> None:
    assert money.taken("positive_copy-transactions") == money.once(lambda amount: amount >= 0)
    assert money.taken("negative_copy-transactions") == money.once(lambda amount: amount < 0)


def test_no_amount_goes_nowhere_and_is_a_dead_letter_where_the_contract_forbids_it(
    money: Money, books: Books
) -> None:
    bigquery = of_sink(books, "bigquery")
    assert (bigquery.delivered, bigquery.dead_lettered) == (COUNT + 20, 12)
    with hold(money.run.target.sqs, money.run.target.outputs.dead_letter_queue_url) as holding:
        letters = [held.letter for held in holding.letters if isinstance(held.letter, DeadLetter)]
    refused = Counter((letter.type, letter.field) for letter in letters if letter.sink == "bigquery")
    assert refused == {("transaction", "amount"): 10, ("booking", "amount"): 2}
    assert {letter.kind for letter in letters} == {"contract"}
    for sink in ("positive", "negative", "large", "in_order"):
        found = of_sink(books, sink)
        broken = sum(letter.sink == sink for letter in letters)
        assert found.dead_lettered == broken <= 12
        assert found.delivered + found.skipped + broken == COUNT + 32
    for sink in (*POSITIVE, *NEGATIVE):
        assert not {name.split("-")[0] for name in money.taken(sink)} & {
            "null",
            "missing",
            "text",
            "unbooked",
        }


@pytest.mark.usefixtures("books")
def test_a_fifo_queue_holds_each_negative_one_once(money: Money) -> None:
    sqs, url = money.client("sqs"), money.target("in_order")["url"]
    held: Counter[str] = Counter()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        held.update(json.loads(message["Body"])["id"] for message in messages)
        sqs.delete_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )
    assert held == money.once(lambda amount: amount < 0)


@pytest.mark.usefixtures("books")
def test_a_firehose_writes_json_lines_of_what_only_the_predicate_can_tell(money: Money) -> None:
    target, s3 = money.target("large"), money.client("s3")
    held: Counter[str] = Counter()
    for each in s3.list_objects_v2(Bucket=target["bucket"], Prefix=target["prefix"])["Contents"]:
        content = s3.get_object(Bucket=target["bucket"], Key=each["Key"])["Body"].read()
        held.update(json.loads(line)["id"] for line in gzip.decompress(content).splitlines())
    assert held == money.once(lambda amount: abs(amount) >= 200)


def test_what_a_mended_contract_accepts_is_redriven_into_the_route_that_it_belongs_to(
    money: Money, books: Books
) -> None:
    """The last test: it changes the pipeline."""
    before = {sink: of_sink(books, sink).dead_lettered for sink in ("positive", "negative")}
    ids = money.send("late", [7, 8, -9], channel="web")
    refused = money.run.books()
    assert of_sink(refused, "positive").dead_lettered >= before["positive"] + 2

    money.file.write_text(PIPELINE.read_text().replace("    # more fields\n", CHANNEL))
    money.run.cloud.redeploy()
    for sink in ("positive", "negative", "positive_copy"):
        with hold(money.run.target.sqs, money.run.target.outputs.dead_letter_queue_url) as holding:
            ours = [
                held
                for held in holding.letters
                if isinstance(held.letter, DeadLetter)
                and held.letter.sink == sink
                and held.letter.field == "channel"
            ]
            result = redrive(money.run.target, holding, sink, ours)
        assert result.troubles == []
        assert result.delivered == (1 if sink == "negative" else 2)
    after = money.run.books()
    assert after.balanced, after.problems
    assert money.taken("positive") & Counter(ids) == Counter(ids[:2])
    assert money.taken("negative") & Counter(ids) == Counter(ids[2:])
    assert money.taken("positive_copy-transactions") & Counter(ids) == Counter(ids[:2])
