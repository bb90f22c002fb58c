"""The real OpenSearch node, for tests that compare with it or need what only it does.

It runs where Java is and `make opensearch` has fetched it; elsewhere tests that need it are skipped, with the
reason. With SLUICE_REQUIRE_OPENSEARCH=1, as in continuous integration, they fail instead.
"""

import atexit
import os
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest

from sluice.local.opensearch.node import Node, absent

REQUIRED = "SLUICE_REQUIRE_OPENSEARCH"


def need_node() -> None:
    """Skip the test where there is no real node, or fail it where one is required."""
    why = absent()
    if why is None:
        return
    if os.environ.get(REQUIRED):
        pytest.fail(why)
    pytest.skip(why)


@lru_cache(maxsize=1)
def the_node() -> Node:
    """The one node of this test process: use index names of your own, and kill it never."""
    need_node()
    folder = tempfile.TemporaryDirectory(prefix="sluice-opensearch-")
    node = Node(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(node.close)
    return node.__enter__()
