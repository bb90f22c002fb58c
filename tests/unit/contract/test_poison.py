"""Every kind of poison is refused, for a reason that says what is wrong with it."""
# ruff: noqa: S311 - chance that can be repeated, no secret

from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from sluice.contract import Contract, ContractViolation
from sluice.contract.poison import HUGE_MOST, MIB, make, poison, poison_kinds, poison_stream
from sluice.pipeline import load_pipeline

ROOT = Path(__file__).parents[3]
WORDS = {
    "not JSON": ("not JSON",),
    "not UTF-8": ("not UTF-8",),
    "empty": ("is empty",),
    "wrong type": ("must be",),
    "unknown type": ("unknown event type",),
    "missing field": ("is missing",),
    "unknown field": ("not in the contract",),
    "out of range": ("must ", "more than"),
    "NaN": ("NaN or Infinity",),
    # Python 3.12 and later read deeper than 3.11 does, and the contract counts the levels itself
    "deep nesting": ("nested too deeply", "levels", "must be", "not in the contract"),
    "duplicate keys": ("twice",),
    "huge integer": ("beyond 64 bits", "must be"),
    "1 MiB": ("not in the contract",),
}


def contract(file: str) -> Contract:
    return load_pipeline(ROOT / file).contract


@pytest.mark.parametrize("file", ["pipeline.py", "tests/pipelines/web_requests.py"])
@pytest.mark.parametrize("kind", poison_kinds())
def test_each_kind_is_refused_for_what_is_wrong_with_it(kind: str, file: str) -> None:
    found, rng = contract(file), Random(3)
    for _ in range(3 if kind == "1 MiB" else 60):
        with pytest.raises(ContractViolation) as caught:
            found.decode(make(found, rng, kind))
        reason = caught.value.reason
        assert any(words in reason for words in WORDS[kind]), reason
        assert len(reason) < 250
        assert reason.isprintable()


def test_a_stream_of_poison_starts_with_every_kind() -> None:
    stream = poison_stream(contract("pipeline.py"), Random(1))
    assert {kind for kind, _ in islice(stream, len(poison_kinds()))} == set(poison_kinds())


def test_huge_records_stay_few_and_fit_a_kinesis_record() -> None:
    stream = poison_stream(contract("tests/pipelines/web_requests.py"), Random(1))
    sizes = [len(data) for _, data in islice(stream, 5_000)]
    huge = [size for size in sizes if size > MIB // 2]
    assert 1 <= len(huge) <= HUGE_MOST
    assert max(huge) + 256 * 4 == MIB


def test_the_same_chance_gives_the_same_kinds() -> None:
    found = contract("pipeline.py")
    first, second = ([poison(found, Random(seed))[0] for seed in range(200)] for _ in range(2))
    assert first == second
    assert len(Counter(first)) > 8
