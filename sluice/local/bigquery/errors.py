"""Errors as BigQuery's REST interface words them.

Reasons and HTTP codes: https://cloud.google.com/bigquery/docs/error-messages (read in November 2026).
"""

from typing import Any

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    413: "INVALID_ARGUMENT",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class ApiError(Exception):
    """A refusal that travels to the client as Google's JSON error envelope."""

    def __init__(self, code: int, reason: str, message: str, *, location: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.location = location

    def proto(self) -> dict[str, Any]:
        """Return the error as an ErrorProto, the form used inside jobs."""
        proto = {"reason": self.reason, "message": self.message}
        if self.location is not None:
            proto["location"] = self.location
        return proto

    def envelope(self) -> dict[str, Any]:
        """Return the error as the body of an HTTP answer."""
        entry = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            entry |= {"location": self.location, "locationType": "other"}
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "errors": [entry],
                "status": _STATUS_NAMES.get(self.code, "UNKNOWN"),
            }
        }


def invalid(message: str) -> ApiError:
    """Build a 400 for a request that is wrong in itself."""
    return ApiError(400, "invalid", message)


def invalid_query(message: str) -> ApiError:
    """Build a 400 for SQL that BigQuery refuses."""
    return ApiError(400, "invalidQuery", message, location="query")


def unsupported(what: str) -> ApiError:
    """Build a 400 for SQL that BigQuery takes and this server cannot answer in the same way."""
    return invalid_query(f"{what} is not supported by the local BigQuery")


def unsupported_request(what: str) -> ApiError:
    """Build a 400 for a part of the REST interface that this server does not have."""
    return invalid(f"{what} is not supported by the local BigQuery")


def not_found(what: str) -> ApiError:
    """Build a 404, `what` as in `Dataset p:d` or `Table p:d.t`."""
    return ApiError(404, "notFound", f"Not found: {what}")


def already_exists(what: str) -> ApiError:
    """Build a 409, `what` as in `Dataset p:d` or `Table p:d.t`."""
    return ApiError(409, "duplicate", f"Already Exists: {what}")
