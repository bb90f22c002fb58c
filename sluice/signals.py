"""What Sluice's functions say of themselves to CloudWatch: the one list of their metrics.

All stand in the namespace `Sluice` with exactly two dimensions: `environment`, the prefix of all names
(PROJECT-STACK; in a function SLUICE_ENVIRONMENT), and `sink`, the sink that it is about or, for a function
that is none, the function: `window_publisher`, `auditor`, `report`.

A custom metric is paid for in each hour in which it is sent. So work is said by every invocation, zero
included, and trouble only where there is any: an alarm on trouble takes missing data as good.
"""

from typing import Final, Literal, NamedTuple

NAMESPACE: Final = "Sluice"
ENVIRONMENT: Final = "environment"
SINK: Final = "sink"

Unit = Literal["Bytes", "Count", "Seconds"]
By = Literal["sinks", "google", "search", "windows", "publisher", "auditor", "audited", "report"]
"""Who says it.

`sinks`: each sink's function, the aggregator and a Firehose's transform included. `google`: the functions
that send to Google, which are the BigQuery sink and the window publisher. `search`: the search sink.
`windows`: the aggregator, whose sink has that name. `publisher`: the window publisher. `auditor`: the auditor
about itself, `audited` about each sink that it looks at. `report`: the report page.
"""


class Signal(NamedTuple):
    """One metric: its unit as CloudWatch spells it, what it says, by whom, and whether zero is said too."""

    name: str
    unit: Unit
    said: str
    by: tuple[By, ...]
    always: bool = False


SIGNALS: Final = (
    Signal("Delivered", "Count", "Events that the sink holds now", ("sinks",), always=True),
    Signal(
        "DeadLettered",
        "Count",
        "Events that became dead letters: the sum of the three kinds below",
        ("sinks",),
        always=True,
    ),
    Signal("Skipped", "Count", "Events not meant for the sink", ("sinks",), always=True),
    Signal(
        "Retried",
        "Count",
        "Events that go back to the stream, because they or an earlier one could not be settled",
        ("sinks",),
        always=True,
    ),
    Signal(
        "Freshness",
        "Seconds",
        "Age of the oldest record that the invocation could not settle, else of the oldest that it had",
        ("sinks",),
        always=True,
    ),
    Signal("ContractViolations", "Count", "Dead letters because of the contract", ("sinks",)),
    Signal(
        "RejectedRows",
        "Count",
        "Rows that the sink itself refused: dead letters of a sink, windows that BigQuery does not hold",
        ("sinks", "publisher"),
    ),
    Signal("Crashes", "Count", "Dead letters of records that killed the function or broke it", ("sinks",)),
    Signal("UnsentLetters", "Count", "Dead letters that could not be sent: their records wait", ("sinks",)),
    Signal("Unlisted", "Count", "Dead letters in the queue that the sink's own list lacks", ("sinks",)),
    Signal("Careful", "Count", "Batches read with care because an attempt at them was killed", ("sinks",)),
    Signal("Unfinished", "Count", "Invocations that raised and come again", ("sinks", "publisher")),
    Signal(
        "Throttled",
        "Count",
        "Answers by which the sink's service asked for less: status 429, a quota, a rate",
        ("google", "search"),
    ),
    Signal(
        "Unanswered",
        "Count",
        "Requests to the sink's service without an answer, or with an error of its own",
        ("google", "search"),
    ),
    Signal("TokenFailures", "Count", "Times that Google's token service gave no token", ("google",)),
    Signal("Requests", "Count", "Requests sent to Google", ("google",), always=True),
    Signal("RawBytes", "Bytes", "Bytes of requests to Google before compression", ("google",), always=True),
    Signal("SentBytes", "Bytes", "Bytes of requests to Google as sent", ("google",), always=True),
    Signal("Segments", "Count", "Segments of windows committed", ("windows",), always=True),
    Signal("Spilled", "Count", "Segments committed early because the state was full", ("windows",)),
    Signal("Recovered", "Count", "Records read again because Lambda lost the state", ("windows",)),
    Signal("Lost", "Count", "Calls that found records gone from the stream uncounted", ("windows",)),
    Signal("StateNearLimit", "Count", "Calls whose state came near the megabyte it may have", ("windows",)),
    Signal("StateBytes", "Bytes", "Size of the state that a call handed on", ("windows",), always=True),
    Signal("WatermarkLag", "Seconds", "Seconds since the moment to which windows are complete", ("windows",)),
    Signal("WatermarkFailures", "Count", "Times that the watermark could not be taken", ("windows",)),
    Signal("PublishedSegments", "Count", "Segments copied to BigQuery", ("publisher",), always=True),
    Signal("PublishedRows", "Count", "Rows of windows sent to BigQuery", ("publisher",), always=True),
    Signal(
        "PublishDelay",
        "Seconds",
        "Age of the oldest segment that was committed and is not published, else of the newest published",
        ("publisher",),
        always=True,
    ),
    Signal(
        "Unaccounted",
        "Count",
        "Records that the stream took in and that are in no state",
        ("audited",),
        always=True,
    ),
    Signal("Overcounted", "Count", "Records accounted for beyond what the stream took in", ("audited",)),
    Signal(
        "Overdue",
        "Count",
        "Records that the stream still has for the sink after the grace",
        ("audited",),
        always=True,
    ),
    Signal("Waiting", "Seconds", "Age of the oldest of them, 0 for none", ("audited",), always=True),
    Signal("AuditedSinks", "Count", "Sinks whose books an audit read to the end", ("auditor",), always=True),
    Signal("AuditFailures", "Count", "Sinks whose books an audit could not read", ("auditor",), always=True),
    Signal("PageRequests", "Count", "Requests to the report page", ("report",), always=True),
    Signal("PageFailures", "Count", "Requests that the page answered with a failure", ("report",)),
)

BY_NAME: Final = {signal.name: signal for signal in SIGNALS}
