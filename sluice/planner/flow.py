"""How a load flows through declared streams, mappings and functions: invocations, and how long they take."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sluice.planner import load as assumed
from sluice.planner.load import SECONDS_A_MONTH, Load
from sluice.policies import Resource, kinds

CONSUMER: Final = "aws:kinesis/streamConsumer:StreamConsumer"
_ON_DEMAND: Final = "ON_DEMAND"
_USUAL_BATCH: Final = 100
_USUAL_MEMORY: Final = 128
_USUAL_RETENTION: Final = 24


@dataclass(frozen=True, kw_only=True)
class StreamFacts:
    """What a stream is like; of an adopted one only what the load says is known."""

    on_demand: bool
    shards: int
    retention_hours: int
    adopted: bool = False


@dataclass(frozen=True, kw_only=True)
class Work:
    """A function's month: invocations, seconds that they take in all, records in each."""

    invocations: float
    seconds: float

    @property
    def rate(self) -> float:
        """Invocations a second."""
        return self.invocations / SECONDS_A_MONTH


class Flow:
    """The resources of one program, and how a load moves through them."""

    def __init__(self, resources: Iterable[Resource], load: Load) -> None:
        self.all = tuple(resources)
        self.load = load

    @cached_property
    def streams(self) -> dict[str, StreamFacts]:
        """Streams that the program makes, by name."""
        return {str(each.at("name")): self._facts(each) for each in self.all if each.type == kinds.STREAM}

    def stream(self, arn: str) -> StreamFacts:
        """Return the stream that an ARN is of, its own or a consumer's."""
        name = arn.partition(":stream/")[2].partition("/")[0]
        unknown = StreamFacts(
            on_demand=False, shards=self.load.shards, retention_hours=_USUAL_RETENTION, adopted=True
        )
        return self.streams.get(name, unknown)

    def mappings(self, function: str) -> list[Resource]:
        """Return the mappings that invoke a function, by its name."""
        return [
            each
            for each in self.all
            if each.type == kinds.MAPPING and _function_name(str(each.at("functionName"))) == function
        ]

    def work(self, function: Resource) -> Work:
        """Return the month of a function that mappings of streams invoke; others' is not known."""
        invocations = seconds = 0.0
        for mapping in self.mappings(str(function.at("name"))):
            source = str(mapping.at("eventSourceArn"))
            if ":stream/" in source and ":kinesis:" in source:
                calls, each = self._calls(mapping, source)
                invocations += calls
                seconds += calls * self._takes(function, each)
        return Work(invocations=invocations, seconds=seconds)

    def _calls(self, mapping: Resource, source: str) -> tuple[float, float]:
        """Return invocations a month, and the records in one."""
        stream = self.stream(source)
        lanes = stream.shards * _number(mapping.at("parallelizationFactor"), 1)
        pause = assumed.PUSH_SECONDS if "/consumer/" in source else assumed.POLL_SECONDS
        waits = max(_number(mapping.at("maximumBatchingWindowInSeconds"), 0), pause)
        most = min(_number(mapping.at("batchSize"), _USUAL_BATCH), max(assumed.PAYLOAD // self.load.bytes, 1))
        each = min(max(self.load.rate / lanes * waits, 1), most)
        return self.load.records / each, each

    def _takes(self, function: Resource, records: float) -> float:
        """Return the seconds of one invocation."""
        share = min(_number(function.at("memorySize"), _USUAL_MEMORY) / assumed.FULL_CORE_MB, 1)
        return assumed.CALL_SECONDS + records * assumed.RECORD_SECONDS * (self.load.bytes / 1_000) / share

    def _facts(self, stream: Resource) -> StreamFacts:
        on_demand = stream.at("streamModeDetails", "streamMode") == _ON_DEMAND
        least = max(assumed.ON_DEMAND_SHARDS, self.load.shards)
        return StreamFacts(
            on_demand=on_demand,
            shards=least if on_demand else int(_number(stream.at("shardCount"), 1)),
            retention_hours=int(_number(stream.at("retentionPeriod"), _USUAL_RETENTION)),
        )


def variables(function: Resource) -> dict[str, Any]:
    """Return a function's environment."""
    found = function.at("environment", "variables")
    return found if isinstance(found, dict) else {}


def _function_name(given: str) -> str:
    """Return the name in a function's ARN, which may end in a version or an alias."""
    return given.partition(":function:")[2].partition(":")[0] or given


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and value else otherwise
