"""What streams took in and refused, by the minute, as CloudWatch shows it."""

from collections import defaultdict

MINUTES = 15 * 24 * 60
"""CloudWatch keeps one-minute points for 15 days."""


class Minute:
    """One minute of one stream."""

    __slots__ = ("calls", "records", "refused_reads", "refused_writes", "size")

    def __init__(self) -> None:
        self.records = self.size = self.calls = self.refused_writes = self.refused_reads = 0

    def sums(self) -> list[tuple[str, int, int, str]]:
        """Metric, sum, samples and unit; of refusals only when there are any."""
        found = [
            ("IncomingRecords", self.records, self.calls, "Count"),
            ("IncomingBytes", self.size, self.calls, "Bytes"),
            ("WriteProvisionedThroughputExceeded", self.refused_writes, self.refused_writes, "Count"),
            ("ReadProvisionedThroughputExceeded", self.refused_reads, self.refused_reads, "Count"),
        ]
        return [metric for metric in found if metric[2]]


class Traffic:
    """Minutes per stream, by its ARN."""

    def __init__(self) -> None:
        self.minutes: dict[str, dict[int, Minute]] = defaultdict(dict)

    def add(self, stream_arn: str, records: int, size: int, now: float, *, refused: int = 0) -> None:
        """Count one put: what it brought, and how many of its records a limit refused."""
        minute = self._minute(stream_arn, now)
        minute.calls += 1
        minute.records += records
        minute.size += size
        minute.refused_writes += refused

    def refuse_read(self, stream_arn: str, now: float) -> None:
        """Count one GetRecords that a limit refused."""
        self._minute(stream_arn, now).refused_reads += 1

    def totals(self) -> dict[str, int]:
        """How many records each stream has ever taken."""
        return {
            arn: sum(minute.records for minute in list(minutes.values()))
            for arn, minutes in list(self.minutes.items())
        }

    def _minute(self, stream_arn: str, now: float) -> Minute:
        number = int(now // 60)
        minutes = self.minutes[stream_arn]
        minute = minutes.get(number)
        if minute is None:
            minute = minutes[number] = Minute()
            while len(minutes) > MINUTES:
                del minutes[next(iter(minutes))]
        return minute
