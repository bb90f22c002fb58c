"""How the page is served: cheaply to many, safely to each, and with what was there before when AWS is not."""

import csv
import io
import json
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sluice.contract.kinds import Kind
from sluice.report import shared as sharing
from sluice.report.shared import Shared
from tests.unit.report.client import Browser
from tests.unit.report.world import NOW, World, definition, measure

TOP = NOW.replace(second=0)
THROTTLED = ClientError(
    {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow"}}, "Query"
)


def requests(world: World) -> None:
    metric = world.windows.add(definition("requests"))
    world.current = [metric]
    world.windows.put(metric, TOP, (200,), count=5)


def test_fifty_tabs_cost_as_many_reads_as_one(world: World, browser: Browser) -> None:
    requests(world)
    browser.get("/api/chart", metric="requests")
    once = world.windows.reads
    tabs = [
        threading.Thread(target=browser.get, args=("/api/chart",), kwargs={"metric": "requests"})
        for _ in range(50)
    ]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert world.windows.reads == once
    browser.clock += 2
    browser.get("/api/chart", metric="requests")
    assert world.windows.reads == 2 * once


def test_what_has_not_changed_is_not_sent_again(world: World, browser: Browser) -> None:
    requests(world)
    first = browser.get("/api/chart", metric="requests", range="15m")
    tag = {"if-none-match": first.headers["etag"]}
    browser.clock, browser.now = 10, NOW + timedelta(seconds=10)
    again = browser.get("/api/chart", metric="requests", range="15m", headers=tag)
    assert (again.status, again.body) == (304, b"")
    world.windows.put(world.windows.known[0], TOP, (200,), count=6)
    browser.clock += 10
    assert browser.get("/api/chart", metric="requests", range="15m", headers=tag).status == 200


def test_while_nothing_changes_nothing_is_worked_out(world: World, browser: Browser) -> None:
    requests(world)
    world.windows.changing = False
    first = browser.get("/api/chart", metric="requests").data
    for _ in range(5):
        browser.clock += 2
        assert browser.get("/api/chart", metric="requests").data == first
    # what is asked each time is only which metrics there are
    assert world.windows.reads <= 7 + 5
    browser.now += timedelta(minutes=1)
    browser.clock += 2
    assert browser.get("/api/chart", metric="requests").data["end"] == first["end"] + 60


def test_the_questions_that_are_remembered_are_bounded() -> None:
    shared = Shared()
    for number in range(1_000):
        assert shared.get(number, lambda number=number: number, seconds=60).value == number
    assert len(shared) == sharing.MOST_KEYS


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (THROTTLED, "limiting how fast"),
        (EndpointConnectionError(endpoint_url="http://x"), "cannot be reached"),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "Query"), "refuses to let this page read"),
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Query"), "is not there"),
    ],
)
def test_when_aws_refuses_the_last_figures_stay_with_a_note(
    world: World, browser: Browser, error: Exception, said: str
) -> None:
    requests(world)
    before = browser.get("/api/chart", metric="requests").data
    world.windows.breaks = error
    browser.clock, browser.now = 10, NOW + timedelta(seconds=10)
    held = browser.get("/api/chart", metric="requests").document
    assert held["data"] == before
    assert said in held["problem"]
    assert held["read_at"] == "2026-11-20T12:07:30Z"
    assert browser.get("/api/chart", metric="unheard of").status == 503
    world.windows.breaks = None
    browser.clock += 10
    assert "problem" not in browser.get("/api/chart", metric="requests").document


