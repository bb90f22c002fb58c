"""The page's own files, held in memory, under a name that changes with them: browsers keep them for good."""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}
"""Not left to the machine's own list of types: a wrong one, and no browser runs the scripts."""


class Static:
    """All files below a folder; `{version}` in the page stands for a hash of all of them."""

    def __init__(self, folder: Path) -> None:
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }
        digest = hashlib.blake2b(digest_size=8)
        for name, content in files.items():
            digest.update(name.encode() + b"\0" + content + b"\0")
        self.version = digest.hexdigest()
        self._page = files.pop("index.html").replace(b"{version}", self.version.encode())
        self._files = files

    def page(self, _: Request) -> Response:
        """Return the page itself, which is asked for anew each time: it names the version of all else."""
        return Response(self._page, media_type=TYPES[".html"], headers={"cache-control": "no-cache"})

    def file(self, request: Request) -> Response:
        """Return a file; only those of the folder are known, so that no path leads out of it."""
        version, _, name = request.path_params["path"].partition("/")
        content = self._files.get(name)
        if content is None or version != self.version:
            return Response("not found", 404, media_type="text/plain")
        kind = TYPES[Path(name).suffix]
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(content, media_type=kind, headers=headers)
