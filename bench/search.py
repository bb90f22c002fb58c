"""Indexing a batch: a request for each record, beside Sluice's bulk requests, beside one bare bulk request.

    python bench/search.py                     prints the tables
    python bench/search.py PICTURE.svg         draws the sweeps, too

First against a model of a cluster that takes a second for a request, and half a millisecond more for each
document, 50 at once, over TLS, signed: the same server for all three. Clients get the share of a processor
that a Lambda of their memory has. Then the most memory that the whole function takes. Last, where `make
opensearch` has fetched one, against a real node on this machine: size of requests, requests at once, size of
events.
"""

import gzip
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench._search_client import CONTRACT, INDICES, lambda_event
from bench._search_runs import certificate, client, model, real
from sluice.deadline import Deadline
from sluice.sinks.opensearch.asking import asking
from sluice.sinks.opensearch.bulk import Limits
from sluice.sinks.opensearch.connection import connect
from sluice.sinks.opensearch.setup import apply
from sluice.sinks.opensearch.templates import Shape, wanted

STANDARD = Limits()
ROUNDS = 3
BATCHES_A_RATE = 3
MEMORIES = (256, 512, 1769)
BATCHES = (1, 10, 100, 300, 1000)
EVENT_BYTES = (5_000, 50_000, 1_000_000)
BULK_BYTES = (100_000, 300_000, 1_000_000, 3_000_000, 6_000_000)
AT_ONCE = (1, 2, 4, 8, 16)
AT_ONCE_BYTES = 1_100_000
"""Of a request where requests at once are varied: a batch then has four, and an event of 1 MB fits."""

DATA_BYTES = 4_000_000
"""Of events in a batch: about what Lambda's 6 MB hold in base64."""


def job(way: str, url: str, **more: Any) -> dict[str, Any]:
    return {
        "way": way,
        "url": url,
        "events": 100,
        "bytes": 5_000,
        "seeds": [1],
        "concurrency": 50 if way == "classic" else STANDARD.concurrency,
        "documents": STANDARD.documents,
        "bulk_bytes": STANDARD.bytes,
        **more,
    }


def classic_beside_ours(trust: Path, url: str) -> None:
    print("100 records of 5 KB, a request takes 1 s:")
    print("  Lambda's memory   classic, 50 at once      ours   one bulk request   times faster")
    for memory in MEMORIES:
        classic, ours, floor = (
            statistics.median(
                client(job(way, url), trust=trust, memory_mb=memory)["seconds"][0] for _ in range(ROUNDS)
            )
            for way in ("classic", "ours", "floor")
        )
        print(f"  {memory:>12} MB {classic:>19.2f} s {ours:>8.2f} s {floor:>16.2f} s {classic / ours:>14.1f}")


def by_batch(trust: Path, url: str) -> dict[str, list[float]]:
    """Seconds for a batch, by its size, at 512 MB."""
    found: dict[str, list[float]] = {"classic": [], "ours": []}
    print("records in a batch  classic      ours")
    for events in BATCHES:
        for way, seconds in found.items():
            seconds.append(client(job(way, url, events=events), trust=trust, memory_mb=512)["seconds"][0])
        print(f"  {events:>15} {found['classic'][-1]:>8.2f} s {found['ours'][-1]:>7.2f} s")
    return found


