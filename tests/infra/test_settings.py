"""A setting that cannot be used stops the program with one line: key, value, what is accepted, and where."""

import contextvars
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pulumi.runtime.settings import Settings as PulumiSettings
from pulumi.runtime.settings import configure
from pydantic import BaseModel

from infra.settings import Settings, load_settings, parse_settings
from infra.settings_adoption import AdoptedStream
from infra.settings_errors import accepted, section_of, sections_by_name
from infra.settings_functions import RouteSettings, SinkSettings
from infra.settings_lake import FirehoseDestinationSettings
from sluice.errors import ContractError, SettingsError
from sluice.local.config import stack_config
from tests.infra.conftest import ROOT

if TYPE_CHECKING:
    from tests.infra.conftest import Run

GIVEN = {
    "aws_account_id": "111111111111",
    "aws_region": "eu-central-1",
    "google_project": "example-analytics",
    "google_location": "EU",
}


def refused(**given: Any) -> str:
    with pytest.raises(SettingsError) as error:
        parse_settings({**GIVEN, **given}, namespace="sluice:", file="Pulumi.dev.yaml")
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith("sluice:")
    assert "Pulumi.dev.yaml" in line
    return line


SINK_RANGES = {
    "batch_size": (1, 10_000),
    "batching_window_seconds": (0, 300),
    "parallelization": (1, 10),
    "retry_attempts": (-1, 10_000),
    "timeout_seconds": (1, 900),
    "memory_mb": (128, 10_240),
}


