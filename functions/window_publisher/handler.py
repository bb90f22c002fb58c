"""The Lambda that the windows' table wakes: committed segments, copied to BigQuery."""

from sluice.publisher.function import window_publisher

handler = window_publisher()
