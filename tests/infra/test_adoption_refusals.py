"""What is named as existing must lie in the environment's account and project, and fit the pipeline."""

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import parse_settings
from sluice.errors import SettingsError
from tests.infra.switches import EVERYTHING

if TYPE_CHECKING:
    from tests.infra.conftest import Run

GIVEN = {
    "aws_account_id": "111111111111",
    "aws_region": "eu-central-1",
    "google_project": "example-analytics-dev",
    "google_location": "EU",
}


def arn(resource: str, *, account: str = "111111111111", region: str = "eu-central-1") -> str:
    service, _, rest = resource.partition(":")
    return f"arn:aws:{service}:{region}:{account}:{rest}"


TABLE = arn("dynamodb:table/figures")


@pytest.mark.parametrize(
    ("given", "start", "within"),
    [
        (
            {"stream": {"arn": arn("kinesis:stream/clicks", account="999999999999")}},
            "adopt.stream.arn is 'arn:aws:kinesis:eu-central-1:999999999999:stream/clicks'",
            "an ARN of account 111111111111 in eu-central-1 (arn:aws:): nothing elsewhere is touched",
        ),
        (
            {"ledger": {"arn": arn("dynamodb:table/books", region="us-east-1")}},
            "adopt.ledger.arn is 'arn:aws:dynamodb:us-east-1:",
            "an ARN of account 111111111111 in eu-central-1",
        ),
        (
            {"dead_letter_bucket": {"arn": "arn:aws-cn:s3:::payloads"}},
            "adopt.dead_letter_bucket.arn is 'arn:aws-cn:s3:::payloads'",
            "(arn:aws:)",
        ),
        (
            {"stream": {"arn": "clicks"}},
            "adopt.stream.arn is 'clicks'",
            "the ARN of a Kinesis stream (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)",
        ),
        ({"stream": {}}, "adopt.stream.arn is missing", "the ARN of a Kinesis stream"),
        (
            {"stream": {"arn": arn("kinesis:stream/a"), "key_arn": "alias/mine"}},
            "adopt.stream.key_arn is 'alias/mine'",
            "the ARN of a KMS key",
        ),
        (
            {
                "route_streams": {
                    "paid": {"arn": arn("kinesis:stream/a"), "key_arn": arn("kms:key/a", region="us-east-1")}
                }
            },
            "adopt.route_streams.paid.key_arn is 'arn:aws:kms:us-east-1",
            "a key in eu-central-1",
        ),
        (
            {"windows": {"arn": TABLE}},
            "adopt.windows.stream_arn is missing",
            "the ARN of a table's stream",
        ),
        (
            {"windows": {"arn": TABLE, "stream_arn": arn("dynamodb:table/others/stream/2026-01-01")}},
            "adopt.windows.stream_arn is ",
            f"a stream of that table ({TABLE}/stream/LABEL)",
        ),
        (
            {"ledger": {"arn": TABLE}, "claims": {"arn": TABLE}},
            "adopt.claims.arn is ",
            "another than that of adopt.ledger",
        ),
        (
            {"dead_letter_queue": {"arn": arn("sqs:letters.fifo")}},
            "adopt.dead_letter_queue.arn is ",
            "the ARN of a standard SQS queue",
        ),
        (
            {"dataset": "example-analytics-prod.landing"},
            "adopt.dataset is 'example-analytics-prod.landing'",
            "a dataset of google_project (example-analytics-dev): no other is touched",
        ),
        ({"tables": ["order"]}, "adopt.tables is ['order']", "nothing unless adopt.dataset names"),
        ({"strem": {}}, "adopt.strem is no setting", "did you mean stream?"),
    ],
)
def test_what_lies_elsewhere_or_does_not_fit_is_refused_in_one_line(
    given: dict[str, Any], start: str, within: str
) -> None:
    line = refused(adopt=given)
    assert line.startswith(f"sluice:{start}"), line
    assert within in line


def test_a_key_may_be_of_another_account_as_platform_teams_keep_them() -> None:
    key = arn("kms:key/a", account="999999999999")
    given = {"stream": {"arn": arn("kinesis:stream/clicks"), "key_arn": key}}
    settings = parse_settings({**GIVEN, "adopt": given}, namespace="sluice:", file="Pulumi.dev.yaml")
    assert settings.adopted.stream is not None
    assert settings.adopted.stream.key_arn == key


def test_a_dataset_has_one_name_only() -> None:
    line = refused(adopt={"dataset": "landing"}, warehouse={"dataset": "events"})
    assert line.startswith("sluice:warehouse.dataset is 'events': accepted is nothing when adopt.dataset")


def refused(**given: Any) -> str:
    with pytest.raises(SettingsError) as error:
        parse_settings({**GIVEN, **given}, namespace="sluice:", file="Pulumi.dev.yaml")
    line = str(error.value)
    assert "\n" not in line
    assert line.endswith("Pulumi.dev.yaml")
    return line


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"route_streams": {"payd": {"arn": arn("kinesis:stream/a")}}},
            "sluice:adopt.route_streams.payd is no route that leads to a stream: did you mean paid?",
        ),
        (
            {"route_streams": {"free": {"arn": arn("kinesis:stream/a")}}},
            "sluice:adopt.route_streams.free is no route that leads to a stream: there are paid;",
        ),
        (
            {"dataset": "landing", "tables": ["orders"]},
            "sluice:adopt.tables names 'orders', which is no raw table of the pipeline: did you mean order?",
        ),
        (
            {"dataset": "Landing", "views_dataset": "landing"},
            "sluice:adopt.views_dataset is 'landing': accepted is another name than that of the raw dataset",
        ),
    ],
)
def test_what_the_pipeline_does_not_have_is_refused_before_anything_is_declared(
    given: dict[str, Any], line: str, run: "Run"
) -> None:
    with pytest.raises(SettingsError) as error:
        run("dev", pipeline=EVERYTHING, adopt=given)
    assert str(error.value).startswith(line)
    assert str(error.value).endswith("change it in Pulumi.dev.yaml")
