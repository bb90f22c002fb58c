"""Asking BigQuery, and its answers and refusals in the command line's own terms."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.errors import EnvironmentProblem, QueryError

if TYPE_CHECKING:
    from sluice.cli.target import Target

REQUEST_SECONDS = 60
"""How long BigQuery may take for one request, retries included; a query itself may take longer."""

QUERY_SECONDS = 600

REFUSED = frozenset({400, 403, 404})
"""HTTP statuses by which BigQuery says that the query itself is at fault."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, and the bytes that BigQuery read for it (0 when it does not say)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    bytes_billed: int = 0

    def documents(self) -> list[dict[str, Any]]:
        """Return the rows as JSON objects."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def ask(target: "Target", sql: str, *, most_bytes: int | None = None) -> Answer:
    """Run a query; unqualified names are the analysts' views.

    `most_bytes` is the most that BigQuery may bill for it. Raises QueryError when BigQuery refuses the SQL or
    its cost, EnvironmentProblem when it does not answer.
    """
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import bigquery
    from google.cloud.bigquery.retry import DEFAULT_RETRY
    from requests.exceptions import RequestException

    # A query that failed once is the user's to look at; the signature knows no None, the client does.
    no_job_retry: Any = None
    client = target.bigquery
    config = bigquery.QueryJobConfig(
        default_dataset=f"{client.project}.{target.outputs.bigquery_views_dataset}",
        maximum_bytes_billed=most_bytes,
        use_legacy_sql=False,
    )
    try:
        found = client.query_and_wait(
            sql,
            job_config=config,
            retry=DEFAULT_RETRY.with_timeout(REQUEST_SECONDS),
            job_retry=no_job_retry,
            api_timeout=REQUEST_SECONDS,
            wait_timeout=QUERY_SECONDS,
        )
        columns = tuple(column.name for column in found.schema)
        rows = tuple(tuple(row.values()) for row in found)
    except GoogleAPICallError as error:
        if error.code in REFUSED:
            raise QueryError(_refusal(error)) from error
        raise EnvironmentProblem(f"BigQuery: {_refusal(error)}") from error
    except (RequestException, RetryError, GoogleAuthError, TimeoutError) as error:
        raise EnvironmentProblem(
            f"BigQuery at {target.where} does not answer ({type(error).__name__})"
        ) from error
    return Answer(columns, rows, getattr(found, "total_bytes_billed", None) or 0)


def _refusal(error: Any) -> str:
    """Return BigQuery's own words, without the request and the job around them."""
    details: tuple[Any, ...] = tuple(error.errors or ())
    message = next(
        (detail["message"] for detail in details if isinstance(detail, dict) and detail.get("message")), ""
    )
    return " ".join((message or error.message or str(error)).split())
