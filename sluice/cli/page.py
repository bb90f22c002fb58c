"""The report page of a target, served from this process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sluice.errors import NoCloud

if TYPE_CHECKING:
    from sluice.cli.target import Target
    from sluice.metrics import Definition
    from sluice.report.sources import Sources


def sources_of(target: "Target", current: Callable[[], Sequence["Definition"] | None]) -> "Sources":
    """Return what the page of a target reads from.

    Raises:
        NoCloud: the stack was deployed before there were metrics.
    """
    from sluice.cli.sinks import booked
    from sluice.report.live import Clients, Places, SinkPlace, live_sources

    outputs = target.outputs
    if outputs.windows_table is None:
        raise NoCloud(f"{target.where} has no table of windows: deploy this version of the program there")
    places = Places(
        name=outputs.stream_name,
        environment="this machine" if target.is_local else outputs.environment,
        stream=outputs.stream_name,
        windows_table=outputs.windows_table,
        window_days=outputs.window_days,
        ledger_table=outputs.ledger_table,
        queue_url=outputs.dead_letter_queue_url,
        sinks={
            name: SinkPlace(
                function=sink.function,
                parallelization=sink.parallelization,
                whole=not sink.filtered and sink.stream in {None, outputs.stream_name},
            )
            for name, sink in booked(target).items()
        },
        local=target.is_local,
    )
    clients = Clients(
        dynamodb=target.dynamodb, kinesis=target.kinesis, cloudwatch=target.cloudwatch, sqs=target.sqs
    )
    return live_sources(places, clients, current=current)


class Page:
    """A page that is being served; what it shows may be exchanged under its readers."""

    def __init__(self, target: "Target", current: Callable[[], Sequence["Definition"] | None]) -> None:
        self._current = current
        self.url = ""
        self.show(target)

    def show(self, target: "Target") -> None:
        """Show this target from now on: another deployment may have other sinks."""
        from sluice.report.app import create_app

        self._app = create_app(sources_of(target, self._current))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)


@contextmanager
def page(
    target: "Target",
    *,
    port: int = 0,
    current: Callable[[], Sequence["Definition"] | None] = lambda: None,
) -> Iterator[Page]:
    """Serve the page of a target until the block is left.

    `current` knows the metrics that the pipeline's file declares, where somebody watches that file.

    Raises:
        NoCloud: the stack was deployed before there were metrics.
        AlreadyRunning: something else listens on the port.
    """
    from sluice.report.server import serving

    shown = Page(target, current)
    with serving(shown, port) as shown.url:
        yield shown
