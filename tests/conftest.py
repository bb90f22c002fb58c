"""What every test process does once, for speed alone."""

import gc
import os
from collections.abc import Generator
from functools import cache
from itertools import groupby
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader


@cache
def _loaded(path: str, load: Any) -> Any:
    return load(JSONFileLoader(), path)


def pytest_configure() -> None:
    """Parse each of botocore's service models once, not once for every simulated AWS: 40 % of such tests."""
    load = JSONFileLoader.load_file
    JSONFileLoader.load_file = lambda _, path: _loaded(path, load)  # type: ignore[method-assign]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have parallel workers take a file that waits for a local cloud after every few that compute.

    Workers take whole files in this order, so that none builds a second time what a file's tests share. The
    last quarter is short files alone: the workers end together.
    """
    if not hasattr(config, "workerinput"):
        return
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    waiting = [tests for tests in files if any(test.get_closest_marker("e2e") for test in tests)]
    computing = [tests for tests in files if tests not in waiting]
    between = max(1, len(computing) * 3 // 4 // max(1, len(waiting)))
    ordered: list[list[pytest.Item]] = []
    for place, tests in enumerate(waiting):
        ordered += [tests, *computing[place * between : (place + 1) * between]]
    ordered += computing[len(waiting) * between :]
    items[:] = [item for tests in ordered for item in tests]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Look for no garbage while all is imported: that costs a quarter of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two workers more than there are cores: a test of a local cloud waits for a third of its time."""
    return (os.cpu_count() or 1) + 2
