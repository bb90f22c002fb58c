"""Requests to the local AWS, and what it holds."""

from typing import Any

import msgspec

from sluice.local.access.needs import needs
from sluice.local.access.request import Request

REGION, ACCOUNT = "eu-central-1", "123456789012"


class World:
    """Tables with the partition key `pk`, one key that encrypts everything, and one policy of every role."""

    def __init__(self, key: str | None = None, policy: str | None = None) -> None:
        self._key, self._policy = key, policy

    def hash_key(self, table: str, region: str) -> str | None:
        del table, region
        return "pk"

    def key_of(self, service: str, resource: str, region: str) -> str | None:
        del service, resource, region
        return self._key

    def policies(self, role: str) -> list[str]:
        del role
        return [self._policy] if self._policy else []


def request(service: str, **parts: Any) -> Request:
    usual = {"method": "POST", "path": "/", "query": "", "headers": {}, "body": b""}
    return Request(service=service, region=REGION, account=ACCOUNT, **{**usual, **parts})


def json(service: str, operation: str, **fields: Any) -> Request:
    headers = {b"x-amz-target": f"Some_20130101.{operation}".encode()}
    return request(service, headers=headers, body=msgspec.json.encode(fields))


def asked(one: Request) -> list[tuple[str, str | None]]:
    return [(need.action, short(need.resource)) for need in needs(one)]


def short(resource: str | None) -> str | None:
    return resource and resource.removeprefix("arn:aws:").replace(f"{REGION}:{ACCOUNT}:", "")
