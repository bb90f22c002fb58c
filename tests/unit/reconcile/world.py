"""Windows in moto and the same events in the local BigQuery, with whatever happened to either."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from google.cloud import bigquery

from sluice.cli.outputs import Outputs, SinkOutputs
from sluice.cli.target import Endpoints, Target
from sluice.contract import Contract, Event, Nested, field
from sluice.delivery.entries import lane_of, padded
from sluice.metrics import Count, CountDistinct, Mean, Metric, Min, Quantiles, Sum, Variance
from sluice.pipeline import Pipeline
from sluice.windows.readers import MAX_GROUP_TEXT
from sluice.windows.sketches import shortened
from tests.unit.delivery.aws import create_ledger
from tests.unit.windows import planted
from tests.unit.windows.planted import Planted

SHARD = "shardId-000000000000"
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


class Device(Nested):
    """What is held."""

    model: Annotated[str, field("Model", max_length=2_000)]


class Sale(Event, type="sale", id="id", time="at"):
    """A sale."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    pieces: Annotated[int | None, field("How many")] = None
    price: Annotated[Decimal, field("Of one", scale=2)] = Decimal(0)
    weight: Annotated[float | None, field("In kg")] = None
    device: Annotated[Device | None, field("What is held")] = None


class Refund(Event, type="refund", id="id", time="at"):
    """A refund."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    pieces: Annotated[int | None, field("How many")] = None
    price: Annotated[Decimal, field("Of one", scale=2)] = Decimal(0)
    weight: Annotated[float | None, field("In kg")] = None
    device: Annotated[Device | None, field("What is held")] = None


METRIC = Metric(
    "sales",
    events=[Sale, Refund],
    window="15m",
    by=["type", "device.model"],
    where="price >= 0",
    groups=100,
    measures={
        "events": Count(),
        "pieces": Sum("pieces"),
        "revenue": Sum("price"),
        "weight": Sum("weight"),
        "typical": Mean("weight"),
        "spread": Variance("price"),
        "least": Min("price"),
        "sizes": CountDistinct("pieces"),
        "median": Quantiles("weight", (0.5,)),
    },
)
ONLY_SKETCHES = Metric("sketchy", events=[Sale], window="1m", measures={"most": CountDistinct("pieces")})
PIPELINE = Pipeline(events=[Sale, Refund], metrics=[METRIC, ONLY_SKETCHES])

Row = dict[str, Any]


def sale(number: int, minute: int, **more: Any) -> Row:
    """An event as JSON, some minutes after START."""
    moment = START + timedelta(minutes=minute)
    return {"type": "sale", "id": f"e{number}", "at": moment.isoformat(), "price": "1.10", **more}


def place(row: Row) -> tuple[int, tuple[Any, ...]]:
    """The window and the group that the aggregator counts an event in."""
    moment = int(datetime.fromisoformat(row["at"]).timestamp())
    model = shortened(row["device"]["model"], MAX_GROUP_TEXT) if row.get("device") else None
    return moment // 900 * 900, (row["type"], model)


def values(row: Row) -> dict[str, Any]:
    """An event's values by the signature of the measure that takes them."""
    found = {
        "pieces": row.get("pieces"),
        "price": Decimal(row["price"]),
        "weight": row.get("weight"),
        None: True,
    }
    return {each.signature: found[each.path] for each in METRIC.definition.measures}


@dataclass
class World:
    windows: Planted
    target: Target
    sequence: int = 0

    def insert(self, *rows: Row, sequences: Iterable[int] | None = None) -> None:
        """Put rows into BigQuery, each a record of its own."""
        for at, row in enumerate(rows):
            self.sequence += 1
            sequence = list(sequences)[at] if sequences is not None else self.sequence
            lineage = {
                "_event_id": row["id"],
                "_arrived_at": (START + timedelta(seconds=sequence)).isoformat(),
                "_shard": SHARD,
                "_sequence": str(sequence),
            }
            table = f"p.{self.target.outputs.bigquery_dataset}.{row['type']}"
            assert self.target.bigquery.insert_rows_json(table, [row | lineage], row_ids=[None]) == []

    def count(self, *rows: Row, mark: int | None = None) -> None:
        """Count rows into the windows, one segment, as the aggregator does; the shard's mark moves on."""
        groups: defaultdict[int, dict[tuple[Any, ...], dict[str, list[Any]]]] = defaultdict(dict)
        for row in rows:
            start, group = place(row)
            seen = groups[start].setdefault(group, defaultdict(list))
            for signature, value in values(row).items():
                if value is not None:
                    seen[signature].append(value)
        self.windows.segment(
            SHARD,
            *((METRIC.definition, start, found) for start, found in groups.items()),
            committed_at=datetime.now(UTC),
        )
        self.windows.mark(SHARD, self.sequence if mark is None else mark)

    def settle(self, last: int | None = None, *, state: str = "closed", first: int = 1) -> None:
        """Let the BigQuery sink's ledger say that it came as far."""
        last = self.sequence if last is None else last
        item = {
            "lane": {"S": lane_of("bigquery", SHARD)},
            "first": {"S": padded(first)},
            "last" if state == "closed" else "open_last": {"S": padded(last)},
            "state": {"S": state},
        }
        self.windows.dynamodb.put_item(TableName="ledger", Item=item)

    def letter(self, sink: str, sequence: int) -> None:
        """Leave a dead letter of a sink."""
        moment = START.isoformat()
        body = {
            "version": 1, "id": f"{sink}/{SHARD}/{sequence}", "sink": sink, "kind": "rejected",
            "reason": "no", "field": None, "type": None, "stream": "s", "shard": SHARD,
            "sequence": str(sequence),
            "sub_sequence": None, "partition_key": "k", "arrived_at": moment, "failed_at": moment, "size": 0,
            "payload_s3": None, "payload": "",
        }  # fmt: skip
        url = self.target.outputs.dead_letter_queue_url
        self.target.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))


@contextmanager
def running(url: str, name: str) -> Iterator[World]:
    """A world of its own: empty tables of that name at a local BigQuery."""
    with planted.running() as windows:
        windows.define(METRIC.definition, ONLY_SKETCHES.definition)
        create_ledger(windows.dynamodb, "ledger")
        sqs = planted.session().client("sqs")
        outputs = Outputs(
            environment="dev",
            region=planted.REGION,
            stream_name="s",
            dead_letter_queue_url=sqs.create_queue(QueueName="letters")["QueueUrl"],
            dead_letter_bucket="b",
            ledger_table="ledger",
            bigquery_project="p",
            bigquery_dataset=name,
            bigquery_views_dataset="views",
            sinks={each: SinkOutputs(function=f"{each}-function") for each in ("bigquery", "windows")},
            windows_table="windows",
            window_days=30,
        )
        target = Target(outputs=outputs, endpoints=Endpoints(aws_url="", lambda_url="", bigquery_url=url))
        target.__dict__.update(dynamodb=windows.dynamodb, sqs=sqs)
        target.bigquery.create_dataset(name)
        for kind in Contract([Sale, Refund]).types.values():
            schema = [bigquery.SchemaField.from_api_repr(each) for each in kind.schema]
            table = bigquery.Table(f"p.{name}.{kind.table}", schema)
            table.time_partitioning = bigquery.TimePartitioning(field=kind.time_column)
            target.bigquery.create_table(table)
        yield World(windows, target)
        client: Any = target.bigquery
        client.close()
