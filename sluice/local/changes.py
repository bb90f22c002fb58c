"""Which of a running local cloud's files have changed, told by their contents."""

from collections.abc import Sequence
from pathlib import Path

from sluice.local.state import file_hash


class Changes:
    """Watches files, and all Python files in folders.

    A file that is away for a moment, as while an editor saves it, has not changed.
    """

    def __init__(self, files: Sequence[Path], *, folders: Sequence[Path] = ()) -> None:
        self._folders = folders
        self._seen = {path: file_hash(path) for path in [*files, *self._found()]}

    def look(self) -> list[Path]:
        """Return the files whose contents differ from what they were at the last look, and new ones."""
        changed = []
        for path in dict.fromkeys([*self._seen, *self._found()]):
            now = file_hash(path)
            if now is not None and now != self._seen.get(path):
                self._seen[path] = now
                changed.append(path)
        return changed

    def seen(self, path: Path) -> str | None:
        """Return the hash of a file at the last look."""
        return self._seen[path]

    def _found(self) -> list[Path]:
        return sorted(path for folder in self._folders for path in folder.rglob("*.py"))
