"""The classic: 10 shards, 8,000 events a second of 1 KB, three consumers. Who keeps up?

Three shared readers want 24 MB/s of the 20 MB/s that ten shards give to all who poll; with enhanced fan-out
each consumer has 20 MB/s of its own. Both are run in simulated time, with the event-source mappings and the
shards' budgets of the local cloud (sluice/local/fan_out.py says what is assumed). A third run lets the shared
readers try again 0.1 s after a refusal, instead of the 1 s that AWS recommends: they waste less, and fall
behind all the same.

    python bench/fan_out.py [PICTURE.svg]        draws it, too
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles

from rich.console import Console
from rich.table import Table

from sluice.local.fan_out import Consumer, FanOut, Scene, Second

MB = 1_000_000
MOMENTS = (30, 60, 90, 120)
SHARED, ENHANCED, GREY = "#c2410c", "#0369a1", "#64748b"


@dataclass(frozen=True, slots=True)
class Run:
    """A scene and what came of it."""

    name: str
    scene: Scene
    consumers: list[Consumer]

    def summed(self, value: Callable[[Second], float]) -> list[float]:
        """A figure of all consumers together, second by second."""
        each = [consumer.seconds[: self.scene.seconds] for consumer in self.consumers]
        return [sum(map(value, second)) for second in zip(*each, strict=True)]

    def lags(self, second: int) -> list[float]:
        """Each consumer's lag at the end of a second (the first is number 1)."""
        return [consumer.seconds[second - 1].lag for consumer in self.consumers]


def run(name: str, scene: Scene) -> Run:
    return Run(name, scene, FanOut(scene).run().consumers)


def at_best(scene: Scene, second: int) -> float:
    """The lag of consumers that get all that the shards give, and share it evenly."""
    return second * max(0.0, 1 - scene.given / scene.wanted)


def table(runs: list[Run]) -> Table:
    scene = runs[0].scene
    found = Table(
        title=f"{scene.shards} shards, {scene.events_per_second:,} events/s of {scene.event_bytes:,} bytes, "
        f"{scene.consumers} consumers"
    )
    found.add_column("consumers")
    for head in (
        "want MB/s",
        "may have",
        "get",
        "refused/s",
        *(f"lag at {m} s" for m in MOMENTS),
        "p50",
        "p99",
    ):
        found.add_column(head, justify="right")
    for one in runs:
        half = one.scene.seconds // 2
        reads = one.summed(lambda second: second.read)[half:]
        refused = one.summed(lambda second: second.refused)[half:]
        cuts = quantiles([latency for consumer in one.consumers for latency in consumer.latencies], n=100)
        found.add_row(
            one.name,
            f"{one.scene.wanted / MB:.0f}",
            f"{one.scene.given / MB:.0f}",
            f"{fmean(reads) / MB:.1f}",
            f"{fmean(refused):.0f}",
            *(f"{fmean(one.lags(moment)):.1f} s" for moment in MOMENTS),
            f"{cuts[49]:.2f} s",
            f"{cuts[98]:.2f} s",
        )
    last = MOMENTS[-1]
    found.caption = (
        "get and refused: of all consumers together, in the second half; lag: seconds of the stream that a "
        "consumer has not had, in its worst shard, the mean of the consumers; p50, p99: from a record's "
        f"arrival to its invocation. With {scene.given / MB:.0f} MB/s shared at best, the lag at {last} s is "
        f"{at_best(scene, last):.0f} s."
    )
    return found


def draw(shared: Run, eager: Run, enhanced: Run, file: Path) -> None:
    """Lag and throughput over time, as a picture for docs/fan-out.md."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "sluice", "font.family": "DejaVu Sans", "font.size": 10})
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    seconds = range(1, shared.scene.seconds + 1)
    figure, (lag, rate) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    for one, color, style in ((shared, SHARED, "-"), (eager, SHARED, ":"), (enhanced, ENHANCED, "-")):
        every = [one.lags(second) for second in seconds]
        lag.fill_between(seconds, list(map(min, every)), list(map(max, every)), color=color, alpha=0.15, lw=0)
        lag.plot(seconds, list(map(fmean, every)), color=color, ls=style, lw=2)
        read = [total / MB for total in one.summed(lambda second: second.read)]
        rate.plot(seconds[9:], smooth(read), color=color, ls=style, lw=2)
    lag.plot(seconds, [at_best(shared.scene, second) for second in seconds], color=GREY, ls="--", lw=1)
    lag.set(
        title="How far behind a consumer is",
        xlabel="seconds",
        ylabel="lag, seconds",
        xlim=(0, 120),
        ylim=(-1.5, 65),
    )
    rate.axhline(shared.scene.given / MB, color=GREY, ls="--", lw=1)
    rate.set(
        title="What all three read together", xlabel="seconds", ylabel="MB/s", xlim=(0, 120), ylim=(0, 28)
    )
    for place, text, color, axes, turn in labels():
        axes_of = lag if axes == "lag" else rate
        axes_of.text(*place, text, color=color, rotation=turn, rotation_mode="anchor", fontsize=9)
    for axes in (lag, rate):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e2e8f0", lw=0.8)
        axes.set_axisbelow(True)
    figure.savefig(file, metadata={"Date": None}, facecolor="white")
    file.write_text("\n".join(line.rstrip() for line in file.read_text().splitlines()) + "\n")


def smooth(values: list[float], over: int = 10) -> list[float]:
    return [fmean(values[end - over : end]) for end in range(over, len(values) + 1)]


def labels() -> list[tuple[tuple[float, float], str, str, str, float]]:
    return [
        ((32, 24), "three shared readers", SHARED, "lag", 33),
        ((64, 15.8), "trying again after 0.1 s", SHARED, "lag", 16),
        ((80, 8.6), "at best: 20 of 24 MB/s", GREY, "lag", 11),
        ((62, 1.4), "three enhanced consumers: 0.1 s", ENHANCED, "lag", 0),
        ((62, 24.7), "three enhanced consumers", ENHANCED, "rate", 0),
        ((2, 21.2), "all that ten shards give to pollers: 20 MB/s", GREY, "rate", 0),
        ((62, 17.3), "trying again after 0.1 s", SHARED, "rate", 0),
        ((62, 8.4), "three shared readers", SHARED, "rate", 0),
    ]


def main() -> None:
    shared = run("shared", Scene(enhanced=False))
    eager = run("shared, eager", Scene(enhanced=False, retry_seconds=0.1))
    enhanced = run("enhanced", Scene(enhanced=True))
    Console(width=140).print(table([shared, eager, enhanced]))
    assert fmean(shared.lags(120)) > fmean(eager.lags(120)) > 0.9 * at_best(shared.scene, 120)
    assert max(enhanced.lags(120)) < 0.3
    if len(sys.argv) > 1:
        draw(shared, eager, enhanced, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
