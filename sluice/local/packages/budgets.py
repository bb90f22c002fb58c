"""What a function's package may weigh, and how long its import may take: functions/budgets.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sluice.errors import UsageError

FILE: Final = Path("functions", "budgets.toml")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Megabytes (of 1,000,000 bytes) of the archive, and milliseconds of one core."""

    zipped_mb: float
    import_ms: float


def budgets(root: Path) -> dict[str, Budget]:
    """Read the budgets by function.

    Raises:
        UsageError: the file is missing or not as it must be.
    """
    path = root / FILE
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: Budget(zipped_mb=float(each["zipped_mb"]), import_ms=float(each["import_ms"]))
            for name, each in sections.items()
        }
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: docs/packages.md shows what stands in it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: {error}; accepted are sections [function] with zipped_mb and import_ms, two numbers"
        ) from None
