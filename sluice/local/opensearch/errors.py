"""What OpenSearch answers when it refuses, in its own words and shape."""

from typing import Any

import msgspec

Body = dict[str, Any]


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the stand-in
    """A refusal, of a request or of one item; `more` lies beside type and reason."""

    def __init__(self, status: int, kind: str, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.status = status
        self.error: Body = {"type": kind, "reason": reason, **more}

    def body(self) -> bytes:
        """The answer to a whole request."""
        cause = {key: value for key, value in self.error.items() if key != "caused_by"}
        return msgspec.json.encode({"error": {"root_cause": [cause], **self.error}, "status": self.status})


def bad(reason: str, kind: str = "illegal_argument_exception", **more: Any) -> Refused:
    """A request that is wrong: OpenSearch refuses it, too."""
    return Refused(400, kind, reason, **more)


def unsupported(what: str) -> Refused:
    """A request that OpenSearch may well answer, and the stand-in does not."""
    return Refused(
        400,
        "unsupported_by_the_stand_in",
        f"the local stand-in for OpenSearch does not support {what}; `make opensearch` fetches a real node",
    )


def no_index(name: str) -> Refused:
    """A name that is neither an index nor an alias."""
    return Refused(404, "index_not_found_exception", f"no such index [{name}]", index=name)


def no_handler(method: str, path: str) -> bytes:
    """The answer to what is no interface of a node."""
    return msgspec.json.encode({"error": f"no handler found for uri [{path}] and method [{method}]"})
