"""Whatever contract a user writes: each fake holds to it, rows and schemas fit it, each poison is refused."""
# ruff: noqa: S311 - chance that can be repeated, no secret

import json
from datetime import UTC
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.contract import Contract, ContractViolation
from sluice.contract.evolution import Severity, check
from sluice.contract.fake import fake_events
from sluice.contract.json_schema import json_schema
from sluice.contract.poison import make, poison_kinds
from sluice.contract.snapshot import render, snapshot
from tests.property.contracts_drawn import FEW, START, contracts, made


@FEW
@given(contracts(), st.integers(0, 2**32))
def test_every_fake_is_accepted_and_travels_unchanged(contract: Contract, seed: int) -> None:
    events = made(lambda: list(fake_events(contract, seed=seed, start=START, count=25)))
    for event in events:
        kind = contract.type_of(event)
        data = contract.encode(event)
        assert contract.decode(data) == event
        assert kind.event_time(event).tzinfo is UTC
        row = json.loads(contract.encode_row(contract.decode(data)))
        assert [*row, *(column["name"] for column in kind.schema[-4:])] == [
            column["name"] for column in kind.schema
        ]


@FEW
@given(contracts(), st.integers(0, 2**32), st.sampled_from(poison_kinds()[:-1]))
def test_every_poison_is_refused_in_a_sentence(contract: Contract, seed: int, kind: str) -> None:
    data = made(lambda: make(contract, Random(seed), kind))
    with pytest.raises(ContractViolation) as caught:
        contract.decode(data)
    violation = caught.value
    assert violation.reason
    assert len(violation.reason) < 400
    assert violation.reason.isprintable()
    assert violation.type is None or violation.type in contract.types


@FEW
@given(contracts())
def test_every_contract_has_a_schema_and_a_snapshot_that_agrees_with_itself(contract: Contract) -> None:
    json.dumps(json_schema(contract))
    taken = snapshot(contract)
    assert json.loads(render(taken)) == taken
    assert check(taken, taken) == []


@FEW
@given(contracts(), contracts())
def test_any_two_snapshots_can_be_compared(old: Contract, new: Contract) -> None:
    for finding in check(snapshot(old), snapshot(new)):
        assert finding.what
        if finding.severity is Severity.REFUSE:
            assert finding.why
            assert finding.instead
