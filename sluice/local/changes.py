"""Which of a running local cloud's files have changed, told by their contents."""

from collections.abc import Sequence
from pathlib import Path

from sluice.local.state import file_hash


class Changes:
    """Watches files. One that is away for a moment, as while an editor saves it, has not changed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._seen = {path: file_hash(path) for path in paths}

    def look(self) -> list[Path]:
        """Return the files whose contents differ from what they were at the last look."""
        changed = []
        for path, before in self._seen.items():
            now = file_hash(path)
            if now is not None and now != before:
                self._seen[path] = now
                changed.append(path)
        return changed

    def seen(self, path: Path) -> str | None:
        """Return the hash of a file at the last look."""
        return self._seen[path]
