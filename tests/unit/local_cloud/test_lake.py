"""The local Firehose as its clients see it: a stream goes in, Iceberg tables and error objects come out."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sluice.records.aggregate import Aggregate
from tests.unit.local_cloud.lake_servers import (
    BUCKET,
    DATABASE,
    NAME,
    RIGHTS,
    STREAM,
    TABLE,
    Lake,
    firehose,
    servers,
    table,
)

MICROS = 1_767_225_600_123_456
REDRIVE = "lake-redrive"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with servers(tmp_path_factory.mktemp("transform")) as found:
        redrive = firehose(REDRIVE, stream=False)
        iceberg = redrive["icebergConfiguration"]
        found.firehose.create_delivery_stream(
            DeliveryStreamName=REDRIVE,
            DeliveryStreamType="DirectPut",
            IcebergDestinationConfiguration={
                "RoleARN": iceberg["roleArn"],
                "CatalogConfiguration": {"CatalogARN": iceberg["catalogArn"]},
                "S3Configuration": {
                    "RoleARN": iceberg["roleArn"],
                    "BucketARN": iceberg["s3Configuration"]["bucketArn"],
                },
            },
        )
        found.put({"id": "before the Firehose was made"})
        found.deploy(firehose(), redrive)
        found.settle()
        yield found


def ids(lake: Lake) -> list[str]:
    return [row["id"] for row in lake.rows()]


def codes(lake: Lake, record: str) -> list[tuple[str, str]]:
    """Prefix and error code of the lines that hold a record."""
    return [
        ("/".join(key.split("/")[:3]), line["errorCode"])
        for key, line in lake.errors()
        if json.loads(base64.b64decode(line["rawData"]))["id"] == record
    ]


def test_rows_lie_as_parquet_in_partitions_of_their_table_with_their_types(lake: Lake) -> None:
    lake.put({"id": "typed", "row": {"at": MICROS, "amount": "1.000000001", "items": [{"count": 3}]}})
    lake.settle()
    (row,) = [row for row in lake.rows() if row["id"] == "typed"]
    assert row["at"] == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert row["amount"] == Decimal("1.000000001")
    assert row["items"] == [{"count": 3}]
    files = lake.catalog.load(DATABASE, TABLE).inspect.files().to_pylist()
    assert any(f"s3://{BUCKET}/tables/{TABLE}/data/at_day=2026-01-01/" in one["file_path"] for one in files)
    assert {one["file_format"] for one in files} == {"PARQUET"}


def test_what_was_in_the_stream_before_is_not_read(lake: Lake) -> None:
    assert "before the Firehose was made" not in ids(lake)


def test_records_of_an_aggregate_are_rows_of_their_own(lake: Lake) -> None:
    aggregate = Aggregate()
    for number in range(3):
        aggregate.add("key", json.dumps({"id": f"part {number}"}).encode())
    lake.put(aggregate.encode())
    lake.settle()
    found = {row["id"]: row["_sequence"].partition(":")[2] for row in lake.rows() if "part" in row["id"]}
    assert found == {"part 0": "0", "part 1": "1", "part 2": "2"}


def test_what_cannot_be_delivered_lies_under_the_error_prefix_with_its_reason(lake: Lake) -> None:
    lake.put(
        {"id": "refused", "result": "ProcessingFailed"},
        {"id": "nowhere", "table": "nothing"},
        {"id": "late", "row": {"at": "2026-01-01T00:00:00Z"}},
        {"id": "gone", "result": "Dropped"},
    )
    lake.settle()
    assert codes(lake, "refused") == [("errors/lake/processing-failed", "Lambda.ProcessingFailedStatus")]
    assert codes(lake, "nowhere") == [("errors/lake/iceberg-failed", "Iceberg.NoSuchTable")]
    assert codes(lake, "late") == [("errors/lake/iceberg-failed", "Iceberg.SchemaTypeMismatch")]
    assert codes(lake, "gone") == []
    assert not {"refused", "nowhere", "late", "gone"} & set(ids(lake))


def test_what_is_put_to_a_firehose_directly_is_transformed_and_delivered_as_well(lake: Lake) -> None:
    records = [{"Data": json.dumps({"id": f"put {number}"})} for number in range(3)]
    lake.firehose.put_record_batch(DeliveryStreamName=REDRIVE, Records=records)
    lake.settle()
    assert sorted(one for one in ids(lake) if one.startswith("put")) == ["put 0", "put 1", "put 2"]


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        ({"kind": "transform_fails"}, 1),
        ({"kind": "transform_times_out", "when": "before"}, 1),
        ({"kind": "commit_fails"}, 1),
        ({"kind": "s3_fails"}, 1),
        ({"kind": "commit_unknown"}, 2),
        ({"kind": "restart"}, 2),
        ({"kind": "restart", "when": "before"}, 1),
    ],
)
def test_a_fault_costs_a_repeat_at_most(lake: Lake, fault: dict[str, Any], times: int) -> None:
    record = f"{fault['kind']} {fault.get('when')}"
    lake.fault(**fault, firehose=firehose()["name"])
    lake.put({"id": record})
    lake.settle()
    assert ids(lake).count(record) == times


def test_a_function_that_keeps_failing_leaves_its_batch_under_the_error_prefix(lake: Lake) -> None:
    lake.fault("transform_fails", count=2)
    lake.put({"id": "hopeless"})
    status = lake.settle()
    assert codes(lake, "hopeless") == [("errors/lake/processing-failed", "Lambda.FunctionError")]
    assert "transform_fails" in status["last_error"]


def test_a_column_that_is_added_while_events_flow_is_filled_from_then_on(lake: Lake) -> None:
    lake.put({"id": "old", "row": {"note": "unknown as yet"}})
    lake.settle()
    note = {"id": 8, "name": "note", "required": False, "type": '"string"'}
    lake.deploy(firehose(), firehose(REDRIVE, stream=False), tables=(table(note),))
    lake.put({"id": "new", "row": {"note": "known"}})
    lake.settle()
    notes = {row["id"]: row["note"] for row in lake.rows() if row["id"] in ("old", "new")}
    assert notes == {"old": None, "new": "known"}


def test_shards_that_are_split_go_on_being_read(lake: Lake) -> None:
    shards = lake.kinesis.list_shards(StreamName=STREAM)["Shards"]
    first = shards[0]["HashKeyRange"]
    middle = (int(first["StartingHashKey"]) + int(first["EndingHashKey"])) // 2
    lake.kinesis.split_shard(
        StreamName=STREAM, ShardToSplit=shards[0]["ShardId"], NewStartingHashKey=str(middle)
    )
    lake.put(*({"id": f"split {number}"} for number in range(20)))
    lake.settle()
    assert len([one for one in ids(lake) if one.startswith("split")]) == 20


def test_a_firehose_that_reads_a_stream_takes_no_puts(lake: Lake) -> None:
    lake.firehose.create_delivery_stream(
        DeliveryStreamName="reads",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": firehose()["kinesisSourceConfiguration"]["kinesisStreamArn"],
            "RoleARN": firehose()["icebergConfiguration"]["roleArn"],
        },
        IcebergDestinationConfiguration={
            "RoleARN": firehose()["icebergConfiguration"]["roleArn"],
            "CatalogConfiguration": {"CatalogARN": firehose()["icebergConfiguration"]["catalogArn"]},
            "S3Configuration": {
                "RoleARN": firehose()["icebergConfiguration"]["roleArn"],
                "BucketARN": f"arn:aws:s3:::{BUCKET}",
            },
        },
    )
    with pytest.raises(ClientError, match="not permitted on KinesisStreamAsSource"):
        lake.firehose.put_record_batch(DeliveryStreamName="reads", Records=[{"Data": b"x"}])


def test_a_fault_that_nobody_knows_is_refused_with_those_that_there_are(lake: Lake) -> None:
    with pytest.raises(AssertionError, match="transform_slow"):
        lake.fault("earthquake")


def test_a_firehose_works_as_its_role_and_with_no_right_but_its_own(lake: Lake) -> None:
    lake.put({"id": "as its role"})
    lake.settle()
    asked = lake.calls()
    used = {one["action"] for one in asked if one["allowed"]}
    assert not [one for one in asked if not one["allowed"]]
    assert {one["session"] for one in asked} >= {NAME}
    assert {"kinesis:GetRecords", "glue:GetTable", "glue:UpdateTable", "s3:PutObject"} <= used
    assert used <= {action for actions in RIGHTS.values() for action in actions}
