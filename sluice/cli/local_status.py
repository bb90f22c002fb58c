"""What the local cloud says of itself, beyond what AWS's own calls tell."""

import json
from typing import TYPE_CHECKING, Any

from sluice.errors import EnvironmentProblem

if TYPE_CHECKING:
    from sluice.local.endpoints import Endpoints

SECONDS = 10
"""The local cloud answers at once, unless it is very busy."""


def status_of(endpoints: "Endpoints") -> dict[str, Any]:
    """Return where each mapping stands.

    Raises:
        EnvironmentProblem: the local cloud does not answer.
    """
    return _ask(f"{endpoints.lambda_url}/status")


def totals_of(endpoints: "Endpoints") -> dict[str, int]:
    """Return how many records each stream (by ARN) has ever taken; raises as `status_of` does."""
    return _ask(f"{endpoints.aws_url}/_sluice/streams")


def firehoses_of(endpoints: "Endpoints") -> dict[str, dict[str, Any]]:
    """Return where each Firehose stands, by name, if any reads a stream; raises as `status_of` does."""
    if endpoints.lake_url is None:
        return {}
    return {each["name"]: each for each in _ask(f"{endpoints.lake_url}/status")["firehoses"]}


def _ask(url: str) -> dict[str, Any]:
    import urllib3

    try:
        answer = urllib3.request("GET", url, timeout=SECONDS, retries=2)
        found: dict[str, Any] = json.loads(answer.data)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise EnvironmentProblem(
            f"the local cloud does not say where its mappings stand ({type(error).__name__}): look whether "
            "`sluice local` still runs, then try again"
        ) from error
    return found
