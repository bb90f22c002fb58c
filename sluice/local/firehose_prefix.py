"""What stands for time and failure in the names of a Firehose's objects.

Documented (Amazon Data Firehose developer guide, "Custom prefixes for Amazon S3 objects", "Configure Amazon
S3 object name format", read 2026-11): expressions are filled with the arrival of the object's oldest record
in UTC, and `yyyy/MM/dd/HH/` follows a prefix that has none; the name goes on with the stream's name, its
version, yyyy-MM-dd-HH-mm-ss and something random.
"""

import re
import uuid
from datetime import datetime

_EXPRESSION = re.compile(r"!\{(\w+):([^}]*)\}")
_TIMES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_TIME_PART = re.compile("|".join(_TIMES))
_NAME_TIME = "%Y-%m-%d-%H-%M-%S"


def prefix_at(prefix: str, moment: datetime, failure: str | None = None) -> str:
    """A prefix as the object of a moment has it; `failure` is the error output type, for such objects only.

    Raises:
        ValueError: it has an expression that is not known here.
    """
    if "!{" not in prefix:
        return f"{prefix}{failure}/{moment:%Y/%m/%d/%H/}" if failure else f"{prefix}{moment:%Y/%m/%d/%H/}"
    filled = _EXPRESSION.sub(lambda found: _filled(found[1], found[2], moment, failure), prefix)
    if "!{" in filled:
        raise ValueError(f"{prefix!r} has an expression without an end, or without a namespace")
    return filled


def object_name(stream: str, version: str, moment: datetime, *, packed: bool) -> str:
    """What follows the prefix."""
    return f"{stream}-{version}-{moment.strftime(_NAME_TIME)}-{uuid.uuid4()}{'.gz' if packed else ''}"


def _filled(namespace: str, value: str, moment: datetime, failure: str | None) -> str:
    if namespace == "firehose" and value == "random-string":
        return uuid.uuid4().hex[:11]
    if namespace == "firehose" and value == "error-output-type" and failure:
        return failure
    text = _TIME_PART.sub(lambda part: moment.strftime(_TIMES[part[0]]), value)
    if namespace != "timestamp" or re.search("[A-Za-z]", _TIME_PART.sub("", value)):
        raise ValueError(
            f"!{{{namespace}:{value}}} is not known here; known are !{{timestamp:...}} of"
            f" {', '.join(_TIMES)} and !{{firehose:random-string}}, and where failures go"
            " !{firehose:error-output-type}"
        )
    return text