@pytest.mark.parametrize(("key", "low", "high"), [(key, *ends) for key, ends in SINK_RANGES.items()])
def test_lambdas_limits_are_taken_at_both_ends_and_refused_beyond(key: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(SinkSettings.model_validate({key: value}), key) == value
    for value in (low - 1, high + 1):
        line = refused(bigquery_sink={key: value})
        assert line.startswith(f"sluice:bigquery_sink.{key} is {value}: accepted is ")
        assert str(high) in line


@pytest.mark.parametrize("value", [-1, 60, 604_800])
def test_a_records_age_is_unlimited_or_a_minute_to_a_week(value: int) -> None:
    assert SinkSettings(max_record_age_seconds=value).max_record_age_seconds == value


@pytest.mark.parametrize("value", [-2, 0, 59, 604_801])
def test_any_other_age_is_refused(value: int) -> None:
    assert "-1 (unlimited) or 60 to 604800 seconds" in refused(
        bigquery_sink={"max_record_age_seconds": value}
    )


@pytest.mark.parametrize(
    ("given", "start", "within"),
    [
        ({"bigquery_sink": {"batch_size": "many"}}, "bigquery_sink.batch_size is 'many'", "1 to 10000"),
        ({"bigquery_sink": {"batch_size": True}}, "bigquery_sink.batch_size is true", "1 to 10000"),
        ({"bigquery_sink": {"batch_size": 1.5}}, "bigquery_sink.batch_size is 1.5", "1 to 10000"),
        (
            {"bigquery_sink": {"batchsize": 1}},
            "bigquery_sink.batchsize is no setting",
            "did you mean batch_size",
        ),
        ({"bigquery_sink": {"log_level": "LOUD"}}, "bigquery_sink.log_level is 'LOUD'", "DEBUG, INFO"),
        ({"bigquery_sink": {"log_retention_days": 8}}, "bigquery_sink.log_retention_days is 8", "1, 3, 5, 7"),
        ({"bigquery_sink": {"enabled": "maybe"}}, "bigquery_sink.enabled is 'maybe'", "true or false"),
        (
            {"bigquery_sink": {"starting_position": "AT_TIMESTAMP"}},
            "bigquery_sink.starting_position_timestamp is not set",
            "a moment when starting_position is AT_TIMESTAMP",
        ),
        ({"streams": "{}"}, "streams is no setting", "did you mean stream?"),
        ({"nonsense": "1"}, "nonsense is no setting", "known are adopt, aggregator, alarms, auditor,"),
        ({"stream": "on-demand"}, "stream is 'on-demand'", "an object of settings"),
        ({"stream": '{"mode": "auto"}'}, "stream.mode is 'auto'", "one of on-demand, provisioned"),
        (
            {"stream": {"mode": "provisioned"}},
            "stream.shards is not set",
            "a number when the mode is provisioned",
        ),
        ({"stream": {"shards": 2}}, "stream.shards is 2", "nothing when it is on-demand"),
        ({"stream": {"retention_hours": 23}}, "stream.retention_hours is 23", "24 to 8760 hours"),
        ({"stream": {"retention_hours": 8760}}, "ledger.days is 90 (the default)", "365 or more"),
        ({"dead_letters": {"retention_days": 15}}, "dead_letters.retention_days is 15", "1 to 14 days"),
        ({"dead_letters": {"payload_days": 3}}, "dead_letters.payload_days is 3", "retention_days (14)"),
        ({"aws_account_id": "1234"}, "aws_account_id is '1234'", "12 digits"),
        ({"aws_region": "Frankfurt"}, "aws_region is 'Frankfurt'", "eu-central-1"),
        ({"google_location": "Berlin"}, "google_location is 'Berlin'", "EU, US or a region"),
        ({"tags": {"aws:mine": "x"}}, "tags.aws:mine is 'aws:mine'", "a tag's name"),
        (
            {"aggregator": {"tumbling_window_seconds": 901}},
            "aggregator.tumbling_window_seconds is 901",
            "1 to 900 seconds",
        ),
        (
            {"aggregator": {"tumbling_window_seconds": 900}},
            "alarms.watermark_seconds is 900 (the default)",
            "1020 or more",
        ),
        ({"aggregator": {"parallelization": 2}}, "aggregator.parallelization is no setting", "known are"),
        (
            {"bigquery_sink": {"consumer": "own"}},
            "bigquery_sink.consumer is 'own'",
            "one of enhanced, shared",
        ),
        (
            {"stream": {"enhanced_consumers_limit": 51}},
            "stream.enhanced_consumers_limit is 51",
            "20 to 50",
        ),
        (
            {"stream": {"mode": "provisioned", "shards": 2, "enhanced_consumers_limit": 21}},
            "stream.enhanced_consumers_limit is 21",
            "20 when the mode is provisioned: more are On-demand Advantage's",
        ),
        (
            {"stream": {"expected_kilobytes_per_second": 500}},
            "stream.expected_kilobytes_per_second is 500",
            "nothing when the mode is on-demand",
        ),
        ({"routes": "payments"}, "routes is 'payments'", "an object of settings"),
        ({"routes": '["payments"]'}, "routes is ['payments']", "an object of settings by name"),
        ({"routes": {"payments": 5}}, "routes.payments is 5", "an object of settings"),
        ({"routes": {"payments": {"memory": 5}}}, "routes.payments.memory is no setting", "memory_mb"),
        ({"routes": {"payments": {"memory_mb": 5}}}, "routes.payments.memory_mb is 5", "128 to 10240 MB"),
        (
            {"routes": {"payments": {"consumers": {"fraud": {"batch_size": 0}}}}},
            "routes.payments.consumers.fraud.batch_size is 0",
            "1 to 10000 records",
        ),
        (
            {"routes": {"payments": {"stream": {"shards": 2}}}},
            "routes.payments.stream.shards is 2",
            "nothing when it is on-demand",
        ),
        (
            {"routes": {"payments": {"stream": {"retention_hours": 8760}}}},
            "ledger.days is 90 (the default)",
            "365 or more: the books must outlive the streams",
        ),
        (
            {"routes": {"payments": {"queue": {"visibility_timeout_seconds": 43_201}}}},
            "routes.payments.queue.visibility_timeout_seconds is 43201",
            "0 to 43200 seconds",
        ),
        (
            {"routes": {"payments": {"firehose": {"buffer_mb": 129}}}},
            "routes.payments.firehose.buffer_mb is 129",
            "1 to 128 MB",
        ),
        (
            {"routes": {"payments": {"firehose": {"buffer_seconds": 901}}}},
            "routes.payments.firehose.buffer_seconds is 901",
            "0 to 900 seconds",
        ),
        ({"windows": {"days": 13}}, "windows.days is 13", "14 or more: a window must outlive"),
        ({"windows": {"days": 1801}}, "windows.days is 1801", "2 to 1800 days"),
        ({"windows": {"claim_days": 7}}, "windows.claim_days is 7", "8 or more: a claim must outlive"),
        ({"report": {"auth": False}}, "report.auth is false", "one of none, iam, oidc"),
        ({"report": {"auth": "oidc"}}, "report.issuer is not set", "what the issuer gave when auth is oidc"),
        (
            {"report": {"auth": "oidc", "issuer": "https://login.example.com"}},
            "report.client_id is not set",
            "what the issuer gave when auth is oidc",
        ),
        (
            {"report": {"auth": "oidc", "issuer": "http://login.example.com", "client_id": "page"}},
            "report.issuer is 'http://login.example.com'",
            "the https address",
        ),
        ({"report": {"auth": "iam", "client_id": "x"}}, "report.client_id is 'x'", "nothing otherwise"),
        ({"report": {"audience": "x"}}, "report.audience is 'x'", "nothing unless auth is oidc"),
        (
            {"warehouse": {"sketch_functions": "bqutil"}},
            "warehouse.sketch_functions is 'bqutil'",
            "a project and a dataset with a dot between them",
        ),
        ({"warehouse": {"analysts": ["bob"]}}, "warehouse.analysts.0 is 'bob'", "group:"),
        ({"protect": "perhaps"}, "protect is 'perhaps'", "true or false"),
        ({"federation": {"mode": None}}, "federation.mode is null:", "one of direct, impersonation"),
        ({"packages": {"python": 3.13}}, "packages.python is 3.13:", "3.12, 3.13, in quotes"),
    ],
)
def test_the_line_names_the_key_what_was_given_and_what_is_accepted(
    given: dict[str, Any], start: str, within: str
) -> None:
    line = refused(**given)
    assert line.startswith(f"sluice:{start}"), line
    assert within in line


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(
        SettingsError, match=r"sluice:aws_region is missing: accepted is .* set it in Pulumi.dev.yaml"
    ):
        parse_settings(
            {key: value for key, value in GIVEN.items() if key != "aws_region"},
            namespace="sluice:",
            file="Pulumi.dev.yaml",
        )


def test_further_mistakes_are_counted() -> None:
    assert refused(bigquery_sink={"batch_size": 0, "memory_mb": 1}).endswith("(1 more to correct)")


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = parse_settings(GIVEN, namespace="sluice:", file="Pulumi.dev.yaml")
    with pytest.raises(ValueError, match="frozen"):
        settings.aws_region = "us-east-1"


def test_a_batch_in_which_a_killer_is_not_found_within_a_minute_is_warned_of(run: "Run") -> None:
    (warning,) = run("dev", bigquery_sink={"batch_size": 2001}).warnings
    assert "hold its shard for more than a minute" in warning
    assert run("dev", bigquery_sink={"batch_size": 2000, "timeout_seconds": 900}).warnings == ()


def test_the_views_must_not_lie_among_the_raw_tables(run: "Run") -> None:
    with pytest.raises(SettingsError, match="analysts must not read the raw tables"):
        run("dev", warehouse={"dataset": "events", "views_dataset": "Events"})


WRONG_FILTER = """
from datetime import datetime
from sluice.contract import Event
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline

class Bid(Event, type="bid", time="bid_at"):
    bid_at: datetime
    amount: int

bids = Metric("bids", events=[Bid], window="1m", measures={"bids": Count()}, where="amuont > 0")
pipeline = Pipeline(events=[Bid], metrics=[bids])
"""


def test_a_broken_pipeline_file_is_one_line_too(run: "Run", tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no such pipeline file"):
        run("dev", pipeline=tmp_path / "none.py")
    (tmp_path / "bad.py").write_text("pipeline = (\n")
    with pytest.raises(ContractError, match=r"bad.py, line 1: "):
        run("dev", pipeline=tmp_path / "bad.py")
    (tmp_path / "filter.py").write_text(WRONG_FILTER)
    with pytest.raises(ContractError, match=r"metric 'bids': .*`amuont` is no field: did you mean amount\?"):
        run("dev", pipeline=tmp_path / "filter.py")


def fields(model: type[BaseModel] = Settings, above: str = "") -> dict[str, Any]:
    """Every setting that a stack's file may hold, by its key."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section, named = section_of(field.annotation), sections_by_name(field.annotation)
        if section is not None:
            found |= fields(section, f"{above}{name}.")
        elif named in {RouteSettings, FirehoseDestinationSettings, AdoptedStream}:
            found |= fields(named, f"{above}{name}.<name>.")
        else:
            found[f"{above}{name}"] = field
    return found


def test_every_setting_is_documented_with_its_default_and_limits() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = {
        key: (default, accepts)
        for key, default, accepts in re.findall(
            r"^\| `([\w.<>]+)` \| (.*?) \| (.*?) \| .* \|$", page, re.MULTILINE
        )
    }
    assert rows.keys() == fields().keys()
    for key, field in fields().items():
        assert rows[key] == (in_words(key, field), accepted(field)), key


def in_words(key: str, field: Any) -> str:
    """A default as the page shows it."""
    default = field.get_default()
    if field.is_required():
        return "required"
    if key.startswith("warehouse.") and key.endswith("dataset"):
        return "from the names"
    if isinstance(default, bool):
        return str(default).lower()
    return "unset" if default is None else "none" if default in ({}, ()) else str(default)


def test_pulumi_yaml_describes_the_same_settings_with_the_same_defaults() -> None:
    merged = stack_config(ROOT, "dev", {}).values
    assert {key.removeprefix("sluice:") for key in merged} == Settings.model_fields.keys()
    for stack in ("dev", "prod"):
        values = stack_config(ROOT, stack, {}).values
        parse_settings(
            {key.removeprefix("sluice:"): value for key, value in values.items()},
            namespace="sluice:",
            file=f"Pulumi.{stack}.yaml",
        )
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    for name, field in Settings.model_fields.items():
        assert schema[name]["description"]
        if field.is_required():
            assert "default" not in schema[name]
        elif isinstance(field.get_default(), bool):
            assert schema[name]["default"] is field.get_default()
        else:
            assert not schema[name]["default"], "objects and text: the defaults stand in infra/settings.py"


def test_settings_are_read_the_way_the_pulumi_command_line_passes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = {f"sluice:{key}": value for key, value in GIVEN.items()}
    passed |= {
        "sluice:protect": "false",
        "sluice:stream": '{"mode":"provisioned","shards":3}',
        "aws:region": "x",
    }
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(passed))

    def read() -> Settings:
        configure(PulumiSettings(project="sluice", stack="dev"))
        return load_settings()

    settings = contextvars.Context().run(read)
    assert (settings.protect, settings.stream.shards, settings.aws_region) == (False, 3, "eu-central-1")
