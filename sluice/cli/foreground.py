"""What `sluice local` does: start, say where everything is, take changes of the pipeline, stop."""

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.cli.demonstration import target_of
from sluice.cli.output import console, grid, print_json, print_json_line
from sluice.cli.page import Page, page
from sluice.cli.progress import stages
from sluice.cli.project import checked_pipeline
from sluice.errors import SluiceError
from sluice.local.changes import Changes
from sluice.local.cloud import LocalCloud
from sluice.local.state import Claim, claim
from sluice.pipeline import load_pipeline

if TYPE_CHECKING:
    from sluice.metrics import Definition

LOOK_SECONDS = 1.0
"""How often it is checked that all servers are alive, and whether the pipeline has changed."""

ENVIRONMENT = "dev"


def run_local(root: Path, pipeline: Path, options: Mapping[str, Any], *, json: bool) -> None:
    """Run the local cloud until Ctrl-C; a changed pipeline is deployed over what runs.

    `options` are those of `LocalCloud`.

    Raises:
        ContractError: the pipeline file, or a filter in it, is not usable.
        AlreadyRunning: one runs for this project.
        EnvironmentProblem: a server did not start, or has ended.
    """
    checked_pipeline(pipeline)
    with ExitStack() as running:
        found = running.enter_context(claim(root))
        changes = Changes([pipeline, root / f"Pulumi.{ENVIRONMENT}.yaml"], folders=[root / "functions"])
        with stages(quiet=json) as shown, shown.stage("starting the local cloud") as stage:
            begun = time.monotonic()
            cloud = running.enter_context(LocalCloud(root, pipeline, ENVIRONMENT, **options))
            stage.finish(f"{time.monotonic() - begun:.1f} s")
        foreground = Foreground(found, cloud, pipeline, changes, json=json)
        target = target_of(cloud, pipeline)
        foreground.announce(running.enter_context(page(target, current=lambda: foreground.metrics)))
        while True:
            time.sleep(LOOK_SECONDS)
            cloud.check()
            foreground.look()


class Foreground:
    """A local cloud, the files that it was made of, and who wants to hear of it."""

    def __init__(
        self, found: Claim, cloud: LocalCloud, pipeline: Path, changes: Changes, *, json: bool
    ) -> None:
        self._found, self._cloud, self._json = found, cloud, json
        self._pipeline, self._changes = pipeline, changes
        self._hash = changes.seen(pipeline)
        self._urls = asdict(cloud.endpoints)
        self._page: Page | None = None
        self._warned: set[str] = set()
        self.metrics = _metrics(pipeline)

    def announce(self, shown: Page) -> None:
        """Let other commands find the cloud, and say where everything is."""
        self._page = shown
        self._urls["report_url"] = shown.url
        self._write(problem=None)
        if self._json:
            print_json({**self._urls, "outputs": self._cloud.outputs, "pipeline": self._pipeline})
        else:
            engine = self._cloud.search_engine or "OpenSearch"
            _print(self._urls, self._cloud.outputs, self._pipeline, engine)
        self._warn()

    def look(self) -> None:
        """Deploy again if a file has changed; if that fails, the cloud goes on as it was.

        Raises:
            EnvironmentProblem: it failed because a server has ended.
        """
        changed = self._changes.look()
        if not changed:
            return
        names = " and ".join(_called(path) for path in changed)
        begun = time.monotonic()
        problem = None
        try:
            self._cloud.redeploy()
        except SluiceError as error:
            self._cloud.check()
            problem = " ".join(str(error).split())
        else:
            self._hash = self._changes.seen(self._pipeline)
            self.metrics = _metrics(self._pipeline)
            self._warn()
            if self._page is not None:
                self._page.show(target_of(self._cloud, self._pipeline))
        seconds = time.monotonic() - begun
        self._write(problem=problem)
        if self._json:
            print_json_line(
                {
                    "changed": changed,
                    "deployed": problem is None,
                    "elapsed_seconds": round(seconds, 3),
                    "problem": problem,
                }
            )
        elif problem is None:
            console().print(f"{names} changed: deployed again in {seconds:.1f} s")
        else:
            sys.stderr.write(f"error: {names} changed, but the cloud goes on as it was: {problem}\n")

    def _warn(self) -> None:
        """Say what the program warned of, once."""
        for warning in self._cloud.warnings:
            if warning not in self._warned:
                sys.stderr.write(f"warning: {warning}\n")
        self._warned = {*self._cloud.warnings}

    def _write(self, *, problem: str | None) -> None:
        self._urls |= asdict(self._cloud.endpoints)  # a deployment may have switched a sink on
        self._found.announce(
            **self._urls,
            outputs=self._cloud.outputs,
            pipeline=self._pipeline,
            pipeline_hash=self._hash,
            problem=problem,
        )


def _called(path: Path) -> str:
    """Return what people call a file: a handler by its folder, since all handlers have one name."""
    return f"{path.parent.name}/{path.name}" if path.name == "handler.py" else path.name


def _metrics(pipeline: Path) -> "list[Definition] | None":
    """Return the metrics that the file declares; None when it has been broken since it was deployed."""
    try:
        return [metric.definition for metric in load_pipeline(pipeline).metrics]
    except SluiceError:
        return None


def _print(urls: dict[str, Any], outputs: dict[str, Any], pipeline: Path, engine: str) -> None:
    out = console()
    table = grid("The local cloud runs")
    table.show_header = False
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("pipeline", str(pipeline))
    table.add_row("stream", str(outputs.get("stream_name")))
    table.add_row("AWS", urls["aws_url"])
    table.add_row("Lambda", urls["lambda_url"])
    table.add_row("BigQuery", urls["bigquery_url"])
    for name, words in (("search_url", engine), ("lake_url", "Athena")):
        if urls[name]:
            table.add_row(words, urls[name])
    table.add_row("report page", urls["report_url"])
    out.print(table)
    out.print()
    more = [
        f"sluice {name}"
        for name, url in (("search WORDS", "search_url"), ("query --lake SQL", "lake_url"))
        if urls[url]
    ]
    commands = ["sluice produce --fake 1000", "sluice audit", "sluice windows", "sluice query SQL", *more]
    out.print(f"In another terminal: {', '.join(commands)}.")
    out.print(
        f"When {pipeline.name}, Pulumi.{ENVIRONMENT}.yaml or a function changes, it is deployed again.",
        style="dim",
    )
    out.print("Ctrl-C stops it, and leaves nothing behind.", style="dim")
