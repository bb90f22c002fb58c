"""What `sluice local` does: start, say where everything is, wait, stop."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sluice.cli.output import console, grid, print_json
from sluice.cli.progress import stages
from sluice.local.cloud import LocalCloud
from sluice.local.state import claim, file_hash

LOOK_SECONDS = 1.0
"""How often it is checked that all servers are alive."""


def run_local(root: Path, pipeline: Path, *, shards: int | None, verbose: bool, json: bool) -> None:
    """Run the local cloud until Ctrl-C.

    Raises:
        AlreadyRunning: one runs for this project.
        EnvironmentProblem: a server did not start, or has ended.
    """
    with ExitStack() as running:
        found = running.enter_context(claim(root))
        pipeline_hash = file_hash(pipeline)
        with stages(quiet=json) as shown, shown.stage("starting the local cloud") as stage:
            begun = time.monotonic()
            cloud = running.enter_context(LocalCloud(root, pipeline, shards=shards, verbose=verbose))
            stage.finish(f"{time.monotonic() - begun:.1f} s")
        endpoints = cloud.endpoints
        urls = {
            "aws_url": endpoints.aws_url,
            "lambda_url": endpoints.lambda_url,
            "bigquery_url": endpoints.bigquery_url,
        }
        found.announce(**urls, outputs=cloud.outputs, pipeline=pipeline, pipeline_hash=pipeline_hash)
        if json:
            print_json({**urls, "outputs": cloud.outputs, "pipeline": pipeline})
        else:
            _print(urls, cloud.outputs, pipeline)
        while True:
            time.sleep(LOOK_SECONDS)
            cloud.check()


def _print(urls: dict[str, str], outputs: dict[str, Any], pipeline: Path) -> None:
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
    out.print(table)
    out.print()
    out.print("In another terminal: sluice produce --fake 1000, sluice audit, sluice query, sluice dlq list.")
    out.print("Ctrl-C stops it, and leaves nothing behind.", style="dim")
