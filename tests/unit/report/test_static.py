"""The page's own files: nothing from elsewhere, and what others wrote is what they published."""

import hashlib
import re
from pathlib import Path

import pytest

from sluice.report.app import STATIC

VENDOR = STATIC / "vendor"
LISTED = dict(
    re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE)
)
OURS = sorted(path for path in STATIC.glob("*.*") if path.suffix in {".js", ".css", ".html"})
MOST_LINES = 350


def test_what_others_wrote_is_what_they_published() -> None:
    found = {path.name for path in VENDOR.iterdir()} - {"README.md"}
    assert found == set(LISTED)
    for name, digest in LISTED.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_the_page_makes_no_markup_out_of_text_and_loads_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser"
    assert not re.search(forbidden, text)
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not addresses
    assert not re.search(r"\sstyle=|\son\w+=\"", text), (
        "the page's policy lets no inline styles or scripts through"
    )
    assert len(text.splitlines()) <= MOST_LINES
