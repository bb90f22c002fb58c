"""A function's calls are its role's: what that lacks is refused as AWS would, and what was asked is kept."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from sluice.local.cloud_process import ChildProcess
from sluice.local.identities import SECRET_VARIABLE, Credentials, Identity, Issuer
from tests.unit.local_cloud.clients import client

SECRET = b"of these tests"
PINNED = "111111111111"
OURS = "arn:aws:{}:eu-west-1:123456789012:{}"
POLICY = """{"Version": "2012-10-17", "Statement": [
  {"Sid": "Items", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
   "Resource": ["arn:aws:dynamodb:eu-west-1:111111111111:table/allowed"]},
  {"Sid": "Objects", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
   "Resource": ["arn:aws:s3:::bucket/mine/*"]},
  {"Sid": "Listing", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::listed"]},
  {"Sid": "Listed", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::listed/*"]},
  {"Sid": "Letters", "Effect": "Allow", "Action": ["sqs:SendMessage"],
   "Resource": ["arn:aws:sqs:eu-west-1:123456789012:letters"]},
  {"Sid": "NoLetters", "Effect": "Deny", "Action": ["sqs:DeleteMessage"], "Resource": ["*"]}]}"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    child = ChildProcess("sluice.local.aws", name="the local AWS", variables={SECRET_VARIABLE: SECRET.hex()})
    try:
        found = f"http://127.0.0.1:{child.hear(60)['port']}"
        iam = client("iam", found)
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument="{}")
        iam.put_role_policy(RoleName="reader", PolicyName="reader", PolicyDocument=POLICY)
        for table in ("allowed", "other"):
            client("dynamodb", found).create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        for bucket in ("bucket", "listed"):
            place: Any = {"LocationConstraint": "eu-west-1"}
            client("s3", found).create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        for queue in ("letters", "secret"):
            key = {"KmsMasterKeyId": OURS.format("kms", "key/1")} if queue == "secret" else {}
            client("sqs", found).create_queue(QueueName=queue, Attributes=key)
        client("kinesis", found).create_stream(StreamName="events", ShardCount=1)
        yield found
    finally:
        child.close()
        child.wait()


def issued(seconds: float = 600, secret: bytes = SECRET, session: str = "a-function") -> Credentials:
    return Issuer(secret).issue(Identity(PINNED, "reader", session), time.time() + seconds)


def as_role(service: str, url: str, credentials: Credentials | None = None) -> Any:
    by = credentials or issued()
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=by.access_key,
        aws_secret_access_key=by.secret_key,
        aws_session_token=by.token,
    )


def calls(url: str, session: str) -> list[dict[str, Any]]:
    told = urllib3.request("GET", url + "/_sluice/calls").json()["calls"]
    return [one for one in told if one["session"] == session]


ITEM = {"pk": {"S": "a"}}
DENIED: dict[str, tuple[str, str, Callable[[Any, str], Any]]] = {
    "dynamodb": (
        "AccessDeniedException",
        "dynamodb:PutItem on resource: " + OURS.format("dynamodb", "table/other"),
        lambda at, _: at.put_item(TableName="other", Item=ITEM),
    ),
    "kinesis": (
        "AccessDeniedException",
        "kinesis:PutRecord on resource: " + OURS.format("kinesis", "stream/events"),
        lambda at, _: at.put_record(StreamName="events", Data=b"a", PartitionKey="a"),
    ),
    "s3": (
        "AccessDenied",
        "s3:PutObject on resource: arn:aws:s3:::bucket/theirs",
        lambda at, _: at.put_object(Bucket="bucket", Key="theirs", Body=b""),
    ),
    "sqs": (
        "AccessDenied",
        "with an explicit deny in an identity-based policy",
        lambda at, url: at.delete_message(QueueUrl=f"{url}/123456789012/letters", ReceiptHandle="a"),
    ),
    "cloudwatch": (
        "AccessDenied",
        "cloudwatch:ListMetrics on resource: *",
        lambda at, _: at.list_metrics(),
    ),
    "sns": ("AccessDenied", "sns:ListTopics", lambda at, _: at.list_topics()),
}


@pytest.mark.parametrize("service", DENIED)
def test_what_a_role_lacks_is_denied_in_the_services_own_words(service: str, url: str) -> None:
    code, words, call = DENIED[service]
    with pytest.raises(ClientError) as refused:
        call(as_role(service, url), url)
    assert refused.value.response["Error"]["Code"] == code
    said = refused.value.response["Error"]["Message"]
    assert words in said
    assert said.startswith(f"User: arn:aws:sts::{PINNED}:assumed-role/reader/a-function is not authorized")


@pytest.mark.parametrize(
    ("service", "expired", "unknown"),
    [
        ("dynamodb", "ExpiredTokenException", "UnrecognizedClientException"),
        ("kinesis", "ExpiredTokenException", "UnrecognizedClientException"),
        ("s3", "ExpiredToken", "InvalidToken"),
        ("sqs", "ExpiredToken", "InvalidClientTokenId"),
        ("cloudwatch", "ExpiredToken", "InvalidClientTokenId"),
    ],
)
def test_credentials_that_are_over_or_of_another_cloud_are_refused(
    service: str, expired: str, unknown: str, url: str
) -> None:
    for credentials, code in ((issued(-1), expired), (issued(secret=b"another"), unknown)):
        with pytest.raises(ClientError) as refused:
            DENIED[service][2](as_role(service, url, credentials), url)
        assert refused.value.response["Error"]["Code"] == code


def test_what_a_role_allows_is_done_and_kept_with_the_statement_that_allows_it(url: str) -> None:
    credentials = issued(session="does-its-work")
    table, letters = as_role("dynamodb", url, credentials), as_role("sqs", url, credentials)
    for _ in range(2):
        table.put_item(TableName="allowed", Item=ITEM)
    assert table.get_item(TableName="allowed", Key=ITEM)["Item"] == ITEM
    letters.send_message(QueueUrl=f"{url}/123456789012/letters", MessageBody="a")
    found = [
        (one["action"], one["resource"], one["sid"], one["count"]) for one in calls(url, "does-its-work")
    ]
    allowed = OURS.format("dynamodb", "table/allowed")
    assert found == [
        ("dynamodb:GetItem", allowed, "Items", 1),
        ("dynamodb:PutItem", allowed, "Items", 2),
        ("sqs:SendMessage", OURS.format("sqs", "letters"), "Letters", 1),
    ]
    assert all(one["allowed"] and one["role"] == "reader" for one in calls(url, "does-its-work"))


def test_s3_says_that_an_object_is_missing_to_those_only_who_may_list(url: str) -> None:
    s3 = as_role("s3", url)
    for bucket, key, code in (("listed", "none", "NoSuchKey"), ("bucket", "mine/none", "AccessDenied")):
        with pytest.raises(ClientError) as missing:
            s3.get_object(Bucket=bucket, Key=key)
        assert missing.value.response["Error"]["Code"] == code


def test_what_a_key_encrypts_takes_the_right_to_the_key(url: str) -> None:
    """The queue's statement is there, the key's is not."""
    more = POLICY.replace(":letters", ":secret")
    client("iam", url).put_role_policy(RoleName="reader", PolicyName="more", PolicyDocument=more)
    credentials = issued(session="without-key")
    with pytest.raises(ClientError, match=r"not authorized to perform: kms:\w+ on resource: \S+:key/1 "):
        as_role("sqs", url, credentials).send_message(QueueUrl=f"{url}/123456789012/secret", MessageBody="a")
    sent, asked = calls(url, "without-key")[::-1]
    assert (sent["action"], sent["allowed"], sent["via"]) == ("sqs:SendMessage", True, None)
    assert (asked["allowed"], asked["via"]) == (False, "sqs.eu-west-1.amazonaws.com")


def test_whoever_has_no_credentials_of_a_role_owns_the_laptop(url: str) -> None:
    client("dynamodb", url).put_item(TableName="other", Item=ITEM)


def test_sts_says_who_signed(url: str) -> None:
    said = as_role("sts", url).get_caller_identity()
    assert said["Account"] == PINNED
    assert said["Arn"] == f"arn:aws:sts::{PINNED}:assumed-role/reader/a-function"
    assert said["UserId"].endswith(":a-function")
    for credentials, code in (
        (issued(-1), "ExpiredToken"),
        (issued(secret=b"another"), "InvalidClientTokenId"),
    ):
        with pytest.raises(ClientError) as refused:
            as_role("sts", url, credentials).get_caller_identity()
        assert refused.value.response["Error"]["Code"] == code
    unsigned = urllib3.request("POST", f"{url}/?Action=GetCallerIdentity&Version=2011-06-15")
    assert (unsigned.status, b"MissingAuthenticationToken" in unsigned.data) == (403, True)


def test_a_token_of_the_real_aws_is_refused_with_what_to_take_instead(url: str) -> None:
    foreign = Credentials("ASIAREALREALREALREAL", "secret", "a token of the real AWS", 0.0)
    with pytest.raises(ClientError, match=r"keys without a session token, such as local and local\.$"):
        as_role("kinesis", url, foreign).list_streams()
