"""Routes that cannot be deployed are refused in one line, before anything is declared."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sluice.errors import ContractError, SettingsError
from sluice.local.program import run_program
from tests.infra.conftest import ROOT

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.patterns import Compiled
    from tests.infra.conftest import Run

ROUTED = Path(__file__).with_name("routed.py")


WRONG_SETTINGS = [
    ({"payed": {}}, "payed is no route of the pipeline: did you mean paid? change it in Pulumi.dev.yaml"),
    (
        {"zzz": {}},
        "zzz is no route of the pipeline: there are large_orders, paid, free, returned_orders, all_orders;",
    ),
    (
        {"free": {"stream": {"retention_hours": 24}}},
        "free.stream is set, and the route leads to a Queue: drop it from Pulumi.dev.yaml, or lead",
    ),
    (
        {"large_orders": {"queue": {}}},
        "large_orders.queue is set, and the route leads to a Function: drop it from Pulumi.dev.yaml,",
    ),
    (
        {"paid": {"consumers": {"transaction": {}}}},
        "paid.consumers.transaction is no consumer of the route's stream: did you mean transactions?",
    ),
    (
        {"returned_orders": {"batch_size": 0}},
        "returned_orders.batch_size is 0: accepted is 1 to 10000 records; change it in Pulumi.dev.yaml",
    ),
]


@pytest.mark.parametrize(("given", "start"), WRONG_SETTINGS)
def test_settings_that_fit_no_route_are_refused_in_one_line(
    given: dict[str, Any], start: str, run: "Run"
) -> None:
    with pytest.raises(SettingsError) as error:
        run("dev", pipeline=ROUTED, routes=given)
    line = str(error.value)
    assert line.startswith(f"sluice:routes.{start}")
    assert "\n" not in line
    assert "Pulumi.dev.yaml" in line


def test_a_pipeline_without_routes_has_no_settings_of_routes(run: "Run") -> None:
    with pytest.raises(
        SettingsError, match=r"^sluice:routes.paid is no route of the pipeline: there are none;"
    ):
        run("dev", routes={"paid": {}})


def piped(tmp_path: Path, change: tuple[str, str]) -> Path:
    file = tmp_path / "pipeline.py"
    file.write_text(ROUTED.read_text().replace(*change))
    return file


def test_a_route_leads_to_a_folder_of_the_users_or_to_a_clear_error(run: "Run", tmp_path: Path) -> None:
    file = piped(tmp_path, ('Function("transactions")', 'Function("aggregator")'))
    with pytest.raises(ContractError) as error:
        run("dev", pipeline=file)
    assert str(error.value) == (
        "route 'large_orders': functions/aggregator is Sluice's own: lead it to a folder of yours (there are"
        " transactions), or make it as docs/routes.md shows"
    )
    missing = piped(tmp_path, ('Function("transactions")', 'Function("fraud_check")'))
    with pytest.raises(
        ContractError, match=r"^route 'large_orders': functions/fraud_check has no handler.py:"
    ):
        run("dev", pipeline=missing)


def test_a_condition_that_cannot_be_read_is_refused_at_preview(run: "Run", tmp_path: Path) -> None:
    file = piped(tmp_path, ('"total >= 1000"', '"totl >= 1000"'))
    with pytest.raises(
        ContractError, match=r"^route 'large_orders': .*totl.* is no field: did you mean total"
    ):
        run("dev", pipeline=file, preview=True)


def test_patterns_beyond_lambdas_limits_stop_the_program_before_anything_is_declared(
    monkeypatch: pytest.MonkeyPatch,
    programs: object,  # noqa: ARG001 the program imports the providers as it must
) -> None:
    def compile_route(route: Any, _: Any, *, enhanced: bool) -> "Compiled":
        raise ContractError(f"route {route.name!r}: too long ({enhanced})")

    monkeypatch.setattr("infra.routes.compile_route", compile_route)
    created = set()

    def create(resource: "Declared") -> tuple[str, dict[str, Any]]:
        created.add(resource.type)
        return "id", {}

    with pytest.raises(ContractError, match="too long"):
        run_program(ROOT, "dev", pipeline=ROUTED, create=create)
    assert created == {"pulumi:providers:aws", "pulumi:providers:gcp"}


def test_what_cannot_be_proven_about_a_partition_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
    run: "Run",
    programs: object,  # noqa: ARG001 the program imports the providers as it must
) -> None:
    monkeypatch.setattr("infra.pipeline_file.check_routes", lambda _: ["routes 'a' and 'b': not proven"])
    assert run("dev", pipeline=ROUTED, preview=True).warnings == ("routes 'a' and 'b': not proven",)
