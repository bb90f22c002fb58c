"""What changes in place in the local AWS, and what is refused because it holds data."""

import json
from typing import Any

import pytest

from sluice.errors import SettingsError
from sluice.local.declared import Declared
from sluice.local.deploy_again import Update
from sluice.local.deploy_aws import AwsCreator
from sluice.local.deploy_google import GoogleCreator
from sluice.local.deploy_result import Deployment, Made
from tests.unit.local_cloud.clients import client

TAKEN = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = {"Version": "2012-10-17", "Statement": [TAKEN]}
QUEUE, STREAM, ROLE = "aws:sqs/queue:Queue", "aws:kinesis/stream:Stream", "aws:iam/role:Role"
LOGS, TABLE = "aws:cloudwatch/logGroup:LogGroup", "aws:dynamodb/table:Table"
BEFORE: dict[str, dict[str, Any]] = {
    QUEUE: {"name": "letters", "messageRetentionSeconds": 86400},
    STREAM: {"name": "changing", "shardCount": 1, "retentionPeriod": 24},
    ROLE: {"name": "sink", "assumeRolePolicy": json.dumps(TRUST), "description": "before"},
    LOGS: {"name": "/aws/lambda/sink", "retentionInDays": 7},
    TABLE: {"name": "books", "hashKey": "k", "attributes": [{"name": "k", "type": "S"}]},
}
CHANGED: dict[str, dict[str, Any]] = {
    QUEUE: {"messageRetentionSeconds": 172800},
    STREAM: {"retentionPeriod": 48},
    ROLE: {"description": "after"},
    LOGS: {"retentionInDays": 30},
    TABLE: {"deletionProtectionEnabled": True},
}


def declared(kind: str, inputs: dict[str, Any]) -> Declared:
    return Declared(type=kind, name=kind.rpartition(":")[2], inputs=inputs, urn=kind)


def deploy(before: Deployment, aws_url: str, changes: dict[str, dict[str, Any]]) -> Deployment:
    update = Update(before, AwsCreator(aws_url, None), GoogleCreator(aws_url, aws_url))
    for kind, inputs in BEFORE.items():
        update.create(declared(kind, {**inputs, **changes.get(kind, {})}))
    done = update.finish({})
    assert done is not None
    return done


@pytest.fixture
def before(aws_url: str) -> Deployment:
    aws = AwsCreator(aws_url, None)
    aws.region = "eu-west-1"
    made = {kind: Made(*_created(aws, kind, inputs)) for kind, inputs in BEFORE.items()}
    return Deployment(region="eu-west-1", functions=[], mappings=[], outputs={}, made=made)


def _created(
    aws: AwsCreator, kind: str, inputs: dict[str, Any]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    identity, outputs = aws.create(declared(kind, inputs))
    return identity, inputs, outputs


def test_settings_of_what_is_there_are_changed_where_it_is(before: Deployment, aws_url: str) -> None:
    after = deploy(before, aws_url, CHANGED)
    url = before.made[QUEUE].outputs["url"]
    attributes = client("sqs", aws_url).get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert attributes["Attributes"]["MessageRetentionPeriod"] == "172800"
    kinesis = client("kinesis", aws_url)
    summary = kinesis.describe_stream_summary(StreamName="changing")["StreamDescriptionSummary"]
    assert summary["RetentionPeriodHours"] == 48
    assert after.retention_hours == {before.made[STREAM].outputs["arn"]: 48}
    assert client("iam", aws_url).get_role(RoleName="sink")["Role"]["Description"] == "after"
    groups = client("logs", aws_url).describe_log_groups(logGroupNamePrefix="/aws/lambda/sink")["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [30]
    table = client("dynamodb", aws_url).describe_table(TableName="books")["Table"]
    assert table["DeletionProtectionEnabled"] is True

    for kind, change in ((STREAM, {"shardCount": 2}), (TABLE, {"hashKey": "other"})):
        with pytest.raises(SettingsError, match="cannot be changed in place: stop `sluice local`"):
            deploy(before, aws_url, {kind: change})
