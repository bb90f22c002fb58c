"""Why a record was not taken, and what that means for it and the others: SDK errors are read here alone."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
)

THROTTLED: Final = frozenset(
    {
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes for "too fast": of a record, or of a whole request. Firehose says ServiceUnavailableException."""

_PASSING: Final = THROTTLED | {
    "InternalFailure",
    "InternalFailureException",
    "InternalServerError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
}
_OF_THE_REQUEST: Final = frozenset(
    {"InvalidArgumentException", "SerializationException", "ValidationException"}
)
_PASSING_STATUSES: Final = frozenset({408, 429})
"""Of answers without a code that is known, by what stands in between: too slow, too many."""
_SERVER_ERROR: Final = 500


class Why(Enum):
    """What a failure means for the record."""

    PASSING = "passing"
    """Throttled, no answer, a server error: the record may be taken later, and may be there already."""
    RECORD = "record"
    """No request could ever carry this record: too large, a key that is none."""
    DESTINATION = "destination"
    """The destination takes nothing at all: it does not exist, access is denied, its key is disabled."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record was not taken: the service's code, and its message where it says one."""

    why: Why
    code: str
    message: str = ""

    @property
    def throttled(self) -> bool:
        """Whether it was sent faster than the destination takes records."""
        return self.code in THROTTLED

    @property
    def reason(self) -> str:
        """One line for a person."""
        if not (self.message and self.code):
            return self.message or self.code
        return f"{self.message} ({self.code})"


def failure_of_record(code: str, message: str) -> Failure:
    """Return the failure that stands for one record in the answer to a request.

    Both services name only causes that pass there:
    docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsResultEntry.html,
    docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html (2026).
    """
    return Failure(Why.PASSING, code, message)


def failure_of_request(error: BotoCoreError | ClientError) -> Failure:
    """Return why a whole request failed.

    Broken and refused connections, time-outs, names that cannot be looked up, throttles and 5xx pass, and so
    does a source of credentials that does not answer. What is left (rights, a stream that does not exist,
    missing credentials) fails the same way each time.
    """
    if isinstance(error, ClientError):
        found = error.response.get("Error", {})
        code = found.get("Code", "") or "unknown"
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        passing = code in _PASSING or status in _PASSING_STATUSES or status >= _SERVER_ERROR
        return Failure(Why.PASSING if passing else Why.DESTINATION, code, found.get("Message", ""))
    passing = isinstance(error, HTTPClientError | ConnectionError | CredentialRetrievalError)
    hint = "; see `aws configure`" if isinstance(error, NoCredentialsError) else ""
    return Failure(Why.PASSING if passing else Why.DESTINATION, type(error).__name__, f"{error}{hint}")


def may_be_one_record(failure: Failure) -> bool:
    """Whether one record of the request may have spoiled it for the others."""
    return failure.code in _OF_THE_REQUEST
