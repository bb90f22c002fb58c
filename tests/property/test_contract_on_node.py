"""Whatever contract a user writes: a real OpenSearch node takes its mapping and every event of it."""

import json
from typing import Any

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.contract import Contract, opensearch
from sluice.contract.fake import fake_events
from tests.opensearch.real import the_node
from tests.property.contracts_drawn import FEW, START, contracts, made


@pytest.fixture(scope="module")
def url() -> str:
    return the_node().url


def ask(method: str, url: str, body: bytes | None = None) -> Any:
    headers = {"content-type": "application/json"}
    return urllib3.request(method, url, body=body, headers=headers).json()


@settings(FEW, max_examples=6)
@given(contract=contracts(), seed=st.integers(0, 2**32))
def test_every_mapping_is_taken_and_then_every_event(url: str, contract: Contract, seed: int) -> None:
    events = made(lambda: list(fake_events(contract, seed=seed, start=START, count=30)))
    for kind in contract.types.values():
        index = f"{url}/varied-{kind.table}"
        ask("DELETE", index)
        document = {"settings": {"number_of_replicas": 0}, "mappings": opensearch.mapping(kind)}
        assert ask("PUT", index, json.dumps(document).encode()) == {
            "acknowledged": True,
            "shards_acknowledged": True,
            "index": f"varied-{kind.table}",
        }
        mine = [contract.encode_document(event) for event in events if contract.type_of(event) is kind]
        if mine:
            body = b"".join(b'{"create":{}}\n' + one + b"\n" for one in mine)
            answer = ask("POST", f"{index}/_bulk", body)
            assert answer["errors"] is False, json.dumps(answer)[:1_000]
            assert len(answer["items"]) == len(mine)
