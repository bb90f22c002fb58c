"""botocore's descriptions of the services, read in a quarter of the time.

A client needs some of them, megabytes of JSON, and asks every folder of the 400 services whether it is one.
That was a quarter of a cold start. Which botocore there is, Lambda's runtime decides and changes: only the
documented parts of botocore.loaders are used, and what is not found as expected is left to botocore.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader


class Files(JSONFileLoader):
    """Reads files as botocore's own does, with a decoder that makes dicts at once."""

    def load_file(self, file_path: str) -> Any:
        """Return what a file without its ending holds, or None if there is none."""
        for ending in (".json", ".json.gz"):
            path = Path(file_path + ending)
            if path.is_file():
                content = path.read_bytes()
                return msgspec.json.decode(gzip.decompress(content) if ending.endswith(".gz") else content)
        return super().load_file(file_path)


class Models(Loader):
    """Finds the descriptions of some services, which are known to be there."""

    FILE_LOADER_CLASS = Files

    def __init__(self, services: Sequence[str], search_path: str | None = None) -> None:
        super().__init__(extra_search_paths=search_path.split(":") if search_path else None)
        self._services = list(services)

    def list_available_services(self, type_name: str) -> list[str]:
        """Return their names, whatever is asked for."""
        del type_name
        return self._services
