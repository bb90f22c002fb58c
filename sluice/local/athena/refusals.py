"""Why a query is refused: in Athena's own words where Athena refuses it too."""


class QueryRefused(Exception):  # noqa: N818 - it is an answer, not a failure of this server
    """The query is at fault, or asks for what the local Athena would not answer as Athena does."""


def unsupported(what: str, instead: str = "") -> QueryRefused:
    """Return the refusal of SQL that Athena takes and DuckDB would answer in another way."""
    hint = f": {instead}" if instead else ""
    return QueryRefused(f"NOT_SUPPORTED: {what} is not supported by the local Athena{hint}")


def syntax(words: str) -> QueryRefused:
    """Return the refusal of what is no query of Athena's."""
    return QueryRefused(f"SYNTAX_ERROR: {words}")
