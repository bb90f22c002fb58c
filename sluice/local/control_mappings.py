"""Lambda's own API for event-source mappings: list, get, and pause or resume by Update's `Enabled`.

As documented (Lambda API reference, ListEventSourceMappings, GetEventSourceMapping and
UpdateEventSourceMapping, read 2026-11): an update answers 202 with the state that begins, `Disabling` or
`Enabling`; what is under way is left to its end; a mapping between two states takes no update
(ResourceInUseException). Everything else about a mapping is the program's to change.
"""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluice.local.mapping_runner import MappingRunner
from sluice.local.mapping_types import MappingConfig, StartKind
from sluice.local.runners import Runners

PATH = "/2015-03-31/event-source-mappings"
MOST_LISTED = 100
"""Of a page, as Lambda answers at most."""

STEADY = ("Enabled", "Disabled")


def refusal(status: int, code: str, message: str) -> Response:
    """An error as Lambda's API answers it."""
    return JSONResponse(
        {"Type": "User", "Message": message}, status_code=status, headers={"x-amzn-errortype": code}
    )


class MappingsApi:
    """The mappings of the local Lambda over HTTP."""

    def __init__(self, runners: Runners) -> None:
        self._runners = runners

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route(PATH, self.list, methods=["GET"]),
            Route(PATH + "/", self.list, methods=["GET"]),
            Route(PATH + "/{uuid}", self.get, methods=["GET"]),
            Route(PATH + "/{uuid}", self.update, methods=["PUT"]),
        ]

    async def list(self, request: Request) -> Response:
        """ListEventSourceMappings, by function or source if asked."""
        asked = request.query_params
        function = asked.get("FunctionName", "").rpartition(":function:")[2].partition(":")[0]
        source = asked.get("EventSourceArn", "")
        found = sorted(
            (
                runner
                for runner in self._runners.mappings
                if function in ("", runner.mapping.config.function)
                and source in ("", runner.mapping.config.source_arn)
            ),
            key=lambda runner: runner.mapping.config.uuid,
        )
        marker, size = asked.get("Marker", ""), int(asked.get("MaxItems", MOST_LISTED))
        rest = [runner for runner in found if runner.mapping.config.uuid > marker]
        page = rest[: min(size, MOST_LISTED)]
        answer: dict[str, Any] = {"EventSourceMappings": [await _described(runner) for runner in page]}
        if len(rest) > len(page):
            answer["NextMarker"] = page[-1].mapping.config.uuid
        return JSONResponse(answer)

    async def get(self, request: Request) -> Response:
        """GetEventSourceMapping."""
        runner = self._find(request)
        return _missing() if runner is None else JSONResponse(await _described(runner))

    async def update(self, request: Request) -> Response:
        """UpdateEventSourceMapping, of which only `Enabled` is a runtime's to change."""
        runner = self._find(request)
        if runner is None:
            return _missing()
        wanted: dict[str, Any] = msgspec.json.decode(await request.body() or b"{}")
        others = sorted(set(wanted) - {"Enabled", "FunctionName"})
        if others:
            return refusal(
                400,
                "InvalidParameterValueException",
                f"{', '.join(others)}: only Enabled changes here, all else with the program",
            )
        now = await _described(runner)
        if now["State"] not in STEADY:
            return refusal(
                400,
                "ResourceInUseException",
                f"Cannot update the event source mapping because it is {now['State'].lower()}.",
            )
        enabled = wanted.get("Enabled")
        if enabled is None or enabled == (now["State"] == "Enabled"):
            return JSONResponse(now, status_code=202)
        await asyncio.to_thread(runner.enable, enabled=bool(enabled))
        begun = "Enabling" if enabled else "Disabling"
        changed = {"State": begun, "LastModified": runner.changed_at}
        return JSONResponse({**now, **changed}, status_code=202)

    def _find(self, request: Request) -> MappingRunner | None:
        uuid = request.path_params["uuid"]
        return next((each for each in self._runners.mappings if each.mapping.config.uuid == uuid), None)


def _missing() -> Response:
    return refusal(404, "ResourceNotFoundException", "The resource you requested does not exist.")


async def _described(runner: MappingRunner) -> dict[str, Any]:
    state = await asyncio.to_thread(runner.between, lambda: runner.mapping.state)
    return {
        **_settings(runner.mapping.config),
        "LastModified": runner.changed_at,
        "State": state or "Updating",
        "StateTransitionReason": "User action",
    }


def _settings(config: MappingConfig) -> dict[str, Any]:
    region, account = config.stream_arn.split(":")[3:5]
    found: dict[str, Any] = {
        "UUID": config.uuid,
        "EventSourceArn": config.source_arn,
        "EventSourceMappingArn": f"arn:aws:lambda:{region}:{account}:event-source-mapping:{config.uuid}",
        "FunctionArn": f"arn:aws:lambda:{region}:{account}:function:{config.invoked}",
        "BatchSize": config.batch_size,
        "MaximumBatchingWindowInSeconds": int(config.window_seconds),
        "ParallelizationFactor": config.parallelization,
        "MaximumRetryAttempts": config.retry_attempts,
        "MaximumRecordAgeInSeconds": int(config.max_age_seconds),
        "BisectBatchOnFunctionError": config.bisect,
        "TumblingWindowInSeconds": config.tumbling_seconds,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if config.report_failures else [],
        "StartingPosition": config.start.kind.value,
        "DestinationConfig": {"OnFailure": {"Destination": config.on_failure_arn}}
        if config.on_failure_arn
        else {},
    }
    if config.start.kind is StartKind.AT_TIMESTAMP:
        found["StartingPositionTimestamp"] = config.start.timestamp
    if config.filters:
        found["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in config.filters]}
    return found
