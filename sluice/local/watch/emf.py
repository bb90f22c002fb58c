"""CloudWatch's embedded metric format: metrics that a function writes into its log.

By its specification (CloudWatch user guide, "Specification: Embedded metric format"): a JSON object whose
`_aws` names the time in milliseconds, namespaces, sets of dimensions and metrics; dimensions' and metrics'
values are members of the object itself, a metric's a number or up to 100 of them. A document that does not
hold to it yields nothing, as in the cloud.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from sluice.local.watch.points import Points, dimensions_of

MOST_VALUES: Final = 100
MOST_DIMENSIONS: Final = 30
LINE_BYTES: Final = 1024 * 1024
"""Of one log event (CloudWatch Logs quotas)."""


class _Metric(msgspec.Struct):
    Name: str
    Unit: str = "None"


class _Directive(msgspec.Struct):
    Namespace: str
    Dimensions: list[list[str]]
    Metrics: list[_Metric]


class _Aws(msgspec.Struct):
    Timestamp: float
    CloudWatchMetrics: list[_Directive]


def points_of(line: bytes) -> list[Points]:
    """The metrics of a log line; empty when it has none."""
    if b'"_aws"' not in line or b'"CloudWatchMetrics"' not in line:
        return []
    try:
        document = msgspec.json.decode(line)
        told = msgspec.convert(document["_aws"], _Aws)
    except (msgspec.MsgspecError, TypeError, KeyError):
        return []
    return [point for directive in told.CloudWatchMetrics for point in _extracted(document, told, directive)]


def _extracted(document: dict[str, Any], told: _Aws, directive: _Directive) -> Iterator[Points]:
    for names in directive.Dimensions:
        dimensions = {name: document.get(name) for name in names}
        if len(names) > MOST_DIMENSIONS or not all(isinstance(value, str) for value in dimensions.values()):
            continue
        found = dimensions_of({name: str(value) for name, value in dimensions.items()})
        for metric in directive.Metrics:
            values = _numbers(document.get(metric.Name))
            if values:
                yield Points(
                    directive.Namespace,
                    metric.Name,
                    found,
                    metric.Unit,
                    told.Timestamp / 1000,
                    values,
                    [1.0] * len(values),
                )


def _numbers(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST_VALUES or any(
        isinstance(one, bool) or not isinstance(one, int | float) for one in values
    ):
        return []
    return [float(one) for one in values]
