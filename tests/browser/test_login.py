"""Signing in with an OpenID Connect issuer; the issuer here is one that Playwright plays."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Request, Route, expect

from sluice.report.app import create_app
from sluice.report.server import serving
from tests.browser import scenes
from tests.browser.conftest import Tabs

ISSUER = "https://login.example.com/tenant"
TOKEN = "https://token.example.com/oauth2/token"  # noqa: S105 - an address
LOGIN = {"issuer": ISSUER, "client_id": "report-page", "audience": "https://report.example.com"}


class Issuer:
    """Lets everybody in who asks with a challenge, and answers the right verifier once."""

    def __init__(self) -> None:
        self.asked: dict[str, list[str]] = {}
        self.redeemed: dict[str, list[str]] = {}
        self.expires_in = 3600

    def discovery(self, route: Route) -> None:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": TOKEN,
        }
        self._json(route, document)

    def authorize(self, route: Route, request: Request) -> None:
        self.asked = parse_qs(urlsplit(request.url).query)
        back = f"{self.asked['redirect_uri'][0]}?code=once&state={self.asked['state'][0]}"
        route.fulfill(status=302, headers={"location": back})

    def token(self, route: Route, request: Request) -> None:
        self.redeemed = parse_qs(request.post_data or "")
        self._json(route, {"access_token": "jwt", "token_type": "Bearer", "expires_in": self.expires_in})

    @staticmethod
    def _json(route: Route, document: Any) -> None:
        headers = {"access-control-allow-origin": "*", "content-type": "application/json"}
        route.fulfill(body=json.dumps(document), headers=headers)


def test_a_reader_signs_in_and_comes_back_to_what_the_link_showed(tabs: Tabs) -> None:
    issuer = Issuer()
    app = create_app(scenes.shop().sources(poll_seconds=0.2, login=LOGIN), connect_to=[ISSUER, TOKEN])
    with serving(app) as url, tabs.at(url) as tab:
        page = tab.page
        page.route(f"{ISSUER}/.well-known/openid-configuration", issuer.discovery)
        page.route(f"{ISSUER}/authorize?**", issuer.authorize)
        page.route(TOKEN, issuer.token)
        sent: list[str | None] = []
        page.on(
            "request", lambda each: "/api/" in each.url and sent.append(each.headers.get("authorization"))
        )
        page.goto(url + "#metric=page_views&range=6h")
        expect(page.locator("#metric-title")).to_have_text("page views")
        expect(page.locator("#ranges input:checked")).to_have_value("6h")
        expect(page.locator("#live-state")).to_have_text("Live")
        assert issuer.asked["code_challenge_method"] == ["S256"]
        assert issuer.asked["audience"] == [LOGIN["audience"]]
        assert issuer.asked["redirect_uri"] == [url]
        assert issuer.redeemed["code"] == ["once"]
        assert issuer.redeemed["code_verifier"][0] not in issuer.asked["code_challenge"]
        assert set(sent) == {"Bearer jwt"}
        assert "code=" not in page.url
        assert page.evaluate("() => Object.keys(localStorage)") == []
        assert tab.complaints == []


def test_a_fresh_token_that_the_data_refuses_leads_to_a_sentence_and_not_round_in_circles(tabs: Tabs) -> None:
    issuer = Issuer()
    app = create_app(scenes.shop().sources(poll_seconds=0.2, login=LOGIN), connect_to=[ISSUER, TOKEN])
    with serving(app) as url, tabs.at(url) as tab:
        page = tab.page
        page.route(f"{ISSUER}/.well-known/openid-configuration", issuer.discovery)
        page.route(f"{ISSUER}/authorize?**", issuer.authorize)
        page.route(TOKEN, issuer.token)
        page.route("**/api/**", lambda route: route.fulfill(status=401))
        page.goto(url)
        expect(page.locator("#notice")).to_contain_text("does not accept your sign-in")
        assert sum("/authorize?" in address for address in tab.asked) == 1


def test_a_reader_who_is_not_let_in_is_told_so(tabs: Tabs) -> None:
    app = create_app(scenes.shop().sources(poll_seconds=0.2, login=LOGIN), connect_to=[ISSUER, TOKEN])
    with serving(app) as url, tabs.at(url) as tab:
        tab.page.route(f"{ISSUER}/.well-known/openid-configuration", Issuer().discovery)
        tab.page.goto(url + "?error=access_denied&error_description=not+yours")
        expect(tab.page.locator("#notice")).to_contain_text("Signing in did not work")
        assert not [address for address in tab.asked if "/api/" in address]
