"""A worker has its role's credentials, and none outlives them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sluice.local.identities import Identity, Issuer
from sluice.local.runtime import Runtime
from sluice.local.runtime_worker import Function

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:probe"
ROLE = Identity("111111111111", "a-role", "probe")
HANDLER = """
import os
def handler(event, context):
    return {name: os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN")}
"""

Build = Callable[..., Runtime]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    runtimes: list[Runtime] = []
    (tmp_path / "handler.py").write_text(HANDLER)

    def build(**settings: Any) -> Runtime:
        function = Function("probe", ARN, tmp_path, "handler.handler", 20.0, identity=ROLE)
        runtimes.append(Runtime([function], issuer=Issuer(b"a cloud's"), **settings))
        return runtimes[-1]

    yield build
    for runtime in runtimes:
        runtime.close()


def held(runtime: Runtime) -> tuple[str, str]:
    told = json.loads(runtime.invoke("probe", b"{}").payload)
    return told["AWS_ACCESS_KEY_ID"], told["AWS_SESSION_TOKEN"]


def test_a_worker_holds_credentials_of_its_functions_role(build: Build) -> None:
    runtime = build()
    key, token = held(runtime)
    assert Issuer(b"a cloud's").identify(key, token) == ROLE
    assert held(runtime) == (key, token), "the worker is kept"


def test_a_worker_is_replaced_before_an_invocation_could_outlive_its_credentials(build: Build) -> None:
    runtime = build(credentials_seconds=19.0)
    first, second = held(runtime), held(runtime)
    assert first != second
    for key, token in (first, second):
        assert Issuer(b"a cloud's").identify(key, token) == ROLE
    assert len(runtime.worker_pids()) == 1


def test_another_role_takes_another_worker(build: Build, tmp_path: Path) -> None:
    runtime = build()
    held(runtime)
    function = Function("probe", ARN, tmp_path, "handler.handler", 20.0)
    runtime.replace(replace(function, identity=replace(ROLE, role="another")))
    key, token = held(runtime)
    assert Issuer(b"a cloud's").identify(key, token).role == "another"
