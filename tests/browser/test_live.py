"""The page over a whole local cloud: what is produced shows up by itself."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sluice.cli.page import page
from tests.browser.conftest import Tabs
from tests.e2e.conftest import running

PIPELINE = '''
from datetime import datetime
from typing import Annotated
from sluice.contract import Event, field
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline


class Visit(Event, type="visit", id="id", time="at"):
    """A visit."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    page: Annotated[str, field("Which page", max_length=64)]


pipeline = Pipeline(
    events=[Visit],
    metrics=[
        Metric("visits_by_page", events=[Visit], window="5s", by=["page"], measures={"visits": Count()}),
    ],
)
'''


@pytest.mark.e2e
def test_what_a_live_pipeline_takes_in_shows_up_without_a_reload(tabs: Tabs, tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.py"
    pipeline.write_text(PIPELINE)
    now = datetime.now(UTC).isoformat()
    events = [
        {"type": "visit", "id": f"v{number}", "at": now, "page": "<b>home</b>" if number % 3 else "cart"}
        for number in range(300)
    ]
    with running(pipeline) as cloud, page(cloud.target) as shown, tabs.at(shown.url) as tab:
        opened = tab.open("#range=15m")
        expect(opened.locator("#no-metrics")).to_be_visible()
        cloud.send([json.dumps(event).encode() for event in [*events, {"type": "visit", "id": "bad"}]])
        expect(opened.locator("#metric-title")).to_have_text("visits by page", timeout=60_000)
        expect(opened.locator("#stats dd").first).to_have_text("300", timeout=60_000)
        expect(opened.locator("#groups tbody tr")).to_have_count(2)
        expect(opened.locator("#groups tbody tr").first).to_contain_text("<b>home</b>")
        expect(opened.locator("#balance .sink")).to_have_count(2)
        expect(opened.locator("#balance .badge.good")).to_have_count(2, timeout=60_000)
        expect(opened.locator("#letters-list")).to_contain_text("contract", timeout=60_000)
        expect(opened.locator(".card .about")).not_to_contain_text("provisional", timeout=60_000)
        assert tab.complaints == []
