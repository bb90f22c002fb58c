"""The page about roles says what the tests hold roles to."""

from pathlib import Path

from tests.infra.needed_by_services import NEEDS

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"


def test_every_right_that_a_service_needs_is_on_the_page_with_its_reason() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    wanted = [
        f"| `{need.statement}` | {', '.join(f'`{action}`' for action in need.actions)} | {need.because} |"
        for need in NEEDS
    ]
    assert sorted(rows) == sorted(wanted)
