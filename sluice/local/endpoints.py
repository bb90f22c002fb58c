"""Where the servers of a local cloud listen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Base URLs of the servers, all on 127.0.0.1; None is that of a sink that is off."""

    aws_url: str
    lambda_url: str
    bigquery_url: str
    search_url: str | None = None
    lake_url: str | None = None
