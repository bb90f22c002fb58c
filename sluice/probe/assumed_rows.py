"""What the local cloud assumes of BigQuery's streaming inserts."""

from typing import Final

from sluice.probe.assumption import Assumption

_INSERT: Final = "BigQuery REST reference, tabledata.insertAll"
_QUOTAS: Final = "BigQuery quotas, streaming inserts"
_STREAMING: Final = "BigQuery, streaming data into BigQuery"
_ERRORS: Final = "BigQuery, error messages"

ROWS: Final = (
    Assumption(
        "rows-values",
        "bigquery",
        "Values come back as Sluice writes them: numbers, NUMERIC and times as text, bytes in base64",
        "sluice/contract/rows.py",
        "BigQuery, data types",
        "Columns would hold other values than the events.",
    ),
    Assumption(
        "rows-bad",
        "bigquery",
        "With skipInvalidRows a bad row is named by its index and field as invalid, and the others go in",
        "sluice/sinks/bigquery/answers.py",
        _INSERT,
        "Good rows would be dead letters, or bad ones lost.",
    ),
    Assumption(
        "rows-stopped",
        "bigquery",
        "Without skipInvalidRows the others are named as stopped, and none goes in",
        "sluice/sinks/bigquery/answers.py",
        _INSERT,
        "Sluice always sets it; the local BigQuery would be wrong about code of yours.",
    ),
    Assumption(
        "rows-no-such-field",
        "bigquery",
        "A row with a field that the table lacks is refused with `no such field`",
        "sluice/sinks/bigquery/answers.py",
        "googleapis/google-cloud-ruby#3805",
        "While a new column spreads, rows would be dead letters instead of waiting.",
    ),
    Assumption(
        "rows-missing-field",
        "bigquery",
        "A row without a REQUIRED field is refused with `missing required field`",
        "sluice/sinks/bigquery/answers.py",
        _ERRORS,
        "While a schema spreads, rows would be dead letters instead of waiting.",
    ),
    Assumption(
        "rows-insert-id",
        "bigquery",
        "A row that comes again within a minute under the same insertId is one row (best effort)",
        "sluice/sinks/bigquery/writer.py",
        f"{_STREAMING}: best effort",
        "Raw tables hold more repetitions; the views count each event once all the same.",
    ),
    Assumption(
        "rows-long-insert-id",
        "bigquery",
        "An insertId of 129 characters is refused",
        "sluice/sinks/bigquery/writer.py",
        _INSERT,
        "Sluice's are shorter; the local BigQuery would be stricter than the real one.",
    ),
    Assumption(
        "rows-past",
        "bigquery",
        "A partition's time 1,800 days back is taken, and one 4,000 days back refused as the row's own fault",
        "sluice/local/bigquery/insert.py",
        f"{_STREAMING}; mozilla/gcp-ingestion#2721",
        "Late events would be dead letters, or retried for ever.",
    ),
    Assumption(
        "rows-future",
        "bigquery",
        "A partition's time 300 days ahead is taken, and one 500 days ahead refused as the row's own fault",
        "sluice/local/bigquery/insert.py",
        f"{_STREAMING}; mozilla/gcp-ingestion#2721",
        "Events of clocks that run ahead would be dead letters, or retried for ever.",
    ),
    Assumption(
        "rows-too-large",
        "bigquery",
        "A request above 10 MB is refused in a way that reads as too large: it is cut and sent again",
        "sluice/sinks/bigquery/answers.py",
        _QUOTAS,
        "Refused in other words, a large batch would be retried whole, for ever; taken, Sluice cuts finer "
        "than it has to.",
    ),
    Assumption(
        "rows-no-table",
        "bigquery",
        "A table that is not there answers 404, and the rows wait",
        "sluice/sinks/bigquery/answers.py",
        _ERRORS,
        "Rows would be dead letters while a new table spreads.",
    ),
    Assumption(
        "rows-new-table",
        "bigquery",
        "A table that was just made takes rows within minutes, and until then refuses them for now only",
        "sluice/sinks/bigquery/answers.py",
        _STREAMING,
        "The first events of a new type would be dead letters.",
    ),
    Assumption(
        "rows-new-column",
        "bigquery",
        "A column that was just added takes values within minutes, and until then rows wait",
        "sluice/sinks/bigquery/answers.py",
        "snowplow-incubator/snowplow-bigquery-loader#366",
        "Events with a new field would be dead letters until the schema has spread.",
    ),
)
