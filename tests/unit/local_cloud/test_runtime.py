"""The local Lambda runtime: what a function may do without harm to anything but its own invocation."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any

import psutil
import pytest

from sluice.local.mapping_types import Invocation, Verdict
from sluice.local.runtime import LOG_BYTES, MAX_WORKERS, Runtime
from sluice.local.runtime_worker import Function

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:probe"

Build = Callable[..., Runtime]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    runtimes: list[Runtime] = []

    def build(source: str, **settings: Any) -> Runtime:
        (tmp_path / "handler.py").write_text(dedent(source))
        function = Function("probe", ARN, tmp_path, "handler.handler", **{"timeout_seconds": 20.0} | settings)
        runtimes.append(Runtime([function]))
        return runtimes[-1]

    yield build
    for runtime in runtimes:
        runtime.close()


def answer(result: Invocation) -> Any:
    assert result.verdict is Verdict.ANSWERED, result
    return json.loads(result.payload)


def test_a_handler_gets_its_event_context_and_only_the_declared_environment(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the user's own")
    runtime = build(
        """
        import os, sys
        def handler(event, context):
            return {
                "event": event,
                "left": context.get_remaining_time_in_millis(),
                "name": context.function_name,
                "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb,
                "request": context.aws_request_id,
                "path": sys.path[0],
                "cwd": os.getcwd(),
                "variables": dict(os.environ),
            }
        """,
        memory_mb=256,
        variables={"MINE": "yes"},
    )
    result = runtime.invoke("probe", b'{"a": [1, "\xc3\xa9"]}')
    seen = answer(result)
    assert seen["event"] == {"a": [1, "\u00e9"]}
    assert 0 < seen["left"] <= 20_000
    assert (seen["name"], seen["arn"], seen["memory"]) == ("probe", ARN, 256)
    assert seen["request"] == result.request_id
    assert seen["path"] == seen["variables"]["LAMBDA_TASK_ROOT"] == str(Path(seen["cwd"]))
    assert seen["variables"]["MINE"] == "yes"
    assert seen["variables"]["AWS_REGION"] == "eu-west-1"
    assert "AWS_SESSION_TOKEN" not in seen["variables"]


def test_what_a_handler_imports_comes_from_its_package_first(build: Build, tmp_path: Path) -> None:
    (tmp_path / "sluice").mkdir()
    (tmp_path / "sluice" / "__init__.py").write_text("here = 'packaged'")
    runtime = build("import sluice\ndef handler(event, context): return sluice.here")
    assert answer(runtime.invoke("probe", b"{}")) == "packaged"


def test_a_worker_is_kept_for_the_next_invocation(build: Build) -> None:
    runtime = build("import os\ndef handler(event, context): return os.getpid()")
    assert answer(runtime.invoke("probe", b"{}")) == answer(runtime.invoke("probe", b"{}"))


def test_an_invocation_waits_for_the_worker_that_was_started_ahead_of_it(
    build: Build, tmp_path: Path
) -> None:
    runtime = build(
        f"""
        import os, time
        with open({str(tmp_path / "starts")!r}, "a") as starts:
            starts.write("started\\n")
        time.sleep(0.2)
        def handler(event, context):
            return os.getpid()
        """
    )
    runtime.warm()
    runtime.warm()
    first = answer(runtime.invoke("probe", b"{}"))
    assert answer(runtime.invoke("probe", b"{}")) == first
    assert (tmp_path / "starts").read_text() == "started\n"


def test_a_worker_that_cannot_start_ahead_is_tried_again_by_the_invocation(build: Build) -> None:
    runtime = build("raise RuntimeError('no')")
    runtime.warm()
    result = runtime.invoke("probe", b"{}")
    assert (result.verdict, "RuntimeError" in result.error) == (Verdict.FAILED, True)


def test_an_exception_is_the_functions_error_and_the_worker_lives_on(build: Build) -> None:
    runtime = build(
        """
        import os
        def handler(event, context):
            if event.get("bad"):
                raise ValueError("no good")
            return os.getpid()
        """
    )
    before = answer(runtime.invoke("probe", b"{}"))
    failed = runtime.invoke("probe", b'{"bad": 1}')
    assert failed.verdict is Verdict.FAILED
    assert json.loads(failed.payload)["errorType"] == "ValueError"
    assert failed.error == "ValueError: no good"
    assert answer(runtime.invoke("probe", b"{}")) == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("os._exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("sys.exit(1)", "exit status 1"),
        ("threading.Event().wait()", "Task timed out after 0.50 seconds"),
        ("list(iter(int, 1))", ""),
    ],
)
def test_a_handler_that_ends_its_process_costs_one_invocation(
    build: Build, statement: str, said: str
) -> None:
    runtime = build(
        f"""
        import os, sys, threading
        def handler(event, context):
            if event.get("bad"):
                {statement}
            return os.getpid()
        """,
        timeout_seconds=0.5 if "wait" in statement else 20.0,
        memory_mb=150,
    )
    answer(runtime.invoke("probe", b"{}"))
    failed = runtime.invoke("probe", b'{"bad": 1}')
    assert failed.verdict is Verdict.FAILED
    assert said in failed.error
    assert answer(runtime.invoke("probe", b"{}")) in runtime.worker_pids()


def test_a_handler_that_takes_more_memory_than_declared_is_killed(build: Build) -> None:
    runtime = build(
        """
        import threading
        def handler(event, context):
            kept = b"x" * (300 * 1024 * 1024)
            threading.Event().wait()
        """,
        memory_mb=128,
    )
    failed = runtime.invoke("probe", b"{}")
    assert failed.verdict is Verdict.FAILED
    assert "used more than 128 MB" in failed.error
    assert not runtime.worker_pids()


def test_a_package_that_cannot_be_imported_is_reported_on_each_invocation(build: Build) -> None:
    runtime = build("raise RuntimeError('not configured')")
    for _ in range(2):
        failed = runtime.invoke("probe", b"{}")
        assert failed.verdict is Verdict.FAILED
        assert "not configured" in failed.error
    assert "not configured" in runtime.log("probe")


def test_whatever_a_handler_prints_neither_breaks_its_answer_nor_fills_the_memory(build: Build) -> None:
    runtime = build(
        """
        import os
        def handler(event, context):
            os.write(1, b'{"kind":"result","size":2}\\n{}' * 10)
            for number in range(60000):
                print("x" * 80, number)
            print("y" * 3_000_000)
            return "answer"
        """,
        timeout_seconds=120.0,  # it prints 5 MB, whoever else is busy
    )
    assert answer(runtime.invoke("probe", b"{}")) == "answer"
    assert len(runtime.log("probe")) <= LOG_BYTES


def test_an_answer_that_is_no_json_is_an_error(build: Build) -> None:
    runtime = build("def handler(event, context): return object()")
    failed = runtime.invoke("probe", b"{}")
    assert failed.verdict is Verdict.FAILED
    assert "not JSON serializable" in failed.error


def test_an_event_and_an_answer_of_six_megabytes_pass(build: Build) -> None:
    runtime = build("def handler(event, context): return event")
    event = json.dumps({"data": "z" * 6_200_000}).encode()
    assert answer(runtime.invoke("probe", event)) == json.loads(event)


def test_more_invocations_at_once_than_the_limit_are_throttled(build: Build, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    runtime = build(
        f"""
        def handler(event, context):
            with open({str(gate)!r}, "rb", buffering=0) as gate:
                return gate.read(1).decode()
        """
    )
    opened = os.open(gate, os.O_RDWR)
    with ThreadPoolExecutor(MAX_WORKERS) as threads:
        calls = [threads.submit(runtime.invoke, "probe", b"{}") for _ in range(MAX_WORKERS)]
        while runtime._pools["probe", "$LATEST"].running < MAX_WORKERS:
            threading.Event().wait(0.01)
        assert runtime.invoke("probe", b"{}").verdict is Verdict.THROTTLED
        os.write(opened, b"o" * MAX_WORKERS)
    os.close(opened)
    assert [answer(call.result()) for call in calls] == ["o"] * MAX_WORKERS


def test_a_replaced_function_ends_what_it_began_and_begins_no_more(build: Build, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    runtime = build(
        f"""
        def handler(event, context):
            if event.get("wait"):
                open({str(gate)!r}, "rb", buffering=0).read(1)
            return "old"
        """
    )
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "handler.py").write_text("def handler(event, context): return 'new'")
    opened = os.open(gate, os.O_RDWR)
    assert answer(runtime.invoke("probe", b"{}")) == "old"
    (kept,) = runtime.worker_pids()
    runtime.replace(Function("probe", ARN, tmp_path, "handler.handler", timeout_seconds=20.0))
    assert runtime.worker_pids() == [kept]  # nothing is different
    with ThreadPoolExecutor(1) as threads:
        begun = threads.submit(runtime.invoke, "probe", b'{"wait": 1}')
        while not runtime._pools["probe", "$LATEST"].running or runtime._pools["probe", "$LATEST"].idle:
            threading.Event().wait(0.01)
        runtime.replace(Function("probe", ARN, newer, "handler.handler", timeout_seconds=20.0))
        assert answer(runtime.invoke("probe", b"{}")) == "new"
        os.write(opened, b"o")
        assert answer(begun.result()) == "old"
    os.close(opened)
    assert answer(runtime.invoke("probe", b"{}")) == "new"
    assert not psutil.pid_exists(kept)


def test_closing_leaves_no_process(build: Build) -> None:
    runtime = build("def handler(event, context): return 1")
    runtime.invoke("probe", b"{}")
    pids = runtime.worker_pids()
    runtime.close()
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert runtime.invoke("probe", b"{}").verdict is Verdict.THROTTLED
