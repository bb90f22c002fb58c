"""How each service says that a request is not allowed, or that its credentials are no good.

The codes are those of "Common Errors" in the services' API references; S3's are in its "Error responses".
"""

import uuid
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from sluice.local.access.guard import DeniedError
from sluice.local.access.request import Request
from sluice.local.identities import NOT_OURS, RefusedError
from sluice.local.signatures import refusal as said_by_sts

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body."""

_DENIED: Final = "AccessDenied"
_IN_JSON: Final = {
    _DENIED: "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
}
_IN_S3: Final = {
    "ExpiredToken": ("ExpiredToken", "The provided token has expired.", 400),
    "InvalidClientTokenId": ("InvalidToken", NOT_OURS, 400),
}
_FORBIDDEN, _BAD = 403, 400
_FORMERLY_QUERY: Final = frozenset({"monitoring", "sqs"})
"""Services that had a query API before they spoke JSON (`awsQueryCompatible` in their models)."""

_XML: Final = (b"content-type", b"text/xml")


def answer(request: Request, error: DeniedError | RefusedError) -> Answer:
    """The answer in the words of the service and the form of its protocol."""
    refused = (
        error if isinstance(error, RefusedError) else RefusedError(_DENIED, str(error), status=_FORBIDDEN)
    )
    request_id = str(uuid.uuid4())
    if request.service == "s3":
        return _s3(refused, request_id)
    if "/operation/" in request.path:
        return _cbor(refused)
    if b"x-amz-target" in request.headers:
        return _formerly_query(refused) if request.service in _FORMERLY_QUERY else _json(refused)
    wants_json = b"json" in request.headers.get(b"accept", b"")
    form = (b"content-type", b"application/json") if wants_json else _XML
    return refused.status, [form], said_by_sts(refused, request_id, json=wants_json)


def _json(refused: RefusedError) -> Answer:
    code = _IN_JSON.get(refused.code, refused.code)
    said = {
        "__type": f"com.amazon.coral.service#{code}",
        "Message": str(refused),
        "message": str(refused),
    }
    return _BAD, [(b"content-type", b"application/x-amz-json-1.1")], msgspec.json.encode(said)


def _formerly_query(refused: RefusedError) -> Answer:
    """The old API's codes come in a header, and those are what clients show."""
    code = _IN_JSON.get(refused.code, refused.code)
    said = {"__type": f"com.amazon.coral.service#{code}", "message": str(refused)}
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"x-amzn-query-error", f"{refused.code};Sender".encode()),
    ]
    return _FORBIDDEN, headers, msgspec.json.encode(said)


def _s3(refused: RefusedError, request_id: str) -> Answer:
    code, words, status = _IN_S3.get(refused.code, (refused.code, str(refused), refused.status))
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{escape(words)}</Message><RequestId>{request_id}</RequestId></Error>"
    )
    return status, [(b"content-type", b"application/xml")], body.encode()


def _cbor(refused: RefusedError) -> Answer:
    """Smithy RPC v2 CBOR: a map of the error's shape and its message."""
    pairs = (("__type", f"com.amazonaws#{refused.code}"), ("message", str(refused)))
    body = b"\xa2" + b"".join(_text(part) for pair in pairs for part in pair)
    headers = [
        (b"content-type", b"application/cbor"),
        (b"smithy-protocol", b"rpc-v2-cbor"),
        (b"x-amzn-query-error", f"{refused.code};Sender".encode()),
    ]
    return refused.status, headers, body


def _text(value: str) -> bytes:
    """A text string of RFC 8949, with its length in two bytes."""
    encoded = value.encode()[:65_535]
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded
