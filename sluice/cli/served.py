"""A demo that goes on: found by other commands like `sluice local`, and shown on the report page."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sluice.cli.page import page
from sluice.cli.target import Target
from sluice.local.cloud import LocalCloud
from sluice.local.state import Claim, claim, file_hash
from sluice.pipeline import load_pipeline


@dataclass(slots=True)
class Served:
    """A claim on the project, and what is entered until the demo ends."""

    found: Claim
    pipeline: Path
    running: ExitStack

    def begin(self, cloud: LocalCloud, target: Target) -> str:
        """Serve the page of a cloud that has started, let other commands find both; return the page's URL."""
        metrics = [metric.definition for metric in load_pipeline(self.pipeline).metrics]
        shown = self.running.enter_context(page(target, current=lambda: metrics))
        self.found.announce(
            **asdict(cloud.endpoints),
            report_url=shown.url,
            outputs=cloud.outputs,
            pipeline=self.pipeline,
            pipeline_hash=file_hash(self.pipeline),
        )
        return shown.url


@contextmanager
def serving(root: Path, pipeline: Path) -> Iterator[Served]:
    """Claim the project before anything starts.

    Raises:
        AlreadyRunning: `sluice local` or another served demo runs for it.
    """
    with claim(root) as found, ExitStack() as running:
        yield Served(found, pipeline, running)
