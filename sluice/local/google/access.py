"""Who may do what with BigQuery's resources: a dataset's access list, and the rights that each call needs.

Rights by method: BigQuery's IAM guide, "Required permissions" of the REST methods. Whoever comes without a
token is the owner of the laptop, as is the operator's service account, and may do everything but one thing:
into a dataset whose access list was declared nobody inserts rows without a token, so that a function that
lost its way to one is seen.
"""

from collections.abc import Mapping
from typing import Any, Final

from sluice.local.google.errors import denied, unauthenticated
from sluice.local.google.iam import Iam
from sluice.local.google.tokens import OWNER, Tokens

INSERT: Final = "bigquery.tables.updateData"

NEEDED: Final = {
    ("insertAll", "POST"): INSERT,
    ("data", "GET"): "bigquery.tables.getData",
    ("table", "GET"): "bigquery.tables.get",
    ("table", "PATCH"): "bigquery.tables.update",
    ("table", "PUT"): "bigquery.tables.update",
    ("table", "DELETE"): "bigquery.tables.delete",
    ("tables", "GET"): "bigquery.tables.list",
    ("tables", "POST"): "bigquery.tables.create",
    ("dataset", "GET"): "bigquery.datasets.get",
    ("dataset", "PATCH"): "bigquery.datasets.update",
    ("dataset", "PUT"): "bigquery.datasets.update",
    ("dataset", "DELETE"): "bigquery.datasets.delete",
}
"""What is asked for of a dataset; all other calls are about the project, on which no function has a right."""


class Access:
    """Decides about one call at a time."""

    def __init__(self, iam: Iam, tokens: Tokens) -> None:
        self._iam, self._tokens = iam, tokens

    def check(
        self, call: tuple[str, str], authorization: str | None, where: str, dataset: Mapping[str, Any] | None
    ) -> None:
        """Refuse a call that its bearer has no right to.

        Args:
            call: The kind of path and HTTP's method, as in NEEDED.
            authorization: The header of that name, if there was one.
            where: The resource in BigQuery's words, as in `table p:d.t`.
            dataset: The REST resource of the dataset that it is about, if any.

        Raises:
            ApiError: 401 without a token that is good, 403 without the right.
        """
        permission = NEEDED.get(call, "bigquery.jobs.create")
        entries = (dataset or {}).get("access") or ()
        if authorization is None:
            if permission == INSERT and entries:
                raise unauthenticated()
            return
        members = self._tokens.members(authorization)
        if OWNER in members:
            return
        if not any(
            _named(entry) in members and permission in self._iam.permissions(str(entry.get("role")))
            for entry in entries
        ):
            raise denied(permission, where)


def _named(entry: Mapping[str, Any]) -> str:
    """Return whom an entry lets in, as a token's bearer would be called."""
    email = str(entry.get("userByEmail") or "")
    if email:
        return f"serviceAccount:{email}" if email.endswith(".gserviceaccount.com") else f"user:{email}"
    return str(entry.get("iamMember") or "")
