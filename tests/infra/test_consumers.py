"""Enhanced or shared: no more consumers than Kinesis allows, and a warning before shared readers crowd."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sluice.errors import SettingsError
from sluice.patterns import compile_route
from sluice.pipeline import Pipeline
from sluice.routes import Function, Queue, Route, Stream
from tests.infra import routed
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from tests.infra.conftest import Run

ROUTED = Path(__file__).with_name("routed.py")
WHERE = {"project": "sluice", "file": "Pulumi.dev.yaml"}
GIVEN = {
    "aws_account_id": "111111111111",
    "aws_region": "eu-central-1",
    "google_project": "example-analytics",
    "google_location": "EU",
}


@pytest.fixture(autouse=True)
def _providers(programs: object) -> None:
    """Make infra importable."""


def routes(count: int, to: Any = None) -> Pipeline:
    """Nothing but the BigQuery sink and so many routes."""
    return Pipeline(
        events=[routed.Order],
        routes=[Route(f"r{n}", "TRUE", types=[routed.Order], to=to or Queue()) for n in range(count)],
    )


def shared(count: int) -> dict[str, Any]:
    return {f"r{n}": {"consumer": "shared"} for n in range(count)}


def warned(pipeline: Pipeline, **given: Any) -> list[str]:
    from infra.readers import crowded  # noqa: PLC0415 imports the providers
    from infra.settings import Settings  # noqa: PLC0415 same

    return list(crowded(Settings.model_validate({**GIVEN, **given}), pipeline, **WHERE))


@pytest.mark.parametrize(
    ("setting", "box"), [("bigquery_sink", "bigquery-sink"), ("aggregator", "aggregator")]
)
def test_every_sink_can_be_a_shared_reader(setting: str, box: str, run: "Run") -> None:
    program = run("dev", **{setting: {"consumer": "shared"}})
    found = by_name(program)
    mapping = found[f"{box}-mapping"].inputs
    assert mapping["eventSourceArn"].endswith(":stream/sluice-dev-events")
    assert f"{box}-consumer" not in found
    assert "SubscribeToShard" not in found[f"{box}-policy"].inputs["policy"]
    assert "kinesis:GetRecords" in found[f"{box}-policy"].inputs["policy"]
    (sink,) = [each for each in program.outputs["sinks"].values() if each["reads"] == "shared"]
    assert "consumer" not in sink


def test_an_enhanced_routes_filter_is_what_its_condition_compiles_to(run: "Run") -> None:
    found = by_name(run("dev", pipeline=ROUTED))
    filtered = 0
    for route in routed.pipeline.routes:
        patterns = compile_route(route, routed.pipeline.contract, enhanced=True).patterns
        mapping = found[f"route-{route.name.replace('_', '-')}-mapping"].inputs
        given = mapping.get("filterCriteria", {"filters": []})["filters"]
        assert [each["pattern"] for each in given] == list(patterns)
        assert mapping.get("metricsConfig") == ({"metrics": ["EventCount"]} if patterns else None)
        filtered += bool(patterns)
    assert filtered
    assert "filterCriteria" not in found["bigquery-sink-mapping"].inputs, "nothing is lost to all filters"


def test_the_sixth_consumer_of_a_stream_waits_for_the_first(run: "Run") -> None:
    """Kinesis refuses a registration while five others are being created."""
    resources = run("dev", pipeline=ROUTED).resources
    consumers = [each for each in resources if each.type.endswith(":StreamConsumer")]
    of_main = [each.urn for each in consumers if each.inputs["streamArn"].endswith("sluice-dev-events")]
    waits = [
        [of_main.index(urn) for urn in each.depends_on if urn in of_main]
        for each in consumers
        if each.urn in of_main
    ]
    assert waits == [[], [], [], [], [], [0]]
    (own,) = [each for each in consumers if each.urn not in of_main]
    assert [urn.rpartition("::")[2] for urn in own.depends_on] == ["target-paid-stream"]


def test_twenty_enhanced_consumers_are_taken_and_more_are_refused() -> None:
    assert warned(routes(19)) == []
    with pytest.raises(SettingsError) as error:
        warned(routes(20))
    assert str(error.value) == (
        "sluice:stream.enhanced_consumers_limit is 20, and 21 sinks would read the stream over enhanced"
        " consumers: set sluice:routes.r19.consumer to shared, or, in an account with On-demand Advantage,"
        " the limit to 20 to 50; change it in Pulumi.dev.yaml"
    )
    with pytest.raises(SettingsError, match=r"set sluice:routes\.r20\.consumer and 1 more to shared"):
        warned(routes(21))


def test_a_shared_reader_or_a_higher_limit_makes_room() -> None:
    assert warned(routes(20), routes={"r7": {"consumer": "shared"}}) == []
    assert warned(routes(20), stream={"enhanced_consumers_limit": 21}) == []
    with pytest.raises(SettingsError, match="is 50, and 51 sinks"):
        warned(routes(50), stream={"enhanced_consumers_limit": 50})


def test_too_many_consumers_stop_a_preview(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "pipeline.py"
    many = "*(Route(f'r{n}', 'TRUE', types=[Order], to=Queue()) for n in range(20)),"
    file.write_text(re.sub(r"routes=\[", f"routes=[{many}", ROUTED.read_text()))
    with pytest.raises(SettingsError, match=r"^sluice:stream\.enhanced_consumers_limit is 20, and 26 sinks"):
        run("dev", pipeline=file, preview=True)


def test_the_streams_of_routes_have_the_same_limit() -> None:
    to = Stream(consumers=[Function(f"f{n}") for n in range(21)])
    with pytest.raises(
        SettingsError,
        match=r"^sluice:routes\.r0\.stream\.enhanced_consumers_limit is 20, and 21 sinks .*"
        r" set sluice:routes\.r0\.consumers\.f20\.consumer to shared",
    ):
        warned(routes(1, to))


def test_two_shared_readers_of_full_shards_are_fine_and_three_are_warned_of() -> None:
    sink = {"bigquery_sink": {"consumer": "shared"}}
    assert warned(routes(1), **sink, routes=shared(1)) == []
    assert warned(routes(2), **sink, routes=shared(2)) == [
        (
            "sluice:stream: 3 shared readers (bigquery, r0, r1) want 3 MB/s of the 2 MB/s that a full shard"
            " gives: they fall behind; set sluice:routes.r1.consumer to enhanced"
        )
    ]


def test_a_crowded_shard_is_a_warning_and_no_error(run: "Run") -> None:
    given = {name: {"consumer": "shared"} for name in ("large_orders", "paid", "free")}
    program = run("dev", pipeline=ROUTED, routes=given)
    (warning,) = program.warnings
    assert warning.startswith("sluice:stream: 3 shared readers (large_orders, paid, free) want 3 MB/s")


def test_the_figures_are_those_of_the_load_that_is_expected() -> None:
    def expecting(kilobytes: int | None, count: int = 3) -> list[str]:
        stream = {"mode": "provisioned", "shards": 10, "expected_kilobytes_per_second": kilobytes}
        return warned(routes(count), stream=stream, routes=shared(count))

    assert expecting(8000) == [
        (
            "sluice:stream: 3 shared readers (r0, r1, r2) want 24 MB/s of the 20 MB/s that 10 shards give:"
            " they fall behind; set sluice:routes.r2.consumer to enhanced, or sluice:stream.shards to 12"
        )
    ]
    assert expecting(6666) == []
    assert expecting(50_000) == expecting(10_000), "a shard takes no more in than 1 MB/s"
    assert expecting(None) == [
        (
            "sluice:stream: 3 shared readers (r0, r1, r2) want 3 MB/s of the 2 MB/s that a full shard gives:"
            " they fall behind; set sluice:routes.r2.consumer to enhanced; if shards are never full, say so"
            " in sluice:stream.expected_kilobytes_per_second"
        )
    ]
    (line,) = expecting(10_000, count=5)
    assert "set sluice:routes.r4.consumer and 2 more to enhanced" in line


def test_more_than_five_shared_readers_are_warned_of_however_little_they_read() -> None:
    stream = {"mode": "provisioned", "shards": 10, "expected_kilobytes_per_second": 100}
    assert warned(routes(5), stream=stream, routes=shared(5)) == []
    assert warned(routes(7), stream=stream, routes=shared(7)) == [
        (
            "sluice:stream: 7 shared readers (r0, r1, r2, r3, r4, r5, r6) poll each shard 7 times a second of"
            " 5: they wait for each other; set sluice:routes.r6.consumer and 1 more to enhanced"
        )
    ]


def test_the_readers_of_a_routes_stream_are_counted_by_themselves() -> None:
    readers = {f"f{n}": {"consumer": "shared"} for n in range(3)}
    to = Stream(consumers=[Function(folder) for folder in readers])
    assert warned(routes(1, to), routes={"r0": {"consumers": readers, "consumer": "shared"}}) == [
        (
            "sluice:routes.r0.stream: 3 shared readers (r0-f0, r0-f1, r0-f2) want 3 MB/s of the 2 MB/s that a"
            " full shard gives: they fall behind; set sluice:routes.r0.consumers.f2.consumer to enhanced"
        )
    ]
