"""The keys of the tables `windows` and `claims`: where every item lies, and how its key is read back.

| item | pk | sk |
|---|---|---|
| lane | `lanes` | lane |
| segment's header | `segments#<lane>` | number, 12 digits |
| part | `window#<metric>#<UTC day of window start>` | `<start>#<version>#<lane>#<number>#<segment>#<index>` |
| day with parts | `days#<metric>` | `YYYY-MM-DD`, UTC |
| watermark | `watermark` | `-` |
| published | `published` | lane, or `watermark` |
| definition | `metrics` | `<metric>#<version>`; `-` says which versions are current |
| redriven record | `redriven` | the record's identity |

A lane is a shard, a shard's redriven records, or what a reconciliation corrected.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

Key = dict[str, dict[str, str]]
"""A key as DynamoDB's own API writes it: {"pk": {"S": "..."}, "sk": {"S": "..."}}."""

LANES = "lanes"
SEGMENTS = "segments#"
"""Begins the pk of every segment's header."""

WINDOWS = "window#"
DAYS = "days#"
WATERMARK = "watermark"
PUBLISHED = "published"
METRICS = "metrics"
REDRIVEN = "redriven"
ONLY = "-"
"""The sk where a pk has one item, or one that is not like the others."""

RECONCILED = "reconciled"
"""The lane of segments that correct others."""

NUMBER_DIGITS = 12
"""Of a segment's number, so that numbers sort as text: 30 centuries of a segment each 0.1 s."""

KEY_BYTES = 1024
"""Of a sort key, and the most that a claim's key takes as text; a partition key may have 2,048 bytes.
docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026)."""


def key(pk: str, sk: str) -> Key:
    """Return a key of the table `windows`."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def redriven_lane(shard: str) -> str:
    """Return the lane of a shard's redriven records, one segment each."""
    return f"{shard}#{REDRIVEN}"


def lane_key(lane: str) -> Key:
    """Return where a lane's mark and number are kept."""
    return key(LANES, lane)


def number_text(number: int) -> str:
    """Return a segment's number as the keys hold it."""
    return f"{number:0{NUMBER_DIGITS}d}"


def segments_pk(lane: str) -> str:
    """Return the pk of all headers of a lane."""
    return f"{SEGMENTS}{lane}"


def header_key(lane: str, number: int) -> Key:
    """Return where the header of a lane's segment lies."""
    return key(segments_pk(lane), number_text(number))


def day_of(window_start: int) -> str:
    """Return the UTC day, YYYY-MM-DD, in which a window starts; `window_start` is in epoch seconds."""
    return datetime.fromtimestamp(window_start, UTC).strftime("%Y-%m-%d")


def parts_pk(metric: str, day: str) -> str:
    """Return the pk of all parts of a metric's windows that start on a UTC day."""
    return f"{WINDOWS}{metric}#{day}"


def start_text(window_start: int) -> str:
    """Return a window's start, in epoch seconds, as the keys hold it: 2015-05-17T10:00:00Z."""
    return datetime.fromtimestamp(window_start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_pk(metric: str) -> str:
    """Return the pk under which the days are listed on which a metric has parts."""
    return f"{DAYS}{metric}"


def day_key(metric: str, day: str) -> Key:
    """Return the item that says that a metric has parts on a day."""
    return key(days_pk(metric), day)


def watermark_key() -> Key:
    """Return where the completeness watermark lies."""
    return key(WATERMARK, ONLY)


def published_key(what: str) -> Key:
    """Return where it is kept how far a lane, or `WATERMARK`, is published."""
    return key(PUBLISHED, what)


def definition_key(metric: str, version: str) -> Key:
    """Return where a metric's definition lies."""
    return key(METRICS, f"{metric}#{version}")


def current_key() -> Key:
    """Return where it is kept which version of each metric the running pipeline has."""
    return key(METRICS, ONLY)


def redriven_key(identity: str) -> Key:
    """Return the item that keeps a redriven record from counting a second time."""
    return key(REDRIVEN, identity)


def claim_key(event_type: str, event_id: str) -> Key:
    """Return the key of an event's claim in the table `claims`; a long id is hashed."""
    text = f"{event_type}#{event_id}"
    if len(text.encode()) > KEY_BYTES:
        text = f"#{event_type}#{sha256(event_id.encode()).hexdigest()}"
    return {"pk": {"S": text}}


@dataclass(frozen=True, slots=True)
class PartKey:
    """Names one part: a piece of what one segment adds to one window of one metric.

    `window_start` is in epoch seconds; `segment` is the nonce of the attempt that wrote it, and the part
    counts only if the header with this lane and number names the same; `index` numbers the pieces from 0.
    """

    metric: str
    version: str
    window_start: int
    lane: str
    number: int
    segment: str
    index: int

    @property
    def pk(self) -> str:
        """The partition key."""
        return parts_pk(self.metric, day_of(self.window_start))

    @property
    def sk(self) -> str:
        """The sort key."""
        return "#".join(
            (
                start_text(self.window_start),
                self.version,
                self.lane,
                number_text(self.number),
                self.segment,
                str(self.index),
            )
        )

    @property
    def key(self) -> Key:
        """Both."""
        return key(self.pk, self.sk)

    @classmethod
    def of(cls, pk: str, sk: str) -> "PartKey":
        """Return what a part's keys say."""
        metric = pk.removeprefix(WINDOWS).rpartition("#")[0]
        start, version, *lane, number, segment, index = sk.split("#")
        moment = datetime.fromisoformat(start)
        return cls(metric, version, int(moment.timestamp()), "#".join(lane), int(number), segment, int(index))
