"""Routes: what `pipeline.py` says about events that go somewhere of their own.

    from sluice.routes import Firehose, Function, Queue, Route, Stream

Importing this needs msgspec and the standard library alone, because every function loads `pipeline.py`.
What a route's SQL means is worked out elsewhere: `sluice.predicate` for Python, `sluice.patterns` for Lambda.
"""

from sluice.routes.route import Route
from sluice.routes.targets import Firehose, Function, Queue, Stream, Target

__all__ = ["Firehose", "Function", "Queue", "Route", "Stream", "Target"]
