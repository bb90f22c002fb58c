"""The page as a person meets it: live, legible, harmless, and usable without a mouse or a large screen."""

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Route, expect

from sluice.report.app import create_app
from sluice.report.server import serving
from tests.browser import scenes
from tests.browser.conftest import Tabs
from tests.unit.report.world import World, definition

COLOURED = """() => {
  const canvas = document.querySelector("#chart canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) {
    const light = data.slice(at, at + 3);
    coloured += data[at + 3] > 128 && Math.max(...light) - Math.min(...light) > 60;
  }
  return coloured > data.length / 4 / 20;
}"""
"""A twentieth of the chart is of no grey."""

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")


def test_it_shows_metrics_flow_and_dead_letters_and_asks_no_other_host(tabs: Tabs) -> None:
    with tabs.over(scenes.shop()) as tab:
        page = tab.open()
        expect(page.locator(".card")).to_have_count(3)
        expect(page.locator("#metric-title")).to_have_text("revenue by currency")
        expect(page.locator("#chart canvas")).to_be_visible()
        expect(page.locator("#groups tbody tr")).to_have_count(12)
        expect(page.locator("#balance .sink")).to_have_count(2)
        expect(page.locator("#letters-list tbody tr")).to_have_count(3)
        expect(page.locator("#live-state")).to_have_text("Live")
        assert tab.complaints == []
        assert {url.split("/")[2] for url in tab.asked} == {tab.url.split("/")[2]}


def test_a_new_window_shows_up_without_a_reload(tabs: Tabs) -> None:
    world = World()
    metric = world.windows.add(definition("requests"))
    world.current = [metric]
    now = datetime.now(UTC)
    world.windows.put(metric, now - timedelta(minutes=5), (200,), count=7)
    with tabs.over(world) as tab:
        page = tab.open()
        expect(page.locator("#stats dd").first).to_have_text("7")
        page.evaluate("() => { document.body.dataset.mark = 'same page' }")
        world.windows.put(metric, now, (404,), count=1_234)
        world.windows.marked = now + timedelta(minutes=5)
        expect(page.locator("#stats dd").first).to_have_text("1,241")
        expect(page.locator(".card .value")).to_have_text("1,234")
        expect(page.locator("#groups tbody tr").first).to_contain_text("404")
        assert page.locator("body").get_attribute("data-mark") == "same page"


def test_hostile_names_are_text_and_nothing_else(tabs: Tabs) -> None:
    with tabs.over(scenes.hostile()) as tab:
        page = tab.open()
        rows = page.locator("#groups tbody tr")
        expect(rows).to_have_count(len(scenes.HOSTILE) + 1)
        said = "\n".join(tab.texts("#groups .what"))
        assert "<script>document.title='owned'</script>" in said
        assert "\\u202egnp.live" in said
        assert "\u202e" not in said
        assert "\x1b" not in said
        assert page.locator("#groups script, #groups img, #letters script, #letters img").count() == 0
        assert page.title().startswith("shop ")
        page.locator("#chart").focus()
        page.keyboard.press("End")
        assert "<script>" in page.locator(".tip").first.inner_text()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert tab.complaints == []


def test_a_missing_value_and_one_called_so_are_two_groups_that_can_each_be_chosen(tabs: Tabs) -> None:
    with tabs.over(scenes.hostile()) as tab:
        page = tab.open()
        page.get_by_role("button", name="no value", exact=True).click()
        expect(page.locator("#stats dd").first).to_have_text("840")
        page.locator(".field.set .clear").click()
        page.get_by_role("button", name="“no value”", exact=True).click()
        expect(page.locator("#stats dd").first).to_have_text("930")


def test_ten_thousand_groups_are_eight_colours_one_sum_and_a_picker(tabs: Tabs) -> None:
    with tabs.over(scenes.many_groups()) as tab:
        page = tab.open()
        expect(page.locator("#groups .more")).to_contain_text("9,950 more groups")
        assert page.locator("*").count() < 1_500
        field = page.get_by_label("Only where customer is")
        field.fill("customer 0777")
        expect(page.locator("datalist option")).to_have_count(10)
        field.fill("customer 07777")
        field.press("Enter")
        expect(page.locator("#groups tbody tr")).to_have_count(0)
        expect(page.locator("#stats dd").first).to_have_text("3")


