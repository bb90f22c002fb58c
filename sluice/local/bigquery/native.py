"""Functions in Python that DuckDB calls, a row at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling


@dataclass(frozen=True, slots=True)
class Native:
    """A function under its name in DuckDB, with the DuckDB types of its arguments and of its result.

    A NULL argument gives NULL without a call, unless `null_too`: then it comes as None and may be answered.
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    result: str
    null_too: bool = False

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make it known to a database."""
        handling = FunctionNullHandling.SPECIAL if self.null_too else FunctionNullHandling.DEFAULT
        connection.create_function(
            self.name, self.call, [*self.parameters], self.result, null_handling=handling
        )
