"""Real input: every one of ten thousand requests to a public web site is an event of its contract."""

import gzip
import json
from collections import Counter
from pathlib import Path

from sluice.pipeline import load_pipeline

ROOT = Path(__file__).parents[3]


def test_all_ten_thousand_requests_are_events() -> None:
    contract = load_pipeline(ROOT / "tests/pipelines/web_requests.py").contract
    with gzip.open(ROOT / "tests/data/web_requests.ndjson.gz") as file:
        lines = file.read().splitlines()
    events = [contract.decode(line) for line in lines]
    rows = [json.loads(contract.encode_row(event)) for event in events]
    assert len({contract.type_of(event).event_id(event) for event in events}) == 10_000
    assert Counter(row["status"] for row in rows) == {
        200: 9_126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2,
    }  # fmt: skip
    for line, row in zip(lines, rows, strict=True):
        assert json.loads(line) == row