def test_suggestions_for_what_was_typed_are_not_overwritten_by_a_late_answer(tabs: Tabs) -> None:
    with tabs.over(scenes.many_groups()) as tab:
        page = tab.open()
        held: list[Route] = []
        page.route(
            re.compile(r"values\?(?!.*q=customer)"),
            lambda route: held.append(route) if not held else route.continue_(),
        )
        page.get_by_label("Only where customer is").fill("customer 0777")
        expect(page.locator("datalist option")).to_have_count(10)
        assert held, "all values are asked for when the field gets the focus"
        with page.expect_response(re.compile(r"values\?(?!.*q=customer)")):
            held[0].continue_()
        page.wait_for_timeout(100)
        expect(page.locator("datalist option")).to_have_count(10)


def test_an_empty_table_and_a_pipeline_without_metrics_say_what_to_expect(tabs: Tabs) -> None:
    with tabs.over(World()) as tab:
        page = tab.open()
        expect(page.locator("#no-metrics")).to_contain_text("No metrics yet")
        expect(page.locator("#letters-state")).to_contain_text("No dead letters")
        assert tab.complaints == []
    world = World()
    world.current = [world.windows.add(definition("requests"))]
    with tabs.over(world) as tab:
        expect(tab.open().locator("#metric-state")).to_contain_text("No windows in this time range")
        tab.page.get_by_role("button", name="Show all that is kept").click()
        expect(tab.page.locator("#metric-state")).to_contain_text("No windows yet")


def test_a_metric_that_was_removed_can_still_be_looked_at(tabs: Tabs) -> None:
    with tabs.over(scenes.shop()) as tab:
        page = tab.open()
        page.get_by_text("Metrics that are no longer computed").click()
        page.get_by_role("button", name="sign ups").click()
        expect(page.locator("#metric-title")).to_contain_text("no longer in the pipeline")
        expect(page.locator("#chart canvas")).to_be_visible()
        tab.open("#metric=unheard_of")
        expect(page.locator("#metric-state")).to_contain_text("There is no such metric")


def test_when_aws_throttles_the_last_figures_stay_with_a_note(tabs: Tabs) -> None:
    world = scenes.shop()
    with tabs.over(world) as tab:
        page = tab.open()
        before = page.locator("#stats dd").first.inner_text()
        world.windows.breaks = THROTTLED
        expect(page.locator("#notice")).to_contain_text("AWS is limiting how fast this page may read")
        expect(page.locator("#live-state")).to_have_text("Delayed")
        assert page.locator("#stats dd").first.inner_text() == before
        world.windows.breaks = None
        expect(page.locator("#live-state")).to_have_text("Live")
        expect(page.locator("#notice")).to_be_hidden()


def test_when_the_server_is_gone_the_page_says_so_and_comes_back_by_itself(tabs: Tabs) -> None:
    world = scenes.shop()
    app = create_app(world.sources(poll_seconds=0.2))
    with serving(app) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with tabs.at(url) as tab:
            page = tab.open()
            page.context.set_offline(True)
            expect(page.locator("#live-state")).to_have_text("Disconnected")
            expect(page.locator("#notice")).to_contain_text("The server does not answer")
            expect(page.locator("#groups tbody tr")).to_have_count(12)
            page.context.set_offline(False)
            expect(page.locator("#live-state")).to_have_text("Live")
            assert port


def test_a_link_shows_the_same_to_somebody_else(tabs: Tabs) -> None:
    with tabs.over(scenes.shop()) as tab:
        page = tab.open()
        page.get_by_role("button", name="page views").click()
        page.get_by_label("Measure").select_option("visitors")
        page.locator("#ranges input[value='6h']").check()
        page.get_by_role("button", name="ios").click()
        expect(page.get_by_label("Only where platform is")).to_have_value("ios")
        shared = page.url
        other = page.context.new_page()
        other.goto(shared)
        expect(other.locator("#metric-title")).to_have_text("page views")
        expect(other.get_by_label("Measure")).to_have_value("visitors")
        expect(other.locator("#ranges input:checked")).to_have_value("6h")
        expect(other.get_by_label("Only where platform is")).to_have_value("ios")


