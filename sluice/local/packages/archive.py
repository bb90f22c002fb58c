"""A package as Pulumi sees it: the hash that tells whether it changed, and the archive that is uploaded."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BLOCK: Final = 512
_NAME_BYTES: Final = 100
_PREFIX_BYTES: Final = 155
_OLDEST: Final = (1990, 1, 1, 0, 0, 0)
"""When Pulumi says that each file was made."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes of a package: as it is uploaded, and as it lies on Lambda's disk."""

    zipped: int
    unpacked: int


def files(directory: Path) -> dict[str, Path]:
    """Return a package's files by their paths in it, in the order in which Pulumi reads them."""
    found = sorted((path for path in directory.rglob("*") if path.is_file()), key=lambda path: path.parts)
    return {path.relative_to(directory).as_posix(): path for path in found}


def pulumi_hash(directory: Path) -> str:
    """Compute the hash by which Pulumi notices that a directory has changed, in hexadecimal.

    It is the SHA-256 of a tar archive of the files with their names, sizes and contents, and the same of
    everything else (pulumi/pulumi, sdk/go/common/resource/archive: EnsureHash and addNextFileToTar). Compared
    with what Go's writer of tar archives makes of the same files.

    Raises:
        ValueError: a name does not fit into a plain header; no package has such a one.
    """
    digest = hashlib.sha256()
    for name, path in files(directory).items():
        content = path.read_bytes()
        digest.update(_header(name.encode(), len(content)))
        digest.update(content)
        digest.update(bytes(-len(content) % _BLOCK))
    digest.update(bytes(2 * _BLOCK))
    return digest.hexdigest()


def _header(name: bytes, size: int) -> bytes:
    """Write a file's header in the format USTAR, with the checksum of a header whose checksum is blank."""
    prefix = b""
    if len(name) > _NAME_BYTES:
        cut = name[: _PREFIX_BYTES + 1].rfind(b"/")
        prefix, name = name[: max(cut, 0)], name[cut + 1 :]
        if not prefix or len(name) > _NAME_BYTES:
            raise ValueError(name)
    head = b"".join(
        [
            name.ljust(_NAME_BYTES, b"\0"),
            b"0000600\0" + b"0000000\0" * 2,
            b"%011o\0" % size + b"00000000000\0",
            b" " * 8,
            b"0" + bytes(100) + b"ustar\00000",
            bytes(64) + b"0000000\0" * 2,
            prefix.ljust(_PREFIX_BYTES, b"\0") + bytes(12),
        ]
    )
    return head.replace(b" " * 8, b"%06o\0 " % sum(head), 1)


def sizes(directory: Path) -> Sizes:
    """Measure a package by zipping it as Pulumi does."""
    unpacked = sum(path.stat().st_size for path in files(directory).values())
    count = _Count()
    with zipfile.ZipFile(count, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # a writer is enough
        for name, path in files(directory).items():
            archive.writestr(zipfile.ZipInfo(name, _OLDEST), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return Sizes(zipped=count.written, unpacked=unpacked)


class _Count:
    """A file that keeps nothing but its length."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: bytes) -> int:
        self.written += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""