def test_a_figure_that_cannot_be_read_hides_no_other(world: World, browser: Browser) -> None:
    world.windows.breaks = THROTTLED
    assert browser.get("/api/overview").status == 503
    assert browser.get("/api/letters").status == 200
    assert browser.get("/api/flow").status == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"metric": "request"}, "there is no metric request: there are requests"),
        ({"metric": "requests", "figure": "sum"}, "has no measure sum: it has count"),
        ({"metric": "requests", "range": "2y"}, "give one of 15m"),
        ({"metric": "requests", "since": "noon"}, "give a moment like"),
        ({"metric": "requests", "since": "2026-11-20T12:00Z", "until": "2026-11-20T11:00Z"}, "ends before"),
        ({"metric": "requests", "group": "[1]"}, "give a JSON object"),
        ({"metric": "requests", "group": '{"agent": "x"}'}, "is not grouped by agent"),
        ({"metric": "requests", "group": '{"status": "x"}'}, "x is no INTEGER"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_so_in_one_sentence(
    world: World, browser: Browser, query: dict[str, str], said: str
) -> None:
    requests(world)
    answer = browser.get("/api/chart", **query)
    assert answer.status == 400
    assert said.lower() in answer.document["problem"].lower()


def test_every_answer_forbids_other_hosts_frames_and_guessing(world: World) -> None:
    browser = Browser(world, connect_to=["https://login.example.com/tenant", "https://token.example.com/x"])
    for path in ("/", "/api/overview", "/login.json", "/static/nothing"):
        headers = browser.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["connect-src"] == "'self' https://login.example.com https://token.example.com"
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_a_page_of_another_name_cannot_read_this_one_through_the_users_browser(browser: Browser) -> None:
    assert browser.get("/api/overview", headers={"host": "evil.example.com"}).status == 400
    assert browser.get("/api/overview", headers={"host": "localhost:1234"}).status == 200


def test_no_path_leads_out_of_the_pages_own_files(browser: Browser) -> None:
    page = browser.get("/").body.decode()
    version = page.split("static/", 1)[1].split("/", 1)[0]
    kept = browser.get(f"/static/{version}/main.js")
    assert (kept.status, kept.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in kept.headers["cache-control"]
    for path in ("../app.py", "../../errors.py", "%2e%2e/app.py", "index.html", "", "vendor/uplot.LICENSE"):
        assert browser.get(f"/static/{version}/{path}").status == 404
    assert browser.get("/static/0000/main.js").status == 404


def test_a_page_without_a_login_says_so_and_one_with_names_the_issuer(world: World) -> None:
    assert Browser(world).get("/login.json").data == {}
    login = {"issuer": "https://login.example.com", "client_id": "page", "audience": ""}
    assert Browser(world, sources={"login": login}).get("/login.json").data == login


def test_dead_letters_show_up_without_their_payload(world: World, browser: Browser) -> None:
    world.letters.letters = [{"id": "a", "reason": "<b>no</b>"}]
    assert browser.get("/api/letters").data == {"waiting": 1, "read": 1, "letters": world.letters.letters}


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))


def test_a_download_has_every_window_group_and_figure_exactly(world: World, browser: Browser) -> None:
    metric = world.windows.add(
        definition("sales", measure("count"), measure("total", "sum", Kind.DECIMAL), by={"user": Kind.STRING})
    )
    world.windows.marked = TOP
    for number in range(1_200):
        world.windows.put(metric, TOP, (f"u{number}",), count=number, total=Decimal("-0.10"))
    world.windows.put(metric, TOP - timedelta(days=2), ("old",), count=1, total=None)
    answer = browser.get("/api/windows.csv", metric="sales", range="1h")
    assert answer.headers["content-disposition"] == 'attachment; filename="sales-20261120T120730Z.csv"'
    found = rows(answer)
    assert len(found) == 1_200
    assert {row["total"] for row in found} == {"-0.10"}
    assert found[0]["window_start"] == "2026-11-20T12:07:00Z"
    assert found[0]["provisional"] == "true"
    one = rows(
        browser.get("/api/windows.csv", metric="sales", range="all", group=json.dumps({"user": "old"}))
    )
    assert [(row["user"], row["count"], row["total"]) for row in one] == [("old", "1", "")]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_no_spreadsheet_takes_a_name_in_a_download_for_a_formula(
    world: World, browser: Browser, name: str
) -> None:
    metric = world.windows.add(definition("requests", by={"agent": Kind.STRING}))
    world.windows.put(metric, TOP, (name,), count=1)
    assert rows(browser.get("/api/windows.csv", metric="requests"))[0]["agent"] == f"'{name}"


def test_a_download_that_no_answer_can_hold_is_refused_with_what_to_do(world: World) -> None:
    requests(world)
    browser = Browser(world, sources={"most_bytes": 10})
    answer = browser.get("/api/windows.csv", metric="requests")
    assert answer.status == 400
    assert "choose a shorter time range or a group" in answer.document["problem"]
