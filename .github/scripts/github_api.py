"""GitHub's API through its own command line, which every runner has: JSON in, JSON out."""

import json
import subprocess
import sys
from typing import Any

BOT = "github-actions[bot]"
"""Who writes with a workflow's token."""


def call(path: str, *, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
    """Make one call; whatever GitHub refuses ends the script with one line."""
    given = ["--input", "-"] if body is not None else []
    return json.loads(_gh("api", "--method", method, path, *given, data=json.dumps(body or {})) or "null")


def every(path: str, fields: str) -> list[dict[str, Any]]:
    """List all of something, on however many pages, by a jq expression of the fields that are wanted."""
    lines = _gh("api", "--method", "GET", "--paginate", path, "--jq", f".[] | {fields} | tojson")
    return [json.loads(line) for line in lines.splitlines()]


def _gh(*arguments: str, data: str = "") -> str:
    done = subprocess.run(["gh", *arguments], input=data, capture_output=True, text=True, check=False)  # noqa: S607 the runner's own gh
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        sys.exit(f"::error::GitHub refused {' '.join(arguments[:4])}: {said}")
    return done.stdout
