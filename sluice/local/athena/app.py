"""Athena's API over HTTP: JSON 1.1, the operation named in a header."""

from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluice.local.athena.queries import BadRequest, Queries
from sluice.local.athena.resolved import Catalog

_TARGET: Final = "AmazonAthena."
_TYPE: Final = "application/x-amz-json-1.1"


def routes(catalog: Catalog) -> list[Route]:
    """Return the routes of a server that is Athena over this catalog."""
    queries = Queries(catalog)
    operations = {
        "StartQueryExecution": queries.start,
        "GetQueryExecution": queries.describe,
        "GetQueryResults": queries.results,
        "StopQueryExecution": queries.stop,
    }

    async def answer(request: Request) -> Response:
        name = request.headers.get("x-amz-target", "").removeprefix(_TARGET)
        operation = operations.get(name)
        if operation is None:
            return _refusal("UnknownOperationException", f"the local Athena has no operation {name!r}")
        try:
            body: Any = msgspec.json.decode(await request.body() or b"{}")
            found = await run_in_threadpool(operation, body if isinstance(body, dict) else {})
        except (BadRequest, msgspec.DecodeError) as error:
            return _refusal("InvalidRequestException", str(error))
        return Response(msgspec.json.encode(found), media_type=_TYPE)

    return [Route("/", answer, methods=["POST"])]


def _refusal(kind: str, words: str) -> Response:
    body = msgspec.json.encode({"__type": kind, "Message": words, "message": words})
    return Response(body, 400, media_type=_TYPE, headers={"x-amzn-ErrorType": kind})