class RealNode:
    """Rates on a real node, of batches that it has not seen."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seed = 0
        opensearch = connect(url, None)
        apply(asking(opensearch, Deadline.after(60)), wanted(CONTRACT, Shape(indices=INDICES, replicas=0)))
        for size in EVENT_BYTES:
            self.rate(size)  # Java grows warm

    def rate(self, size: int, **more: Any) -> float:
        """MB of events per second; of so many batches the best, as all else only slows it."""
        events = DATA_BYTES // size
        seeds = list(range(self._seed, self._seed + BATCHES_A_RATE))
        self._seed += BATCHES_A_RATE
        found = client(job("ours", self._url, events=events, bytes=size, seeds=seeds, **more))
        return float(events * size / min(found["seconds"]) / 1e6)

    def best(self, choices: Sequence[tuple[int, dict[str, int]]]) -> list[float]:
        """The best rate of each choice; all of them by turns, so that a busy moment hits none alone."""
        rounds = [[self.rate(size, **more) for size, more in choices] for _ in range(ROUNDS)]
        return [max(rates) for rates in zip(*rounds, strict=True)]


def sweep(node: RealNode) -> dict[str, dict[int, list[float]]]:
    """MB/s by size of requests and by requests at once, for each size of events."""
    found: dict[str, dict[int, list[float]]] = {}
    print("a real node, MB/s of events")
    for name, values, fixed in (
        ("bulk_bytes", BULK_BYTES, {}),
        ("concurrency", AT_ONCE, {"bulk_bytes": AT_ONCE_BYTES}),
    ):
        choices = [(size, {**fixed, name: value}) for size in EVENT_BYTES for value in values]
        rates = node.best(choices)
        print(f"  {name:>18}" + "".join(f"{value:>10,}" for value in values))
        found[name] = {}
        for place, size in enumerate(EVENT_BYTES):
            found[name][size] = rates[place * len(values) : (place + 1) * len(values)]
            print(f"  events of {size // 1000:>5} KB" + _line(found[name][size]))
    return found


def _line(rates: list[float]) -> str:
    return "".join(f"{rate:>10.1f}" for rate in rates)


def memory(trust: Path, url: str) -> None:
    print("most memory of the function's process, 20 batches, MiB:")
    for size in EVENT_BYTES:
        events = DATA_BYTES // size
        found = client(
            job("ours", url, events=events, bytes=size, seeds=list(range(20)), whole=True), trust=trust
        )
        print(f"  {events:>4} events of {size / 1000:>5.0f} KB {found['mib']:>6.0f}")


def compression() -> None:
    import base64  # noqa: PLC0415 - for this line alone

    event = lambda_event(400, 5_000, 1)
    body = b"\n".join(base64.b64decode(record["kinesis"]["data"]) for record in event["Records"])
    started = time.process_time()
    left = len(gzip.compress(body, compresslevel=1))
    each = 1e9 * (time.process_time() - started) / len(body)
    print(f"gzip would leave {left / len(body):.0%} of a request, for {each:.0f} ms per MB")


def draw(file: Path, batches: dict[str, list[float]], rates: dict[str, dict[int, list[float]]]) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "sluice", "font.family": "DejaVu Sans", "font.size": 10})
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    left.plot(BATCHES, batches["classic"], "o-", color="#b5532a", label="a request each, 50 at once")
    left.plot(BATCHES, batches["ours"], "o-", color="#1f6f8b", label="Sluice")
    left.set(xscale="log", yscale="log", xlabel="records in a batch", ylabel="seconds")
    left.set_xticks(BATCHES, [f"{events:,}" for events in BATCHES])
    left.set_yticks((1, 2, 5, 10, 20), ("1", "2", "5", "10", "20"))
    left.minorticks_off()
    left.set_title("A request takes 1 s (512 MB)", loc="left", fontsize=10)
    for axis, key, values, label, title in (
        (
            middle,
            "bulk_bytes",
            [n / 1000 for n in BULK_BYTES],
            "KB of a request, at most",
            "4 requests at once",
        ),
        (right, "concurrency", AT_ONCE, "requests at once", "requests of 1 MB"),
    ):
        for size, colour in zip(EVENT_BYTES, ("#1f6f8b", "#d39b2a", "#7a4b94"), strict=True):
            axis.plot(values, rates[key][size], "o-", color=colour, label=f"events of {size // 1000:,} KB")
        axis.set(xscale="log", xlabel=label, ylabel="MB/s of events", ylim=(0, None))
        axis.set_xticks(values, [f"{value:g}" for value in values])
        axis.minorticks_off()
        axis.set_title(f"A real node: {title}", loc="left", fontsize=10)
    for axis in (left, middle, right):
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9)
        axis.grid(color="#dddddd", linewidth=0.6)
    figure.savefig(file, metadata={"Date": None}, facecolor="white")
    file.write_text("\n".join(line.rstrip() for line in file.read_text().splitlines()) + "\n")


def main() -> None:
    with certificate() as trust:
        with model(trust, seconds=0.9995, seconds_per_document=0.0005) as url:
            classic_beside_ours(trust, url)
            batches = by_batch(trust, url)
        with model(trust, seconds=0.05) as url:
            memory(trust, url)
    compression()
    with real() as url:
        if url is None:
            print("no real node here: `make opensearch` fetches one")
            return
        rates = sweep(RealNode(url))
    if len(sys.argv) > 1:
        draw(Path(sys.argv[1]), batches, rates)


if __name__ == "__main__":
    main()
