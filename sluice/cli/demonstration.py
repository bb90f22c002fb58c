"""What `sluice demo` does, step by step."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.padding import Padding
from rich.text import Text

from sluice.audit.books import Books
from sluice.audit.reading import read_books
from sluice.cli.answers import Answer, ask
from sluice.cli.audit import sources_of
from sluice.cli.balance import print_books
from sluice.cli.glimpse import INDENT, Glimpse, glimpses, of_lake, of_routes, of_search
from sluice.cli.output import console, count, plural, print_json, rows_table
from sluice.cli.progress import Stages, stages
from sluice.cli.questions import Question, questions
from sluice.cli.sending import Sent, send
from sluice.cli.served import serving
from sluice.cli.supply import Supply
from sluice.cli.target import Target
from sluice.errors import QueryError, SluiceError
from sluice.local.cloud import LocalCloud
from sluice.pipeline import DEFAULT_FILE, load_pipeline
from sluice.producer import Producer, Report

if TYPE_CHECKING:
    from rich.console import Console

LOOK_SECONDS = 1.0
"""How often it is checked that a served demo's servers are alive."""

RECENT = "#range=15m"
"""Opens the page on the minutes that a demo fills."""

LIVE_RATE = 20
"""Fake events a second with which a served demo goes on."""

STUCK_SECONDS = 120
"""A sink that settles nothing for so long will not be waited for any longer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo has found out."""

    sent: Sent
    books: Books
    drained: bool
    answers: Sequence[tuple[Question, Answer | SluiceError]]
    looks: Sequence[Glimpse]
    target: Target

    @property
    def good(self) -> bool:
        """Whether all was delivered and every sum agrees."""
        return self.drained and self.books.balanced


def demonstrate(
    root: Path, pipeline: Path, supply: Supply, *, shards: int | None, limits: bool, serve: bool, json: bool
) -> bool:
    """Run the demo, print what came of it, and return whether the books balance.

    With `serve` the report page shows it from the beginning, and all of it goes on until Ctrl-C: with further
    fake events, unless the events were somebody's own.
    """
    total = supply.total()
    with ExitStack() as running:
        page = running.enter_context(serving(root, pipeline)) if serve else None
        with stages(quiet=json) as shown:
            cloud, target = _start(root, pipeline, running, shown, shards=shards, limits=limits)
        url = page.begin(cloud, target) if page else None
        if url and not json:
            console().print(f"Watch it live: {url}{RECENT}")
        with stages(quiet=json) as shown:
            found = _run(cloud, target, pipeline, supply, shown, total=total, ask_too=not json)
            if page is None:
                with shown.stage("stopping") as stage:
                    running.close()
                    stage.finish("nothing is left")
        if json:
            print_json(found.books.document() | ({"report_url": url} if url else {}))
            for sentence in found.books.sentences:
                sys.stderr.write(f"{sentence}\n")
        else:
            again = _again(supply, None if pipeline == root / DEFAULT_FILE else pipeline)
            _print(console(), found, supply, url=url, again=again)
        if page is not None:
            _go_on(cloud, target, supply)
    return found.good


def _go_on(cloud: LocalCloud, target: Target, supply: Supply) -> NoReturn:
    """Send fake events, or only stay, until Ctrl-C; raises EnvironmentProblem when a server ends."""
    if supply.is_fake:
        live = replace(supply, count=sys.maxsize, rate=LIVE_RATE, seed=None)
        with _producer(cloud, target, rate=LIVE_RATE, max_pending_records=LIVE_RATE) as producer:
            for record in live.records():
                if record is not None:
                    producer.put_record(record[1], record[0])
                cloud.check()
    while True:
        time.sleep(LOOK_SECONDS)
        cloud.check()


def target_of(cloud: LocalCloud, pipeline: Path) -> Target:
    """Return the target that commands of this process work on."""
    return Target.local(
        cloud.outputs,
        cloud.endpoints,
        pipeline=pipeline,
    )


def _start(
    root: Path, pipeline: Path, running: ExitStack, shown: Stages, *, shards: int | None, limits: bool
) -> tuple[LocalCloud, Target]:
    with shown.stage("starting the local cloud") as stage:
        begun = time.monotonic()
        cloud = running.enter_context(LocalCloud(root, pipeline, shards=shards, limits=limits))
        target = target_of(cloud, pipeline)
        stage.finish(f"{time.monotonic() - begun:.1f} s")
    for warning in cloud.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    return cloud, target


def _run(
    cloud: LocalCloud,
    target: Target,
    pipeline: Path,
    supply: Supply,
    shown: Stages,
    *,
    total: int | None,
    ask_too: bool,
) -> Shown:
    begun = time.monotonic()
    sent = _produce(cloud, target, supply, shown, total)
    drained = _deliver(cloud, sent, shown)
    elapsed = time.monotonic() - begun
    with shown.stage("reading the books") as stage:
        books = _with(read_books(sources_of(target)), sent, drained=drained, elapsed=elapsed)
        stage.finish("they balance" if books.balanced else "they do not balance")
    answers: list[tuple[Question, Answer | SluiceError]] = []
    if ask_too:
        with shown.stage("asking BigQuery") as stage:
            wanted = questions(supply.contract, dead_letters=books.dead_letters > 0)
            answers = [(question, _answer(target, question)) for question in wanted]
            stage.finish(plural(len(answers), "answer"))
    looks: list[Glimpse] = []
    loaded = load_pipeline(pipeline)
    if ask_too and loaded.metrics:
        with shown.stage("reading live windows") as stage:
            looks += glimpses(console(), target, loaded.metrics)
            stage.finish(plural(len(looks), "metric"))
    if ask_too and loaded.routes:
        looks.append(of_routes(loaded.routes, books))
    if ask_too and target.outputs.search is not None:
        with shown.stage("searching") as stage:
            looks.append(of_search(target, supply.contract))
            stage.finish("1 answer")
    if ask_too and target.outputs.lake is not None:
        with shown.stage("asking the lake") as stage:
            looks.append(of_lake(target, supply.contract))
            stage.finish("1 answer")
    return Shown(sent, books, drained, answers, looks, target)


