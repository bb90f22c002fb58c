"""`Pipeline`, what a `pipeline.py` defines, and how such a file is loaded."""

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

DEFAULT_FILE = "pipeline.py"
FILE_VARIABLE = "SLUICE_PIPELINE"


class Pipeline:
    """What flows: the event types of the stream."""

    def __init__(self, *, events: Iterable[type[Event]]) -> None:
        self.events: tuple[type[Event], ...] = tuple(events)
        self.contract = Contract(self.events)


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
        return f"{error.filename or file}, line {error.lineno}: {error.msg}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
    ]
    where = f"{file}, line {lines[-1]}" if lines else str(file)
    text = " ".join(str(error).split())
    return f"{where}: {text if isinstance(error, ContractError) else f'{type(error).__name__}: {text}'}"
