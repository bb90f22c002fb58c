"""The Lambda of the report page, read-only, behind an address that authenticates."""

from pipeline import pipeline
from sluice.report.function import report

handler = report(pipeline)
