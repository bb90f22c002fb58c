"""What counts: how long its tumbling window is, how long windows and claims are kept, and who wakes whom."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import Settings
from sluice.errors import SettingsError
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from tests.infra.conftest import Run

WINDOWS = {"orders_by_customer": 60, "visits": 30}
"""Seconds, in tests/infra/orders.py."""


def mapping(resources: "dict[str, Declared]") -> dict[str, Any]:
    return resources["aggregator-mapping"].inputs


def test_every_window_of_a_metric_ends_together_with_a_tumbling_window(
    resources: "dict[str, Declared]",
) -> None:
    tumbling = mapping(resources)["tumblingWindowInSeconds"]
    assert not [name for name, seconds in WINDOWS.items() if seconds % tumbling]


def test_a_tumbling_window_that_does_not_divide_a_metrics_window_is_refused(run: "Run") -> None:
    run("dev", aggregator={"tumbling_window_seconds": 30})
    for seconds, metric in ((20, "visits"), (60, "visits"), (7, "orders_by_customer")):
        with pytest.raises(SettingsError) as error:
            run("dev", aggregator={"tumbling_window_seconds": seconds})
        assert str(error.value) == (
            f"sluice:aggregator.tumbling_window_seconds is {seconds}: accepted is a divisor of every metric's"
            f" window, and that of {metric} is {WINDOWS[metric]} seconds; change it in Pulumi.dev.yaml"
        )


def test_a_failed_call_comes_again_whole_until_it_succeeds(resources: "dict[str, Declared]") -> None:
    """Partial answers and finite retries could lose the final call of a window, and the window with it."""
    declared = mapping(resources)
    assert "functionResponseTypes" not in declared
    assert declared["parallelizationFactor"] == 1
    assert declared["maximumRetryAttempts"] == declared["maximumRecordAgeInSeconds"] == -1
    assert declared["bisectBatchOnFunctionError"] is False


def test_a_batch_in_which_a_killer_is_not_found_within_a_minute_is_warned_of(run: "Run") -> None:
    (warning,) = run("dev", aggregator={"batch_size": 2001}).warnings
    assert warning.startswith("aggregator.batch_size is 2001")


@pytest.mark.parametrize(
    ("stream", "windows", "days"),
    [
        ({}, {}, 8),
        ({"retention_hours": 24}, {}, 8),
        ({"retention_hours": 24}, {"claim_days": 2}, 2),
        ({"retention_hours": 193}, {}, 10),
        ({"retention_hours": 193}, {"claim_days": 30}, 30),
    ],
)
def test_a_claim_outlives_the_records_of_its_event(
    stream: dict[str, int], windows: dict[str, int], days: int
) -> None:
    settings = Settings.model_validate(
        {
            "aws_account_id": "111111111111",
            "aws_region": "eu-central-1",
            "google_project": "example-analytics",
            "google_location": "EU",
            "stream": stream,
            "windows": windows,
        }
    )
    assert settings.claim_days == days


def test_the_aggregator_knows_how_long_windows_and_claims_are_kept(run: "Run") -> None:
    resources = by_name(run("dev", windows={"days": 30, "claim_days": 20}))
    variables = resources["aggregator-function"].inputs["environment"]["variables"]
    assert (variables["SLUICE_WINDOW_DAYS"], variables["SLUICE_CLAIM_DAYS"]) == ("30", "20")
    assert run("dev", windows={"days": 30}).outputs["window_days"] == 30


def test_the_publisher_is_woken_by_segments_and_watermarks_and_never_by_expiry(
    resources: "dict[str, Declared]",
) -> None:
    (given,) = resources["window-publisher-mapping"].inputs["filterCriteria"]["filters"]
    pattern = json.loads(given["pattern"])
    assert pattern["eventName"] == ["INSERT", "MODIFY"], "an expired item is a REMOVE"
    assert pattern["dynamodb"]["Keys"]["pk"]["S"] == [{"prefix": "segments#"}, "watermark"]


def test_the_stream_of_the_table_carries_keys_alone(resources: "dict[str, Declared]") -> None:
    table = resources["windows-table"].inputs
    assert (table["streamEnabled"], table["streamViewType"]) == (True, "KEYS_ONLY")
    assert "streamEnabled" not in resources["windows-claims"].inputs


def test_both_functions_can_be_paused(run: "Run") -> None:
    resources = by_name(run("dev", aggregator={"enabled": False}, window_publisher={"enabled": False}))
    for name in ("aggregator", "window-publisher"):
        assert resources[f"{name}-mapping"].inputs["enabled"] is False


def test_only_the_schedule_may_call_the_aggregator_from_outside(resources: "dict[str, Declared]") -> None:
    permission = resources["census-permission"].inputs
    assert permission["function"] == resources["aggregator-function"].inputs["name"]
    assert permission["principal"] == "events.amazonaws.com"
    assert permission["sourceArn"].endswith(":rule/" + resources["census-rule"].inputs["name"])
    assert [each.name for each in resources.values() if each.type.endswith(":Permission")] == [
        "census-permission"
    ]
