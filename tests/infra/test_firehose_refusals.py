"""Destinations of Firehoses that cannot be deployed are refused in one line, before anything is declared."""

from typing import TYPE_CHECKING, Any

import pytest

from sluice.errors import SettingsError
from tests.infra.destinations import OPENSEARCH, REDSHIFT, SECRET, SNOWFLAKE, SPLUNK
from tests.infra.test_routes import ROUTED
from tests.infra.test_settings import refused

if TYPE_CHECKING:
    from tests.infra.conftest import Run

REFUSED = [
    ({"lake": OPENSEARCH}, "firehoses.lake is the name of a sink of Sluice itself: choose another;"),
    ({"free": OPENSEARCH}, "firehoses.free is the name of a sink of the route free: choose another;"),
    ({"Mine": OPENSEARCH}, "firehoses.Mine is no name of a sink: accepted is snake_case"),
    (
        {"mine": {**OPENSEARCH, "types": ["ordr"]}},
        "firehoses.mine.types names 'ordr', no event type of the pipeline: did you mean order?",
    ),
    (
        {"mine": {**SPLUNK, "splunk": {**SPLUNK["splunk"], "secret_arn": SECRET.replace("eu-c", "us-c")}}},
        "firehoses.mine.splunk.secret_arn is of us-central-1: accepted is a secret in eu-central-1",
    ),
]


@pytest.mark.parametrize(("given", "start"), REFUSED)
def test_what_does_not_fit_the_pipeline_is_refused_in_one_line(
    given: dict[str, Any], start: str, run: "Run"
) -> None:
    with pytest.raises(SettingsError) as error:
        run("dev", pipeline=ROUTED, firehoses=given)
    line = str(error.value)
    assert line.startswith(f"sluice:{start}"), line
    assert line.endswith("change it in Pulumi.dev.yaml")
    assert "\n" not in line


def within(settings: dict[str, Any], section: str, **more: Any) -> dict[str, Any]:
    return {"firehoses": {"x": {**settings, section: {**settings[section], **more}}}}


@pytest.mark.parametrize(
    ("given", "start", "says"),
    [
        ({"lake": {"buffer_mb": 129}}, "lake.buffer_mb is 129", "1 to 128 MB"),
        ({"lake": {"transform_buffer_kb": 199}}, "lake.transform_buffer_kb is 199", "200 to 3000 KB"),
        ({"lake": {"timeout_seconds": 301}}, "lake.timeout_seconds is 301", "1 to 300 seconds"),
        ({"lake": {"retry_seconds": 7201}}, "lake.retry_seconds is 7201", "0 to 7200 seconds"),
        ({"lake": {"result_days": 0}}, "lake.result_days is 0", "1 to 36500 days"),
        ({"firehoses": {"x": {}}}, "firehoses.x.destination is missing", "one of redshift, opensearch,"),
        (
            {"firehoses": {"x": {"destination": "kafka"}}},
            "firehoses.x.destination is 'kafka'",
            "one of redshift, opensearch, splunk, snowflake",
        ),
        (
            {"firehoses": {"x": {"destination": "splunk"}}},
            "firehoses.x.splunk is not set",
            "settings when destination is splunk, nothing otherwise",
        ),
        (
            {"firehoses": {"x": {**SPLUNK, "opensearch": OPENSEARCH["opensearch"]}}},
            "firehoses.x.opensearch is {'domain_arn'",
            "settings when destination is opensearch",
        ),
        ({"firehoses": {"x": {**REDSHIFT, "types": []}}}, "firehoses.x.types is []", "one type when"),
        (
            {"firehoses": {"x": {**SPLUNK, "buffer_mb": 6}}},
            "firehoses.x.buffer_mb is 6",
            "at most 5 when destination is splunk",
        ),
        (
            within(REDSHIFT, "redshift", jdbc_url="jdbc:postgresql://u:pw@host:5439/shop"),
            "firehoses.x.redshift.jdbc_url is",
            "without password",
        ),
        (
            within(REDSHIFT, "redshift", password="s"),  # noqa: S106 what a user may not give
            "firehoses.x.redshift.password is no setting",
            "known are",
        ),
        (
            within(REDSHIFT, "redshift", copy_options="CREDENTIALS 'aws_access_key_id=x'"),
            "firehoses.x.redshift.copy_options is",
            "without credentials",
        ),
        (
            within(OPENSEARCH, "opensearch", collection_endpoint="https://a.eu-central-1.aoss.amazonaws.com"),
            "firehoses.x.opensearch.domain_arn is",
            "or collection_endpoint instead of it",
        ),
        (
            within(OPENSEARCH, "opensearch", index="Events"),
            "firehoses.x.opensearch.index is 'Events'",
            "small",
        ),
        (
            within(SPLUNK, "splunk", endpoint="http://hec"),
            "firehoses.x.splunk.endpoint is 'http://hec'",
            "https",
        ),
        (
            within(SPLUNK, "splunk", acknowledgment_seconds=179),
            "firehoses.x.splunk.acknowledgment_seconds is 179",
            "180 to 600 seconds",
        ),
        (
            within(SNOWFLAKE, "snowflake", account_url="acme.example.com"),
            "firehoses.x.snowflake.account_url is 'acme.example.com'",
            "the address of a Snowflake account",
        ),
    ],
)
def test_the_line_says_what_is_accepted(given: dict[str, Any], start: str, says: str) -> None:
    line = refused(**given)
    assert line.startswith(f"sluice:{start}"), line
    assert says in line


def test_a_password_in_the_place_of_a_secrets_name_is_not_repeated() -> None:
    line = refused(**within(SPLUNK, "splunk", secret_arn="0F1E-TOKEN"))  # noqa: S106 what a user may not give
    assert "0F1E" not in line
    assert "secret_arn is something else, not shown here: accepted is the ARN of a secret" in line
