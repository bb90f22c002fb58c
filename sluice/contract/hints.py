"""What a field's name says about its values: pools of realistic ones for fake data."""

import random
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mimesis import Generic

Pool = Callable[[Generic, random.Random], str]
"""Makes one value."""

POOL_SIZE = 400

_SITES = (
    "https://shop.example.com",
    "https://www.example.org",
    "https://news.example.net",
    "https://app.example.com",
)
_SECTIONS = (
    "products",
    "search",
    "articles",
    "account",
    "maps",
    "help",
    "categories",
    "offers",
    "reviews",
    "stories",
)
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{m}"
_BROWSERS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_{{m}} like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_WEBKIT} Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
)
_COUNTRIES = ("US", "DE", "AT", "CH", "FR", "GB", "ES", "IT", "NL", "PL", "SE", "BR", "IN", "JP", "CA", "AU")
_LOCALES = (
    "en-US",
    "en-GB",
    "de-DE",
    "de-AT",
    "fr-FR",
    "es-ES",
    "it-IT",
    "nl-NL",
    "pl-PL",
    "pt-BR",
    "ja-JP",
    "sv-SE",
)
_CURRENCIES = ("EUR", "EUR", "EUR", "USD", "USD", "GBP", "CHF", "PLN", "SEK", "JPY")
_TOPICS = (
    "coffee", "restaurant", "hotel", "museum", "bike rental", "vegan", "family", "open now", "playground",
    "hiking", "wheelchair access", "late night", "dog friendly", "free wifi", "parking", "live music",
    "bakery", "pharmacy",
)  # fmt: skip
_LAYERS = (
    "streets",
    "satellite",
    "terrain",
    "transit",
    "traffic",
    "bike lanes",
    "weather",
    "elevation",
    "labels",
)
_MAKES = ("Alpine", "Nordic", "Classic", "Foldable", "Wooden", "Electric", "Organic", "Handmade", "Urban")
_THINGS = ("trail shoes", "coffee grinder", "rain jacket", "desk lamp", "bike helmet", "bottle", "tea set")
_EDITIONS = ("", "", " No. 2", ", set of 3", " (refurbished)")
_ZONES = ("Europe/Vienna", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC")
_FLAGS = ("dark_mode", "beta_search", "new_navigation", "large_text", "reduced_motion")
_WORDS = ("new", "active", "standard", "basic", "premium", "default", "primary", "other")


def _slug(fake: Generic, rng: random.Random) -> str:
    return "-".join(fake.text.words(quantity=rng.randint(1, 6))).lower().replace(" ", "-")


def _path(fake: Generic, rng: random.Random) -> str:
    path = f"/{rng.choice(_SECTIONS)}/{_slug(fake, rng)}-{rng.randint(1, 9999)}"
    return path + rng.choice(("", f"?page={rng.randint(1, 9)}&sort=popular&ref={rng.getrandbits(32):08x}"))


def _url(fake: Generic, rng: random.Random) -> str:
    campaign = f"utm_medium=email&utm_campaign={_slug(fake, rng)}&cid={rng.getrandbits(64):016x}"
    path = _path(fake, rng)
    return f"{rng.choice(_SITES)}{path}{'&' if '?' in path else '?'}utm_source=newsletter&{campaign}"


def _referrer(fake: Generic, rng: random.Random) -> str:
    query = "+".join(fake.text.words(quantity=rng.randint(2, 5)))
    found = f"https://www.google.com/search?q={query}&oq={query}&sourceid=chrome&ie=UTF-8"
    return rng.choice((found, _url(fake, rng)))


def _query(fake: Generic, rng: random.Random) -> str:
    return " ".join((*fake.text.words(quantity=rng.randint(0, 2)), rng.choice(_TOPICS)))


def _email(fake: Generic, _: random.Random) -> str:
    return str(fake.person.email(domains=("example.com", "example.org")))


def _username(fake: Generic, _: random.Random) -> str:
    return str(fake.person.username(mask="l.d"))


def _version(_: Generic, rng: random.Random) -> str:
    return f"{rng.randint(1, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}"


def _title(_: Generic, rng: random.Random) -> str:
    return f"{rng.choice(_MAKES)} {rng.choice(_THINGS)}{rng.choice(_EDITIONS)}"


def _hex(digits: int) -> Pool:
    return lambda _, rng: f"{rng.getrandbits(digits * 4):0{digits}x}"


def _uuid(_: Generic, rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _one_of(values: tuple[str, ...]) -> Pool:
    return lambda _, rng: rng.choice(values)


def _prose(fake: Generic, rng: random.Random) -> str:
    return " ".join(fake.text.sentence() for _ in range(rng.randint(1, 4)))


def _browser(_: Generic, rng: random.Random) -> str:
    return rng.choice(_BROWSERS).format(v=rng.randint(118, 131), m=rng.randint(0, 7))


_POOLS: tuple[tuple[str, tuple[Pool, ...]], ...] = (
    (r"user_?agent|browser", (_browser,)),
    (r"e_?mail", (_email,)),
    (r"user_?name|login|nick|handle|account|author", (_username, _hex(8))),
    (r"first_?name|given_?name", (lambda fake, _: str(fake.person.first_name()),)),
    (r"last_?name|sur_?name|family_?name", (lambda fake, _: str(fake.person.last_name()),)),
    (r"full_?name|person|customer_?name", (lambda fake, _: str(fake.person.full_name()),)),
    (r"phone|mobile_number", (lambda fake, _: str(fake.person.phone_number()),)),
    (r"(^|_)ip(_|$)|ip_?addr|remote_addr", (lambda fake, _: str(fake.internet.ip_v4()),)),
    (r"referr?er", (_referrer,)),
    (r"url|uri|href|link|landing_page", (_url,)),
    (r"path|route|endpoint|page$", (_path,)),
    (r"sku|article_?n|product_?code", (lambda _, rng: f"ART-{rng.randint(0, 999_999):06d}", _hex(8))),
    (r"(^|_)country", (_one_of(_COUNTRIES), lambda fake, _: str(fake.address.country()))),
    (r"locale|language|(^|_)lang", (_one_of(_LOCALES), lambda _, rng: rng.choice(_LOCALES)[:2])),
    (r"currency", (_one_of(_CURRENCIES),)),
    (r"time_?zone|(^|_)tz$", (_one_of(_ZONES),)),
    (r"city|town", (lambda fake, _: str(fake.address.city()),)),
    (r"zip|postal", (lambda fake, _: str(fake.address.zip_code()),)),
    (r"street|address", (lambda fake, _: str(fake.address.address()),)),
    (r"version", (_version,)),
    (r"device|model", (lambda fake, _: str(fake.hardware.phone_model()),)),
    (r"tag|categor|topic|interest|keyword", (_one_of(_TOPICS),)),
    (r"layer", (_one_of(_LAYERS),)),
    (r"query|search|term", (_query,)),
    (r"title|headline|subject|product|item|article", (_title, _one_of(_TOPICS))),
    (r"company|vendor|merchant|brand|employer", (lambda fake, _: str(fake.finance.company()),)),
    (r"note|comment|message|description|text|body|review|reason|content", (_prose, _slug)),
    (r"colou?r", (lambda fake, _: str(fake.text.color()),)),
    (r"http_?method|verb", (_one_of(("GET", "GET", "POST", "PUT")),)),
    (r"protocol", (_one_of(("HTTP/1.1", "HTTP/2", "HTTP/1.0")),)),
    (r"uuid|guid|session|(^|_)id$|token|hash|key$", (_uuid, _hex(16), _hex(8))),
    (r"status|state|kind|tier|plan|level|group|segment", (_one_of(_WORDS),)),
)  # fmt: skip
_ANY: tuple[Pool, ...] = (
    lambda fake, rng: " ".join(fake.text.words(quantity=rng.randint(1, 3))),
    lambda fake, _: str(fake.text.word()),
    _hex(8),
    _hex(3),
)


@lru_cache(maxsize=1)
def _generic() -> Generic:
    return Generic()


def texts(name: str, seed: int) -> Iterator[str]:
    """Yield realistic strings for a field of this name, best first; they know nothing of its rules."""
    rng = random.Random(f"{seed}/{name}")  # noqa: S311 - fake data, no secret
    fake = _generic()
    fake.reseed(rng.getrandbits(32))
    makers = next((pools for pattern, pools in _POOLS if re.search(pattern, name.lower())), ())
    for make in (*makers, *_ANY):
        for _ in range(POOL_SIZE):
            yield make(fake, rng)


def json_document(rng: random.Random) -> Any:
    """A small free-form document, as apps attach to events."""
    filters = [
        {"field": rng.choice(_TOPICS), "operator": "equals", "value": rng.randint(0, 99)}
        for _ in range(rng.randint(1, 6))
    ]
    return {
        "variant": rng.choice(("control", "a", "b")),
        "flags": {name: rng.getrandbits(1) == 1 for name in rng.sample(_FLAGS, 3)},
        "filters": filters,
        "sort": {"by": rng.choice(("distance", "rating", "price")), "ascending": rng.getrandbits(1) == 1},
        "score": round(rng.random() * 100, 2),
    }
