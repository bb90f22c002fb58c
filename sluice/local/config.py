"""A stack's configuration without the Pulumi command line: Pulumi.yaml's defaults under Pulumi.<env>.yaml.

Only the command line applies the schema of Pulumi.yaml, so this does as it does: fill in defaults, refuse
wrong types, hand scalars over as text and objects as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sluice.errors import SettingsError

_PROJECT_FILE = "Pulumi.yaml"
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "text (put numbers in quotes)"),
    "integer": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
    "object": ((dict,), "an object of settings"),
}


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """What the Pulumi runtime is told: the project's name, and every setting as text."""

    project: str
    values: Mapping[str, str]


def stacks(root: Path) -> list[str]:
    """Return the environments that a project has a file for."""
    return sorted(
        path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")
    )


def stack_config(root: Path, stack: str, overrides: Mapping[str, Any]) -> StackConfig:
    """Merge defaults, the stack's file and overrides (deep, without namespace), the later winning.

    Raises:
        SettingsError: a file is missing or broken, or a value has the wrong type.
    """
    project_file = root / _PROJECT_FILE
    project = _read(
        project_file, f"no {_PROJECT_FILE} in {root}: run this in the project's directory, or pass --root"
    )
    name = project.get("name")
    if not isinstance(name, str):
        raise SettingsError(f"{_PROJECT_FILE} has no `name`: accepted is the project's name as text")
    stack_file = root / f"Pulumi.{stack}.yaml"
    found = ", ".join(stacks(root)) or "none"
    stack_values = _read(
        stack_file, f"no environment {stack!r}: there is no {stack_file.name}; there are: {found}"
    )
    schema = {_qualified(name, key): kind for key, kind in (project.get("config") or {}).items()}
    merged: dict[str, Any] = {
        key: kind.get("value", kind.get("default"))
        for key, kind in schema.items()
        if isinstance(kind, dict) and ("value" in kind or "default" in kind)
    }
    for key, value in (stack_values.get("config") or {}).items():
        merged[_qualified(name, key)] = _readable(key, value, stack_file.name)
    for key, value in overrides.items():
        full = _qualified(name, key)
        merged[full] = _laid_over(merged.get(full), value)
    for key, value in merged.items():
        _check_kind(key, value, schema.get(key), stack_file.name)
    return StackConfig(project=name, values={key: _as_text(value) for key, value in merged.items()})


def _read(path: Path, missing: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(missing) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingsError(f"{path.name} is no YAML{line}: {error.problem}") from None
    if not isinstance(content or {}, dict) or not isinstance((content or {}).get("config") or {}, dict):
        raise SettingsError(f"{path.name} is no Pulumi configuration: accepted is an object with `config:`")
    return content or {}


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _readable(key: str, value: Any, file: str) -> Any:
    if isinstance(value, dict) and "secure" in value:
        raise SettingsError(
            f"{key} is encrypted in {file}, and only the Pulumi command line can decrypt it: no setting of"
            " Sluice is secret, so write it in plain, or run `pulumi preview` instead"
        )
    return value


def _laid_over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, Mapping):
        return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
    return above


def _check_kind(key: str, value: Any, kind: Any, file: str) -> None:
    name = kind.get("type") if isinstance(kind, dict) else None
    types, words = _KINDS.get(str(name), ((), ""))
    wrong = types and not isinstance(value, types)
    if wrong or (isinstance(value, bool) and name == "integer"):
        shown = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
        raise SettingsError(f"{key} is {shown}: accepted is {words}; change it in {file}")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
