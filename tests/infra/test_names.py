"""Names: readable where they fit, cut with a hash where not, and the same at every run."""

import json
import re
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.names import Names, prefix_of, shortened
from infra.settings import Settings
from sluice.errors import SettingsError
from sluice.local.config import StackConfig, stack_config
from sluice.routes.route import MAX_SINK
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from tests.infra.conftest import Run

GIVEN = {"aws_account_id": "111111111111", "google_project": "example-analytics", "google_location": "EU"}
# Pulumi itself takes up to 100 letters, digits, hyphens, underscores and dots for each of the two.
NAMES = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=100)


def settings(region: str = "eu-central-1", **more: object) -> Settings:
    return Settings.model_validate({**GIVEN, "aws_region": region, **more})


@pytest.mark.parametrize(
    ("project", "stack", "prefix"),
    [
        ("sluice", "dev", "sluice-dev"),
        ("a-project-of-19-chr", "ab", "a-project-of-19-chr-ab"),
        ("a-project-of-20-chars", "x", "a-project-of-x-a3dfca"),
        ("customer-activity-analytics", "production", "customer-produc-533d30"),
        ("s", "a-very-long-stack-name-indeed", "s-a-very-long-s-827caa"),
        ("Sluice", "dev_1", "sluice-dev-1-090873"),
    ],
)
def test_a_name_is_the_same_at_every_run_and_shows_what_it_is_of(
    project: str, stack: str, prefix: str
) -> None:
    """These stand in the clouds: another way to shorten would replace everything that was deployed."""
    assert prefix_of(project, stack) == prefix


@given(NAMES, NAMES, NAMES, NAMES)
def test_what_is_called_differently_gets_other_names(one: str, other: str, stack: str, at: str) -> None:
    first, second = (prefix_of(f"p{project}", name) for project, name in ((one, stack), (other, at)))
    assert (first == second) == (f"p{one}-{stack}" == f"p{other}-{at}")


@given(NAMES, NAMES)
def test_all_names_of_every_project_and_stack_are_within_both_clouds_limits(project: str, stack: str) -> None:
    """In a region whose name is as long as any, with the longest suffix, sink and route."""
    longest = settings("us-isof-south-1", federation={"pool_suffix": "12345678"})
    names = Names.of(longest, project=f"p{project}", stack=stack)
    for bucket in (names.bucket, names.routes_bucket, names.lake_bucket):
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket), "S3"
    assert re.fullmatch(r"(?!gcp-)[a-z0-9-]{4,32}", names.pool), "a pool"
    assert re.fullmatch(r"[a-zA-Z0-9_.]{3,64}", names.writer_role), "a custom role"
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,27}", names.prefix), "an OpenSearch domain"
    for dataset in (names.dataset, names.views_dataset, names.lake_database, names.lake_views):
        assert re.fullmatch(r"[a-z0-9_]{1,255}", dataset), "a dataset and a Glue database"
    for name in (names.sink("s" * MAX_SINK), names.firehose("r" * 32), names.publisher):
        assert re.fullmatch(r"[a-z0-9-]{1,64}", name), "a function, a role and a Firehose"


def test_adopting_the_raw_dataset_moves_no_views() -> None:
    adopting = settings(adopt={"dataset": "landing"})
    dev, prod = (Names.of(adopting, project="sluice", stack=stack) for stack in ("dev", "prod"))
    assert (dev.dataset, prod.dataset) == ("landing", "landing")
    assert (dev.views_dataset, prod.views_dataset) == ("sluice_dev_views", "sluice_prod_views")


@pytest.mark.parametrize("project", ["gcp-events", "GCP.events", "sthree-events", "1st-events", "-", "_"])
def test_what_a_cloud_keeps_to_itself_is_refused_in_one_line(project: str) -> None:
    with pytest.raises(SettingsError, match=rf"^project and stack give the names '{project}-dev': "):
        prefix_of(project, "dev")


def test_a_cut_name_ends_in_a_hash_of_the_whole() -> None:
    assert shortened("short", 10) == "short"
    hashed = shortened("events_of_everything", 14)[-6:]
    assert shortened("events_of_everything", 14, "_") == f"events_{hashed}"
    assert shortened("a" * 20, 14) != shortened("a" * 21, 14)


def test_a_long_project_is_deployed_under_short_names_and_tagged_in_full(
    run: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    project = "Customer_Activity.Analytics-of-the-whole-company"

    def renamed(*given: Any) -> StackConfig:
        values = stack_config(*given).values
        return StackConfig(project=project, values={_of(project, key): values[key] for key in values})

    monkeypatch.setattr("sluice.local.program.stack_config", renamed)
    resources = by_name(run("dev"))
    assert resources["stream-stream"].inputs["name"] == f"{prefix_of(project, 'dev')}-events"
    tags = json.loads(resources["aws"].inputs["defaultTags"])["tags"]
    assert (tags["project"], tags["environment"]) == (project, "dev")


def _of(project: str, key: str) -> str:
    return f"{project}:{key.removeprefix('sluice:')}"
