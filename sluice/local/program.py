"""Run the very `__main__.py` that `pulumi up` runs, and learn what it declares.

The Pulumi runtime talks to a monitor in this process: each custom resource is handed to a creator, whose
answer becomes the resource's outputs, so that the program meets real names, ARNs and addresses. Nothing is
contacted unless the creator does so.
"""

import asyncio
import contextvars
import gc
import logging
import os
import runpy
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.errors import RunError
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockEngine, MockSettings
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from sluice.errors import SluiceError, UsageError
from sluice.local.config import stack_config
from sluice.local.declared import Creator, Declared, placeholder
from sluice.local.monitor import Monitor

__all__ = ["Creator", "Declared", "Program", "placeholder", "run_program"]

_ONE_AT_A_TIME = threading.Lock()
"""A program reads the process's environment and module path, so only one runs at a time."""

_AMBIENT = ("GOOGLE_", "GCLOUD_", "CLOUDSDK_", "PULUMI_", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")
"""Variables that Pulumi's providers take defaults from: a declaration must not depend on the user's shell."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a program declared, in the order of registration, and what it exported.

    `throwaway`: its setting `protect` is false, so that it may lose its data.
    """

    resources: tuple[Declared, ...]
    outputs: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())
    throwaway: bool = False


def run_program(
    root: Path,
    stack: str,
    *,
    overrides: Mapping[str, Any] = {},
    pipeline: Path | None = None,
    create: Creator = placeholder,
    preview: bool = False,
) -> Program:
    """Execute the program of a project for one stack.

    Args:
        root: Directory of Pulumi.yaml and `__main__.py`.
        stack: The environment, e.g. "dev".
        overrides: Settings laid over the stack's file, without namespace: {"stream": {"shards": 2}}.
        pipeline: Another pipeline file than the project's own.
        create: Called once per custom resource, one at a time, after everything that it needs.
        preview: Leave unknown what only a deployment knows, as `pulumi preview` does.

    Raises:
        SluiceError: the first thing that went wrong, in one line.
    """
    root = root.resolve()
    config = stack_config(root, stack, overrides)
    main = root / "__main__.py"
    if not main.is_file():
        raise UsageError(f"no __main__.py in {root}: this is not the directory of a Sluice project")
    run = _Run(main, stack, config.project, Monitor(config.project, stack, create, preview=preview))
    with _ONE_AT_A_TIME, _surroundings(root, pipeline):
        # Everything that Pulumi keeps hangs on context variables: an empty context is a fresh runtime.
        contextvars.Context().run(run.execute, dict(config.values))
    return Program(
        resources=tuple(run.monitor.declared),
        outputs=run.monitor.outputs,
        warnings=tuple(run.warnings),
        throwaway=config.values.get(f"{config.project}:protect") == "false",
    )


class _Run(logging.Handler):
    """One execution; as a logging handler it keeps the program's warnings."""

    def __init__(self, main: Path, stack: str, project: str, monitor: Monitor) -> None:
        super().__init__(logging.WARNING)
        self.monitor = monitor
        self.warnings: list[str] = []
        self._main, self._stack, self._project = main, stack, project

    def emit(self, record: logging.LogRecord) -> None:
        self.warnings.append(record.getMessage())

    def execute(self, config: dict[str, str]) -> None:
        try:
            asyncio.run(self._execute(config))
        except KeyboardInterrupt:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 whatever it is, it is told in one line
            first = self.monitor.first_error or error
            raise _one_line(first, self._main.parent) from first

    async def _execute(self, config: dict[str, str]) -> None:
        # Outputs of failed resources fail as well; the first error is kept, the echoes are not printed.
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        # Registrations run in the loop's executor: with one thread they come in the order of the program.
        loop.set_default_executor(ThreadPoolExecutor(1, "monitor"))
        logger = logging.Logger("sluice.program")  # noqa: LOG001 one run's own, never seen by the root logger
        logger.addHandler(self)
        set_all_config(config)
        configure(
            MockSettings(  # type: ignore[no-untyped-call]  # Pulumi's own, without types
                monitor=self.monitor,
                monitor_features=self.monitor.features(),
                engine=MockEngine(logger),
                project=self._project,
                stack=self._stack,
                organization="organization",
                dry_run=self.monitor.preview,
                callbacks=None,
            )
        )

        def program() -> None:
            with warnings.catch_warnings():
                # Loading a provider's module warns of each class in it that was renamed, used or not; a
                # deprecated class that is used warns again, through the program's log.
                warnings.filterwarnings("ignore", ".* has been deprecated in favor of ", DeprecationWarning)
                runpy.run_path(str(self._main), run_name="__main__")

        await run_in_stack(program)


@contextmanager
def _surroundings(root: Path, pipeline: Path | None) -> Iterator[None]:
    """Give the program the project on its path, its pipeline file, and nothing of the user's credentials."""
    before, path = dict(os.environ), list(sys.path)
    for name in before:
        if name.startswith(_AMBIENT):
            del os.environ[name]
    # Makes an Output inside an f-string an error, instead of a warning written into a policy.
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    if pipeline is not None:
        os.environ["SLUICE_PIPELINE"] = str(pipeline.resolve())
    sys.path.insert(0, str(root))
    _forget_other_projects(root)
    collecting = gc.isenabled()
    # The providers make tens of thousands of classes that stay; looking for garbage among them costs a tenth.
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(before)


def _forget_other_projects(root: Path) -> None:
    """Drop an `infra` that was imported from another directory, unless the project uses another's."""
    if not (root / "infra").is_dir():
        return
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if name.partition(".")[0] == "infra" and origin and not Path(origin).is_relative_to(root):
            del sys.modules[name]


def _one_line(error: BaseException, root: Path) -> SluiceError:
    if isinstance(error, RunError) and isinstance(error.__cause__, SluiceError):
        return error.__cause__
    if isinstance(error, SluiceError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    inside = [
        frame for frame in frames if frame.filename.startswith(str(root)) and ".venv" not in frame.filename
    ]
    place = f" ({Path(inside[-1].filename).relative_to(root)}, line {inside[-1].lineno})" if inside else ""
    reason = " ".join(str(error).split()) or "no reason given"
    return SluiceError(f"the program failed with {type(error).__name__}: {reason}{place}")
