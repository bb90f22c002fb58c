"""Producers of other accounts: who may write to the stream, what with, and who is refused beforehand."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.errors import SettingsError
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.program import Program
    from tests.infra.conftest import Run

ACCOUNT = "111111111111"
PRODUCERS = ["arn:aws:iam::444444444444:role/shop", "arn:aws:iam::555555555555:root"]


def test_producers_of_other_accounts_may_write_and_encrypt_and_nothing_else(run: "Run") -> None:
    found = by_name(run("prod", stream={"producers": PRODUCERS}, encryption={"key": "own"}))
    policy = found["stream-producers"].inputs
    stream = "arn:aws:kinesis:eu-central-1:123456789012:stream/sluice-prod-events"
    assert policy["resourceArn"] == stream
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Sid": "LetProducersWrite",
            "Effect": "Allow",
            "Principal": {"AWS": PRODUCERS},
            "Action": [
                "kinesis:DescribeStreamSummary",
                "kinesis:ListShards",
                "kinesis:PutRecord",
                "kinesis:PutRecords",
            ],
            "Resource": stream,
        }
    ]
    (encrypting,) = [
        each
        for each in json.loads(found["keys-key"].inputs["policy"])["Statement"]
        if each["Principal"].get("AWS") == PRODUCERS
    ]
    assert encrypting["Action"] == ["kms:GenerateDataKey"]
    assert encrypting["Condition"]["StringEquals"] == {
        "kms:ViaService": ["kinesis.eu-central-1.amazonaws.com"],
        "kms:EncryptionContext:aws:kinesis:arn": stream.replace("123456789012", "222222222222"),
    }


def test_no_stream_has_a_policy_unless_somebody_is_let_in(programs: "dict[str, Program]") -> None:
    for program in programs.values():
        assert "stream-producers" not in by_name(program)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "stream.producers is .*: accepted is nothing unless encryption.key is own or names a key"),
        (
            {"encryption": {"key": "own"}, "stream": {"producers": [f"arn:aws:iam::{ACCOUNT}:root"]}},
            f"stream.producers is .*: accepted is ARNs of other accounts: in account {ACCOUNT} itself IAM",
        ),
        (
            {"encryption": {"key": "own"}, "stream": {"producers": PRODUCERS[:1] * 2}},
            "accepted is each of them once",
        ),
        (
            {"encryption": {"key": "own"}, "stream": {"producers": ["444444444444"]}},
            "stream.producers.* is '444444444444': accepted is the ARN of a role or user",
        ),
        (
            {
                "encryption": {"key": "own"},
                "adopt": {"stream": {"arn": f"arn:aws:kinesis:eu-central-1:{ACCOUNT}:stream/clicks"}},
            },
            "nothing when adopt.stream names one",
        ),
    ],
)
def test_producers_that_could_not_write_are_refused(given: dict[str, Any], said: str, run: "Run") -> None:
    with pytest.raises(SettingsError, match=said):
        run("dev", **{"stream": {"producers": PRODUCERS}, **given})
