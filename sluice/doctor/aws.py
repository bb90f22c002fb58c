"""The user's own AWS, as Pulumi's provider would use it: boto3 takes the same credentials and endpoints."""

from functools import cached_property
from threading import Lock
from typing import Any

from sluice.errors import EnvironmentProblem

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 20, 2


class NotAws(EnvironmentProblem):
    """Something else answers in AWS's place."""

    def __init__(self) -> None:
        super().__init__("what answers at AWS's address is not AWS: a page of a proxy's, perhaps")


class Aws:
    """Clients of one region. Safe to use from several threads."""

    def __init__(self, region: str, profile: str | None = None) -> None:
        self.region = region
        self._profile = profile
        self._lock = Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    @cached_property
    def session(self) -> Any:
        """The session of whoever is logged in.

        Raises:
            EnvironmentProblem: nobody is, or the configuration cannot be read.
        """
        import boto3  # noqa: PLC0415 - half a second that no other check waits for
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - same

        try:
            session = boto3.Session(region_name=self.region, profile_name=self._profile)
            found = session.get_credentials()
        except BotoCoreError as error:
            raise EnvironmentProblem(f"AWS credentials: {error}") from error
        if found is None:
            raise EnvironmentProblem("no AWS credentials are to be found")
        return session

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the client of a service; raises EnvironmentProblem as `session` does."""
        from botocore.config import Config  # noqa: PLC0415 - see session

        key = service, region or self.region
        with self._lock:
            if key not in self._clients:
                config = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                )
                self._clients[key] = self.session.client(service, region_name=key[1], config=config)
            return self._clients[key]

    def caller(self) -> tuple[str, str]:
        """Return the ARN and the account of whoever is logged in.

        Raises:
            NotAws: what answers is not AWS.
            EnvironmentProblem: nobody is logged in. Lets botocore's errors pass.
        """
        answer = self.identity()
        return str(answer["Arn"]), str(answer["Account"])

    def identity(self) -> dict[str, Any]:
        """Return STS's whole answer; raises as `caller` does."""
        from botocore.parsers import ResponseParserError  # noqa: PLC0415 - see session

        try:
            answer: dict[str, Any] = self.client("sts").get_caller_identity()
        except (KeyError, ResponseParserError) as error:  # of XML that is not AWS's, and of what is no XML
            raise NotAws from error
        if not {"Arn", "Account"} <= answer.keys():
            raise NotAws
        return answer

    def every(self, service: str, call: str, key: str, **arguments: Any) -> list[Any]:
        """Return all that a call lists under `key`, page by page."""
        client = self.client(service)
        if not client.can_paginate(call):
            return list(getattr(client, call)(**arguments)[key])
        return [one for page in client.get_paginator(call).paginate(**arguments) for one in page[key]]


def code_of(error: Exception) -> str:
    """Return AWS's code of a refusal; empty for anything else."""
    answer: dict[str, Any] = getattr(error, "response", None) or {}
    return str((answer.get("Error") or {}).get("Code") or "")


def is_denied(error: Exception) -> bool:
    """Whether AWS refused for want of a right."""
    return code_of(error) in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


def is_missing(error: Exception) -> bool:
    """Whether AWS says that there is no such thing."""
    code = code_of(error)
    return code in {"404", "NoSuchBucket", "NoSuchEntity", "NotFoundException"} or code.endswith(
        ("NotFoundException", "NonExistentQueue", "QueueDoesNotExist", "NotFound")
    )
