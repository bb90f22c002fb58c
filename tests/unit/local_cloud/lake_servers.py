"""A lake's servers without a program: the local AWS, the local Lambda with one function, the lake itself."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import urllib3

from sluice.local.cloud_process import ChildProcess
from sluice.local.identities import SECRET_VARIABLE
from sluice.local.lake.catalog import LakeCatalog
from tests.unit.local_cloud.clients import client

REGION, ACCOUNT = "eu-west-1", "123456789012"
BUCKET, DATABASE, TABLE, STREAM, NAME = "lake-objects", "lake_raw", "orders", "events", "lake-firehose"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:transform"

ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"
RIGHTS = {
    f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}": (
        "kinesis:DescribeStream",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
    f"arn:aws:s3:::{BUCKET}": ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
    f"arn:aws:s3:::{BUCKET}/errors/*": ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
    f"arn:aws:s3:::{BUCKET}/tables/*": (
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:PutObject",
    ),
    f"arn:aws:glue:{REGION}:{ACCOUNT}:*": ("glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
}
"""What infra.firehose_sink lets a Firehose do, by resource."""

ERRORS = "errors/lake/!{firehose:error-output-type}/date=!{timestamp:yyyy-MM-dd}/"
TRANSFORM = """
import base64, json

NOWHERE = {"shardId": "direct", "sequenceNumber": "0", "subsequenceNumber": ""}

def handler(event, context):
    return {"records": [answer(record) for record in event["records"]]}

def answer(record):
    # Records say what becomes of them.
    place = record.get("kinesisRecordMetadata") or NOWHERE
    told = json.loads(base64.b64decode(record["data"]))
    found = {"recordId": record["recordId"], "result": told.get("result", "Ok")}
    if found["result"] == "Ok":
        sequence = f'{place["sequenceNumber"]}:{place["subsequenceNumber"]}'
        row = {"id": told["id"], "_sequence": sequence, **told.get("row", {})}
        found["data"] = base64.b64encode(json.dumps(row).encode()).decode()
        table = {"destinationDatabaseName": "lake_raw", "destinationTableName": told.get("table", "orders")}
        found["metadata"] = {"otfMetadata": {**table, "operation": "insert"}}
    return found
