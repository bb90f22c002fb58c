"""Refusals as Google's token service and its APIs word them.

OAuth errors of the token service: RFC 6749, 5.2, and RFC 8693, 2.2.2. Their words are those that users quote
(googleapis/google-auth-library-python, google-github-actions/auth, read 2026-11).
"""

from typing import Any

from sluice.local.bigquery.errors import ApiError


class TokenRefusedError(Exception):
    """The token service gives no token; `status` is HTTP's."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status

    def document(self) -> dict[str, Any]:
        """Return the answer's body."""
        return {"error": self.error, "error_description": str(self)}


def invalid_request(description: str) -> TokenRefusedError:
    """Refuse a request that is not one of the protocol."""
    return TokenRefusedError("invalid_request", description)


def invalid_grant(description: str) -> TokenRefusedError:
    """Refuse a credential that is none."""
    return TokenRefusedError("invalid_grant", description)


def invalid_target() -> TokenRefusedError:
    """Refuse an audience that names no provider."""
    return TokenRefusedError(
        "invalid_target",
        'The target service indicated by the "audience" parameters is invalid. This might either be because '
        "the pool or provider is disabled or deleted or because it doesn't exist.",
    )


def rejected_by_condition() -> TokenRefusedError:
    """Refuse whom the provider's condition does not let in."""
    return TokenRefusedError(
        "unauthorized_client", "The given credential is rejected by the attribute condition."
    )


def invalid_argument(message: str) -> ApiError:
    """Build a 400 of an API."""
    return ApiError(400, "badRequest", message)


def unauthenticated() -> ApiError:
    """Build the 401 for a token that is none, or none any more."""
    return ApiError(
        401,
        "authError",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential.",
    )


def denied(permission: str, resource: str) -> ApiError:
    """Build the 403 for a principal that may not."""
    return ApiError(
        403,
        "accessDenied",
        f"Access Denied: {resource}: Permission {permission} denied on {resource} (or it may not exist).",
    )
