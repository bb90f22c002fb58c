"""What the dashboard says a day costs, computed as CloudWatch does from figures for which one can tell."""

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from sluice.local.watch.expression import Expression
from sluice.planner.prices import PRICES
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.program import Program
    from sluice.local.watch.functions import Series

DAY: Final = 86_400
GB: Final = 10**9


def computed(metrics: list[list[Any]], used: dict[tuple[str, ...], float]) -> dict[str, float]:
    """Return what each shown expression comes to; what was not used is not there."""
    known: dict[str, Series] = {}
    shown: dict[str, float] = {}
    for spec in metrics:
        last = spec[-1]
        if len(spec) > 1:
            known[last["id"]] = (used.get((spec[1], *spec[3::2][: (len(spec) - 2) // 2])),)
            continue
        assert len(last["expression"]) <= 2048, "CloudWatch API, MetricDataQuery"
        known[last["id"]] = Expression.parse(last["expression"]).series(known, 1, DAY)
        (value,) = known[last["id"]]
        if last.get("visible", True) and value is not None:
            shown[last["label"]] = value
    return shown


def of_costs(program: "Program") -> list[list[Any]]:
    body = json.loads(by_name(program)["alarms-dashboard"].inputs["dashboardBody"])
    (chart,) = [each for each in body["widgets"] if "in US dollars" in each["properties"].get("title", "")]
    metrics: list[list[Any]] = chart["properties"]["metrics"]
    return metrics


def test_small_records_cost_what_is_charged_for_one_at_least(everything: "Program") -> None:
    """Kinesis on demand and BigQuery count 1 KB a record at least; Firehose counts into Iceberg as it is."""
    idle = computed(of_costs(everything), {})
    million = 1_000_000
    used: dict[tuple[str, ...], float] = {
        ("IncomingRecords", "sluice-dev-events"): million,
        ("IncomingBytes", "sluice-dev-events"): 200 * million,
        ("DataReadFromKinesisStream.Records", "sluice-dev-lake-firehose"): million,
        ("DataReadFromKinesisStream.Bytes", "sluice-dev-lake-firehose"): 200 * million,
        ("Delivered", "sluice-dev", "bigquery"): million,
        ("RawBytes", "sluice-dev", "bigquery"): 300 * million,
        ("SentBytes", "sluice-dev", "bigquery"): 30 * million,
    }
    found = {label: value - idle[label] for label, value in computed(of_costs(everything), used).items()}
    assert found["Firehose"] == pytest.approx(200 * million / GB * PRICES["firehose.iceberg"].one)
    insert, out = PRICES["bigquery.insert"].one, PRICES["transfer.out"].one
    sent = 30 * million / GB * out
    assert found["BigQuery, and the way there"] == pytest.approx(1024 * million / GB * insert + sent)
    large = computed(of_costs(everything), used | {("RawBytes", "sluice-dev", "bigquery"): 5.0 * GB})
    assert large["BigQuery, and the way there"] == pytest.approx(5 * insert + sent)


def test_many_functions_still_fit_into_expressions_that_cloudwatch_takes() -> None:
    from infra.alarm import of_function  # noqa: PLC0415 imports the providers
    from infra.dashboard_costs import DailySum  # noqa: PLC0415 same
    from infra.dashboard_widgets import Chart  # noqa: PLC0415 same

    chart = Chart("What does each day cost, in US dollars?", period=DAY)
    total = DailySum("lambda", chart, fixed=1.0)
    for at in range(200):
        total.per(0.5, of_function("Duration", f"f{at}"))
    total.show("Lambda")
    used: dict[tuple[str, ...], float] = {("Duration", f"f{at}"): 2.0 for at in range(200)}
    assert computed(chart.metrics, used) == {"Lambda": pytest.approx(201)}