def _producer(
    cloud: LocalCloud, target: Target, on_progress: Callable[[Report], None] = lambda _: None, **settings: Any
) -> Producer:
    """Return a producer that gives up when a server of the local cloud has ended."""

    def progress(report: Report) -> None:
        on_progress(report)
        if report.failed:
            try:
                cloud.check()
            except SluiceError as error:
                producer.give_up(str(error))

    producer = Producer(target.outputs.stream_name, client=target.producing, on_progress=progress, **settings)
    return producer


def _produce(cloud: LocalCloud, target: Target, supply: Supply, shown: Stages, total: int | None) -> Sent:
    with shown.stage("producing", total) as stage:
        producer = _producer(cloud, target, lambda report: stage.update(report.accepted))
        sent = send(producer, supply.records())
        if sent.stopped:
            raise KeyboardInterrupt
        stage.finish(plural(sent.report.accepted, "record"))
    return sent


def _deliver(cloud: LocalCloud, sent: Sent, shown: Stages) -> bool:
    accepted = sent.report.accepted
    with shown.stage("delivering", accepted) as stage:
        drained = cloud.wait_drained(
            STUCK_SECONDS, on_progress=lambda behind: stage.update(max(accepted - behind, 0))
        )
        if drained:
            stage.finish("all of it")
    return drained


def _with(books: Books, sent: Sent, *, drained: bool, elapsed: float) -> Books:
    """Hold the books against what the producer itself knows."""
    problems = list(books.problems)
    records = sent.report.records
    if records != books.produced:
        problems.append(
            f"the stream confirmed {records} records to the producer, its metric says {books.produced}"
        )
    if sent.problem is not None:
        problems.append(f"{plural(sent.report.undelivered, 'record')} not accepted: {sent.problem}")
    if drained:
        problems += [
            f"{sink.sink}: {plural(sink.in_flight, 'record')} still in flight, though nothing waits anywhere"
            for sink in books.sinks
            if sink.in_flight
        ]
    else:
        problems.append(f"the sinks settled nothing for {STUCK_SECONDS} seconds and are not done")
    notes = list(books.notes)
    if sent.refused:
        notes.append(f"{plural(sent.refused, 'record')} not sent: {sent.why}")
    return replace(books, problems=tuple(problems), notes=tuple(notes), elapsed_seconds=elapsed)


def _answer(target: Target, question: Question) -> Answer | SluiceError:
    try:
        return ask(target, question.sql)
    except QueryError as error:
        return error


def _print(out: "Console", found: Shown, supply: Supply, *, url: str | None, again: str) -> None:
    books = found.books
    rate = books.produced / books.elapsed_seconds if books.elapsed_seconds else 0
    out.print()
    for question, answer in found.answers:
        out.print(question.title, style="bold")
        out.print()
        out.print(Padding(Text(question.sql, style="dim"), (0, 0, 0, 2), expand=False))
        out.print()
        if isinstance(answer, SluiceError):
            out.print(f"  {answer}")
        else:
            out.print(Padding(rows_table(answer.columns, answer.rows), (0, 0, 0, 2), expand=False))
        out.print()
    for each in found.looks:
        out.print(each.title, style="bold")
        out.print()
        out.print(f"{' ' * INDENT}{each.command}", style="dim")
        out.print()
        out.print(Padding(each.shown or "Nothing yet.", (0, 0, 0, INDENT), expand=False))
        out.print()
    print_books(out, books)
    out.print(
        f"{count(books.produced)} records in {books.elapsed_seconds:.1f} s, from the first sent to the last "
        f"placed ({rate:,.0f}/s).",
        style="dim",
    )
    out.print()
    if url is not None:
        out.print(f"The report page: {url}{RECENT}", style="bold")
        more = f"{LIVE_RATE} fake events a second go on arriving. " if supply.is_fake else ""
        out.print(f"{more}In another terminal: {', '.join(_more(found.target))}. Ctrl-C stops all of it.")
        return
    out.print(_next(supply, books, again), soft_wrap=True)  # a command is copied as one line
    if shutil.which("sluice") is None:
        out.print("`source .venv/bin/activate` first: sluice is not on this shell's path.", style="dim")


def _more(target: Target) -> list[str]:
    """Return what can be asked of a demo that goes on."""
    return [
        "sluice windows",
        "sluice audit",
        *(["sluice search WORDS"] if target.outputs.search else []),
        *(["sluice query --lake SQL"] if target.outputs.lake else []),
    ]


def _again(supply: Supply, pipeline: Path | None) -> str:
    """Return the command that runs the demo with the same pipeline and input."""
    words = ["sluice", "demo"]
    if pipeline is not None:
        words += ["--pipeline", os.path.relpath(pipeline)]
    if supply.source is not None and supply.source != "-":
        words += ["--input", supply.source, *(["--rebase-time"] if supply.rebase_time else [])]
    return shlex.join(words)


def _next(supply: Supply, books: Books, again: str) -> str:
    if not books.balanced:
        return "Next: `sluice local` in one terminal, `sluice audit` in another, to look closer."
    if not (supply.poison or supply.source):
        return f"Next: {again} --poison 5 --duplicates 3 --serve: bad records too, live in your browser."
    return f"Next: {again} --serve shows it live in your browser, and answers commands from another terminal."
