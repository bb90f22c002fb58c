"""`Pipeline`, what a `pipeline.py` defines, and how such a file is loaded."""

import math
import os
import sys
import traceback
from collections.abc import Iterable
from contextlib import redirect_stdout
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType

from sluice.contract import Contract, Event
from sluice.errors import ContractError
from sluice.metrics.metric import Metric
from sluice.routes.route import Route

DEFAULT_FILE = "pipeline.py"
FILE_VARIABLE = "SLUICE_PIPELINE"


MOST_FLUSH_SECONDS = 30
"""Longest time, unless an environment says otherwise, that live figures wait before they are written."""


class Pipeline:
    """What flows: the event types of the stream, the live metrics made of them, and where else events go."""

    def __init__(
        self,
        *,
        events: Iterable[type[Event]],
        metrics: Iterable[Metric] = (),
        routes: Iterable[Route] = (),
    ) -> None:
        try:
            self.events: tuple[type[Event], ...] = tuple(events)
        except TypeError:
            name = getattr(events, "__name__", repr(events))
            raise ContractError(
                f"Pipeline(events={name}): give a list of event classes, events=[{name}]"
            ) from None
        self.contract = Contract(self.events)
        self.metrics: tuple[Metric, ...] = tuple(metrics)
        self.routes: tuple[Route, ...] = tuple(routes)
        _check_metrics(self.metrics, self.contract)
        _check_routes(self.routes, self.contract)

    @property
    def flush_seconds(self) -> int:
        """How often metrics are written: the longest time up to 30 s that divides every window."""
        shared = math.gcd(*(metric.window for metric in self.metrics))
        return max(seconds for seconds in range(1, MOST_FLUSH_SECONDS + 1) if shared % seconds == 0)


def _check_metrics(metrics: tuple[Metric, ...], contract: Contract) -> None:
    tables = {kind.table.lower(): kind for kind in contract.types.values()}
    classes = {kind.cls for kind in contract.types.values()}
    seen: set[str] = set()
    for metric in metrics:
        if not isinstance(metric, Metric):
            raise ContractError(f'Pipeline(metrics=...): {metric!r} is no metric; write Metric("name", ...)')
        if metric.name in seen:
            raise ContractError(f"two metrics are named {metric.name!r}; rename one of them")
        seen.add(metric.name)
        if metric.name in tables:
            raise ContractError(
                f"metric {metric.name!r}: its view would have the name of the table of"
                f" {tables[metric.name].cls.__name__}; rename the metric"
            )
        for cls in metric.events:
            if cls not in classes:
                raise ContractError(
                    f"metric {metric.name!r} is about {cls.__name__}, which this pipeline does not have;"
                    " add it to Pipeline(events=[...])"
                )


def _check_routes(routes: tuple[Route, ...], contract: Contract) -> None:
    classes = {kind.cls for kind in contract.types.values()}
    seen: dict[str, Route] = {}
    for route in routes:
        if not isinstance(route, Route):
            raise ContractError(
                f'Pipeline(routes=...): {route!r} is no route; write Route("name", "SQL", ...)'
            )
        for sink in (sink.replace("_", "-") for sink in route.sinks):
            if sink in seen:
                raise ContractError(
                    f"route {route.name!r}: {seen[sink]!r} has a sink of the same name, {sink!r}; rename one"
                )
            seen[sink] = route
        for kind in route.types:
            if kind.cls not in classes:
                raise ContractError(
                    f"route {route.name!r} is about {kind.cls.__name__}, which this pipeline does not have;"
                    " add it to Pipeline(events=[...])"
                )


class _SourceOnly(SourceFileLoader):
    """Compiles the file each time: no stale bytecode after an edit, no `__pycache__` beside a user's file."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def pipeline_file(path: Path | None = None) -> Path:
    """The file meant: the one given, else `$SLUICE_PIPELINE`, else `pipeline.py` in the working directory."""
    return (path or Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)).absolute()


def load_pipeline(path: Path | None = None) -> Pipeline:
    """Run a pipeline file and return its `pipeline`.

    The file is run afresh on each call, as a module of its own.

    Raises:
        ContractError: the file is missing, is not Python, fails, or defines no `pipeline`.
    """
    file = pipeline_file(path)
    if not file.is_file():
        raise ContractError(f"no such pipeline file: {file}; name one with --pipeline FILE")
    name = f"sluice_pipeline_{sha256(os.fsencode(file)).hexdigest()[:16]}"
    spec = spec_from_file_location(name, file, loader=_SourceOnly(name, str(file)))
    if spec is None or spec.loader is None:
        raise ContractError(f"{file} cannot be loaded as Python")
    module = module_from_spec(spec)
    sys.modules[name] = module  # annotations are looked up there
    try:
        with redirect_stdout(sys.stderr):  # a command's stdout is its own, often one JSON document
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ContractError(_one_line(file, error)) from error
    found = getattr(module, "pipeline", None)
    if not isinstance(found, Pipeline):
        raise ContractError(f"{file} defines no pipeline; end it with `pipeline = Pipeline(events=[...])`")
    return found


def _one_line(file: Path, error: BaseException) -> str:
    """Where in the file it failed, and why."""
    if isinstance(error, SyntaxError):
        place = f", line {error.lineno}" if error.lineno else ""
        return f"{error.filename or file}{place}: {error.msg}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
    ]
    where = f"{file}, line {lines[-1]}" if lines else str(file)
    text = " ".join(str(error).split())
    return f"{where}: {text if isinstance(error, ContractError) else f'{type(error).__name__}: {text}'}"
