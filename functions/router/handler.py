"""The Lambda of routes that lead to a stream, a queue or a Firehose of their own."""

from pipeline import pipeline
from sluice.router import router

handler = router(pipeline)
