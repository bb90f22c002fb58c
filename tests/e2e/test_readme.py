"""What the README tells a newcomer to type works as it is written there, in that order."""

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from tests.e2e.conftest import local, settings_as_they_come, sluice

pytestmark = pytest.mark.e2e

SEARCH = {
    "type": "search",
    "search_id": "s1",
    "searched_at": "2026-11-21T08:00:00Z",
    "username": "ada",
    "query": "tea",
}


def section(readme: str, title: str) -> str:
    return re.split(r"^## ", readme.partition(f"## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def commands(text: str) -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "sluice"]


def test_the_five_minutes_of_the_readme_work(project: Path) -> None:
    readme = (project / "README.md").read_text()
    text = section(readme, "Your own pipeline in five minutes")
    (project / "my_pipeline.py").write_text(
        re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    )
    with gzip.open(project / "events.ndjson.gz", "wt") as events:
        events.write(json.dumps(SEARCH) + "\n")
    elsewhere = commands(section(readme, "Search, and the lake"))
    elsewhere += commands(section(readme, "Events that go somewhere of their own"))
    steps = commands(text) + elsewhere + commands(section(readme, "To the cloud"))
    assert steps.pop(0) == ["local"]
    with settings_as_they_come(project), local(project):
        for words in steps:
            done = sluice(*words, cwd=project)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
            assert done.stdout.strip(), words
