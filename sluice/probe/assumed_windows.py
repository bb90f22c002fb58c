"""What the local cloud assumes of Lambda's tumbling windows and filters."""

from typing import Final

from sluice.probe.assumption import Assumption

_GUIDE: Final = "Lambda developer guide"
_WINDOWS: Final = f"{_GUIDE}, services-kinesis-windows"
_FILTERS: Final = f"{_GUIDE}, with-kinesis-filtering"
_MATCHER: Final = "AWS's own matcher, event-ruler 1.7.3, tried"

WINDOWS_AND_FILTERS: Final = (
    Assumption(
        "window-bounds",
        "lambda",
        "Tumbling windows begin at multiples of their length and hold what arrived within them",
        "sluice/local/mapping_window.py",
        _WINDOWS,
        "Windows would be written at other moments; counts by event time do not change.",
    ),
    Assumption(
        "window-state",
        "lambda",
        "The state of an answer comes with the next batch of the window",
        "sluice/windows/aggregator.py",
        _WINDOWS,
        "The aggregator would count again from the mark: right, and slower.",
    ),
    Assumption(
        "window-final",
        "lambda",
        "A window that had records ends with one final call that has all of its state, or the rest of its "
        "records",
        "sluice/windows/aggregator.py",
        _WINDOWS,
        "Windows would not be written in time, or without their last records.",
    ),
    Assumption(
        "window-early",
        "lambda",
        "State above 1 MB ends the window early, by a final call marked so, and the next batch has none",
        "sluice/windows/aggregator.py",
        _WINDOWS,
        "Many groups in one window would fail the aggregator instead of ending it early.",
    ),
    Assumption(
        "window-final-again",
        "lambda",
        "A final call that fails comes again with the same state",
        "sluice/windows/aggregator.py",
        _WINDOWS,
        "A failure at a window's end would lose the state: counted again from the mark, and slower.",
    ),
    Assumption(
        "window-needs-state",
        "lambda",
        "An answer without a state fails the batch",
        "sluice/local/mapping_window.py",
        _WINDOWS,
        "Sluice always answers with one; the local cloud would be stricter than Lambda.",
    ),
    Assumption(
        "filter-numbers",
        "lambda",
        "`numeric` takes numbers between -5e9 and 5e9 to six decimals, never text; of a list, any element",
        "sluice/patterns",
        _MATCHER,
        "A route's pattern would drop events that its condition wants, or pay for others.",
    ),
    Assumption(
        "filter-nothing",
        "lambda",
        "`[null]` takes null, and not a field that is absent",
        "sluice/patterns",
        _FILTERS,
        "A condition with IS NULL would be compiled wrongly.",
    ),
    Assumption(
        "filter-absence",
        "lambda",
        '`{"exists": false}` takes a field that is absent, and not null',
        "sluice/patterns",
        _FILTERS,
        "A condition on a field with a default would be compiled wrongly.",
    ),
    Assumption(
        "filter-unlike",
        "lambda",
        "`anything-but` takes other texts and null, and not a field that is absent",
        "sluice/patterns",
        _MATCHER,
        "A condition with != would be compiled wrongly.",
    ),
    Assumption(
        "filter-texts",
        "lambda",
        "Texts are compared as they are; of a list, any element",
        "sluice/patterns",
        _FILTERS,
        "A condition with = would be compiled wrongly.",
    ),
    Assumption(
        "filter-no-json",
        "lambda",
        "A mapping with a filter drops what is no JSON",
        "sluice/local/mapping_filter.py",
        _FILTERS,
        "A route would be invoked for broken records, which it skips: only cost.",
    ),
    Assumption(
        "filter-aggregates",
        "lambda",
        "An enhanced mapping with a filter hands over an aggregate's matching events, each as an entry of "
        "its own with the aggregate's sequence number",
        "sluice/records/record.py",
        f"{_FILTERS}; in what shape is not said",
        "Routes would miss events of KPL producers, or give them other ids.",
    ),
    Assumption(
        "filter-aggregates-shared",
        "lambda",
        "A shared mapping with a filter drops aggregates",
        "infra/routes.py",
        _FILTERS,
        "Routes on shared consumers could have patterns after all.",
    ),
)
