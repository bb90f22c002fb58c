"""PutRecords and PutRecordBatch as JSON, past botocore's own writer and reader.

Those walk the service's model for each member of each record: two thirds of a request's processor time.

A prepared client does everything else as before: credentials, signatures, endpoints, connections, errors. Of
the events used, boto3's guide names `provide-client-params` (boto3.amazonaws.com/v1/documentation/api/latest/
guide/events.html, 2026); botocore's Stubber rests on `before-call`. An answer is only read here when it is
a plain success, and botocore reads it where `before-parse` is not emitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATIONS: Final = {"kinesis": "PutRecords", "firehose": "PutRecordBatch"}

_BODY: Final = "sluice_body"
_SUCCESS: Final = 200
_OBJECT: Final = msgspec.json.Decoder(dict)

Client = TypeVar("Client")


def prepared(client: Client) -> Client:
    """Make a client write and read records faster, and return it. Do it before threads share the client.

    The records' `Data` must be bytes then, as a producer's are. A client that does not speak JSON stays as it
    is.
    """
    meta: Any = client.meta  # type: ignore[attr-defined]  # botocore makes clients' classes as it goes
    service = meta.service_model
    if service.resolved_protocol == "json":
        name = f"{service.service_id.hyphenize()}.{OPERATIONS[service.service_name]}"
        meta.events.register(f"provide-client-params.{name}", _write, unique_id="sluice-write")
        meta.events.register(f"before-call.{name}", _replace, unique_id="sluice-replace")
        meta.events.register(f"before-parse.{name}", _read, unique_id="sluice-read")
    return client


def _write(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Write the whole request, and leave botocore one record of it to write."""
    context[_BODY] = msgspec.json.encode(params)
    return {**params, "Records": params["Records"][:1]}


def _replace(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Send what `_write` wrote: the body is signed after this."""
    params["body"] = context[_BODY]


def _read(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Read a successful answer, and leave botocore an empty one; what is no JSON is botocore's to judge."""
    if response_dict["status_code"] != _SUCCESS:
        return
    try:
        customized_response_dict.update(_OBJECT.decode(response_dict["body"]))
    except msgspec.DecodeError:
        return
    response_dict["body"] = b"{}"