def test_the_keyboard_reaches_everything_and_the_chart_speaks(tabs: Tabs) -> None:
    with tabs.over(scenes.shop()) as tab:
        page = tab.open()
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.className") == "skip"
        page.locator("#chart").focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#chart-said")).to_contain_text("provisional: EUR · card")
        expect(page.locator(".tip").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".tip").first).to_be_hidden()
        page.locator(".card").nth(1).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#metric-title")).to_have_text("page views")
        expect(page.locator(".card").nth(1)).to_be_focused()


def test_the_chart_is_a_table_too_and_controls_have_names(tabs: Tabs) -> None:
    with tabs.over(scenes.shop()) as tab:
        page = tab.open()
        page.get_by_text("Chart as a table").click()
        expect(page.locator("#chart-table thead th")).to_have_count(10)
        expect(page.locator("#chart-table tbody tr").first).to_contain_text("(provisional)")
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, input, select, a[href]")].filter((each) =>
                !(each.getAttribute("aria-label") || (each.labels?.[0] ?? each).textContent.trim()))
                .map((each) => each.outerHTML)"""
        )
        assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_schemes_and_the_choice_is_kept(tabs: Tabs, scheme: Any) -> None:
    with tabs.over(scenes.shop(), color_scheme=scheme) as tab:
        page = tab.open()
        ratios = page.evaluate(CONTRAST)
        assert ratios == {}, ratios
        page.locator("#theme").click()
        page.locator("#theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (colour.startsWith("rgb(")) return parse(colour);
    }
    return [255, 255, 255];
  };
  const low = {};
  for (const element of document.querySelectorAll("main *, header *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.offsetParent) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low[element.textContent.trim().slice(0, 40)] = ratio;
  }
  return low;
}"""


def test_a_phone_needs_no_sideways_scrolling(tabs: Tabs) -> None:
    phone = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
    for scene in (scenes.shop(), scenes.hostile()):
        with tabs.over(scene, **phone) as tab:
            page = tab.open()
            expect(page.locator("#chart canvas")).to_be_visible()
            assert page.evaluate("() => document.documentElement.scrollWidth") == 375


def test_bars_are_seen_however_narrow_they_are(tabs: Tabs) -> None:
    world = World()
    metric = world.windows.add(definition("requests", window=30))
    world.current = [metric]
    now = datetime.now(UTC)
    for minutes in range(1, 50):
        world.windows.put(metric, now - timedelta(minutes=minutes), (200,), count=7)
    with tabs.over(world, viewport={"width": 360, "height": 740}) as tab:
        page = tab.open("#range=1h")
        expect(page.locator("#stats dd").first).not_to_be_empty()
        expect(page.locator("#chart canvas")).to_be_visible()
        page.wait_for_function(COLOURED)


def test_a_download_is_the_whole_range_as_a_spreadsheet_takes_it(tabs: Tabs, tmp_path: Path) -> None:
    with tabs.over(scenes.hostile()) as tab:
        page = tab.open()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        file = tmp_path / "windows.csv"
        download.value.save_as(file)
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.DictReader(text))
        assert len(rows) == 30 * (len(scenes.HOSTILE) + 1)
        assert "'=cmd|' /C calc'!A0" in {row["agent"] for row in rows}


def test_a_page_that_nobody_sees_asks_for_nothing(tabs: Tabs) -> None:
    world = scenes.shop()
    with tabs.over(world) as tab:
        page = tab.open()
        page.evaluate(
            """() => {
              Object.defineProperty(document, "hidden", { get: () => true });
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
        page.wait_for_timeout(600)
        before = len(tab.asked)
        page.wait_for_timeout(600)
        assert len(tab.asked) == before