"""


def table(*more: dict[str, Any]) -> dict[str, Any]:
    """The input of an Iceberg table, as the program declares it."""
    fields = [
        {"id": 1, "name": "id", "required": True, "type": '"string"'},
        {"id": 2, "name": "_sequence", "required": True, "type": '"string"'},
        {"id": 3, "name": "at", "required": False, "type": '"timestamptz"'},
        {"id": 4, "name": "amount", "required": False, "type": '"decimal(38,9)"'},
        {
            "id": 5,
            "name": "items",
            "required": False,
            "type": json.dumps(
                {
                    "type": "list",
                    "element-id": 6,
                    "element-required": False,
                    "element": {
                        "type": "struct",
                        "fields": [{"id": 7, "name": "count", "required": False, "type": "long"}],
                    },
                }
            ),
        },
        *more,
    ]
    day = {"sourceId": 3, "fieldId": 1000, "name": "at_day", "transform": "day"}
    declared = {
        "location": f"s3://{BUCKET}/tables/{TABLE}",
        "schema": {"fields": fields},
        "partitionSpec": {"fields": [day]},
        "properties": {"write.parquet.compression-codec": "zstd"},
    }
    return {"databaseName": DATABASE, "name": TABLE, "iceberg": declared}


def firehose(name: str = NAME, *, stream: bool = True, retries: int = 1) -> dict[str, Any]:
    """The inputs of a Firehose, with the ARN that it was given."""
    source = {"kinesisStreamArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}", "roleArn": "role"}
    parameters = {"LambdaArn": f"{FUNCTION}:$LATEST", "NumberOfRetries": str(retries)}
    return {
        "name": name,
        "arn": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}",
        "destination": "iceberg",
        **({"kinesisSourceConfiguration": source} if stream else {}),
        "icebergConfiguration": {
            "roleArn": ROLE,
            "catalogArn": f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog",
            "bufferingInterval": 60,
            "retryDuration": 10,
            "s3Configuration": {
                "roleArn": ROLE,
                "bucketArn": f"arn:aws:s3:::{BUCKET}",
                "errorOutputPrefix": ERRORS,
            },
            "processingConfiguration": {
                "enabled": True,
                "processors": [
                    {
                        "type": "Lambda",
                        "parameters": [
                            {"parameterName": key, "parameterValue": value}
                            for key, value in parameters.items()
                        ],
                    }
                ],
            },
        },
    }


class Lake:
    """The servers, and what tests ask of them."""

    def __init__(self, aws_url: str, lake_url: str) -> None:
        self.aws_url = aws_url
        self._lake_url = lake_url
        self._pool = urllib3.PoolManager(retries=False)
        self.catalog = LakeCatalog(aws_url, REGION)
        self.kinesis, self.s3 = client("kinesis", aws_url, REGION), client("s3", aws_url, REGION)
        self.firehose = client("firehose", aws_url, REGION)

    def close(self) -> None:
        """Give the connections back."""
        for one in (self.kinesis, self.s3, self.firehose):
            one.close()
        self._pool.clear()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the lake's own API."""
        answer = self._pool.request(method, self._lake_url + path, json=body)
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def deploy(self, *firehoses: dict[str, Any], tables: tuple[dict[str, Any], ...] = (table(),)) -> None:
        """Tell it what is declared."""
        told = _deployment(firehoses, tables)
        self.call("PUT", "/tables", told)
        self.call("PUT", "/deployment", told)

    def put(self, *records: dict[str, Any] | bytes) -> None:
        """Put records into the stream."""
        entries = [
            {"Data": one if isinstance(one, bytes) else json.dumps(one), "PartitionKey": str(number)}
            for number, one in enumerate(records)
        ]
        for start in range(0, len(entries), 500):
            self.kinesis.put_records(StreamName=STREAM, Records=entries[start : start + 500])

    def settle(self) -> dict[str, Any]:
        """Wait until everything that was put so far is dealt with; the status of the first Firehose."""
        since, deadline = time.time(), time.monotonic() + 60
        while time.monotonic() < deadline:
            self.call("POST", "/hurry")
            found = self.call("GET", "/status")["firehoses"]
            if all((one["caught_up_at"] or 0) >= since for one in found):
                return dict(found[0])
            time.sleep(0.02)
        raise AssertionError(found)

    def fault(self, kind: str, **more: Any) -> None:
        """Let something go wrong."""
        self.call("POST", "/_sluice/faults", {"kind": kind, **more})

    def rows(self) -> list[dict[str, Any]]:
        """All rows of the table."""
        return list(self.catalog.load(DATABASE, TABLE).scan().to_arrow().to_pylist())

    def calls(self) -> list[dict[str, Any]]:
        """What roles have asked of the local AWS."""
        return list(self._pool.request("GET", self.aws_url + "/_sluice/calls").json()["calls"])

    def errors(self) -> list[tuple[str, dict[str, Any]]]:
        """Keys and lines under the error prefix."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="errors/").get("Contents", [])
        lines = []
        for one in found:
            body = self.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            lines += [(one["Key"], json.loads(line)) for line in body.splitlines()]
        return lines


def _deployment(firehoses: tuple[dict[str, Any], ...], tables: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return {
        "region": REGION,
        "functions": [],
        "mappings": [],
        "outputs": {},
        "firehoses": list(firehoses),
        "lake_tables": list(tables),
    }


def _policy() -> str:
    allowed = [{"Effect": "Allow", "Action": of, "Resource": arn} for arn, of in RIGHTS.items()]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


@contextmanager
def servers(folder: Path) -> Iterator[Lake]:
    """Start them, with a table and nothing that runs yet."""
    (folder / "handler.py").write_text(TRANSFORM)
    function = {
        "name": "transform",
        "arn": FUNCTION,
        "code": {"archive": str(folder)},
        "handler": "handler.handler",
        "role": ROLE,
        "timeout": 20,
    }
    secret = {SECRET_VARIABLE: "00" * 32}
    with ExitStack() as stack:

        def child(module: str, *arguments: str) -> ChildProcess:
            found = ChildProcess(f"sluice.local.{module}", *arguments, name=module, variables=secret)
            stack.callback(found.wait)
            stack.callback(found.close)
            return found

        aws, control, lake = child("aws", "--port", "0"), child("control"), child("lake")
        urls = [f"http://127.0.0.1:{one.hear(60)['port']}" for one in (aws, control, lake)]
        with_function = {**_deployment((), ()), "functions": [function]}
        control.tell(
            deployment=with_function,
            aws_url=urls[0],
            bigquery_url=urls[0],
            verbose=False,
            limits=False,
            minute_seconds=60.0,
        )
        kinesis, s3 = client("kinesis", urls[0], REGION), client("s3", urls[0], REGION)
        glue, iam = client("glue", urls[0], REGION), client("iam", urls[0], REGION)
        iam.create_role(RoleName="firehose", AssumeRolePolicyDocument="{}")
        iam.put_role_policy(RoleName="firehose", PolicyName="firehose", PolicyDocument=_policy())
        kinesis.create_stream(StreamName=STREAM, ShardCount=2)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        glue.create_database(DatabaseInput={"Name": DATABASE})
        for one in (kinesis, s3, glue, iam):
            one.close()
        lake.tell(
            deployment=_deployment((), (table(),)),
            aws_url=urls[0],
            lambda_url=urls[1],
            limits=False,
            minute_seconds=60.0,
        )
        assert lake.hear(60) == {"ready": True}
        control.tell(begin=True)
        assert control.hear(60) == {"ready": True}
        found = Lake(urls[0], urls[2])
        stack.callback(found.close)
        yield found


__all__ = ["Lake", "firehose", "servers", "table"]
