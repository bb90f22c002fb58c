"""The real aggregator over tables, a stream and a queue in memory; a tape can make each call of them fail."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, cast

from sluice.contract import Event, field
from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import Ledger
from sluice.delivery.watchdog import unguarded
from sluice.metrics import Count, Max, Metric, Sum
from sluice.pipeline import Pipeline
from sluice.windows.aggregator import Aggregator
from sluice.windows.census import Census
from sluice.windows.claims import Claims
from sluice.windows.commit import Committer
from sluice.windows.definitions import Definitions
from sluice.windows.lanes import Lanes
from sluice.windows.plan import Plan
from sluice.windows.recovery import Stream
from sluice.windows.redrive import Redriver
from sluice.windows.taking import Taker
from sluice.windows.tumbling import Tumbling
from sluice.windows.writing import PartWriter
from tests.property.fake_dynamodb import FakeDynamoDB, error
from tests.property.fake_kinesis import FakeKinesis
from tests.unit.delivery.aws import Intercepted, refusal
from tests.unit.delivery.builders import Context, Killed, Time

if TYPE_CHECKING:
    from sluice.windows.reports import WindowReport

KEEP = timedelta(days=400)
CALM = 1000


class Hit(Event, type="hit", id="id", time="at"):
    """Something that is counted."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    page: Annotated[str, field("Which page")]
    amount: Annotated[int, field("How much")] = 0
    weight: Annotated[float, field("How heavy")] = 0.0


class Aside(Event, type="aside", time="at"):
    """Something that no metric is about."""

    at: Annotated[datetime, field("When")]


def pipeline(*, changed: bool = False) -> Pipeline:
    """Metrics of which, when `changed`, one has another shape, one more measures, and one is gone."""
    stays = Metric(
        "stays",
        events=[Hit],
        window="10s",
        by=["page"],
        measures={"count": Count(), "amount": Sum("amount"), "weight": Sum("weight"), "most": Max("amount")},
    )
    once = Metric(
        "once",
        events=[Hit],
        window="30s",
        by=["page"],
        measures={"count": Count(), "amount": Sum("amount")},
        dedupe=True,
    )
    reshaped = Metric(
        "reshaped", events=[Hit], window="20s" if changed else "10s", measures={"count": Count()}
    )
    grows = Metric(
        "grows",
        events=[Hit],
        window="1m",
        measures={"count": Count(), **({"amount": Sum("amount")} if changed else {})},
    )
    gone = Metric("gone", events=[Hit], window="10s", measures={"count": Count()})
    metrics = [stays, once, reshaped, grows, *([] if changed else [gone])]
    return Pipeline(events=[Hit, Aside], metrics=metrics)


BEFORE, AFTER = pipeline(), pipeline(changed=True)


class Tape:
    """Decides what goes wrong, for `length` decisions; the low numbers that mean a fault come at a `rate`."""

    def __init__(self, seed: int, length: int, rate: float) -> None:
        self._random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._left = length
        self._rate = rate

    def next(self) -> int:
        if not self._left:
            return CALM
        self._left -= 1
        fault = self._random.random() < self._rate
        return self._random.randrange(9) if fault else self._random.randrange(9, 40)


class Letterbox:
    """A queue that may fail, before or after it took the letters."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.held: dict[str, DeadLetter] = {}

    def send(self, letters: Sequence[DeadLetter], deadline: Deadline) -> dict[str, str]:  # noqa: ARG002 - the protocol's
        failed: dict[str, str] = {}
        for letter in letters:
            fault = self.tape.next()
            if fault == 0:
                raise Killed
            if fault not in (1, 2):
                self.held[letter.id] = letter
            if fault in (1, 2, 3):
                failed[letter.id] = "no"
            if fault == 4:
                raise Killed
        return failed


class Outside:
    """What the runtimes share: the tables, the stream, the queue, the clock and what goes wrong.

    `meanwhile` is run in the middle of some call, as another invocation would.
    """

    def __init__(self, kinesis: FakeKinesis, tape: Tape) -> None:
        self.dynamodb = FakeDynamoDB()
        self.kinesis = kinesis
        self.tape = tape
        self.letterbox = Letterbox(tape)
        self.meanwhile: Callable[[], None] = lambda: None
        self.late: list[Callable[[], Any]] = []
        self.silence = 0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.kinesis.now / 1000, UTC)

    def call(self, name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        """Carry a request out, or let something happen to it or around it."""
        if self.silence:
            self.silence -= 1
            raise refusal()
        fault = self.tape.next()
        self._before(fault, call)
        answer = _partly(name, call, request) if fault == 6 else call()
        if fault == 7:
            raise Killed
        if fault == 8:
            raise TimeoutError
        return answer

    def _before(self, fault: int, call: Callable[[], Any]) -> None:
        if fault == 0:
            raise Killed
        if fault in (1, 2):
            self.silence = 25 if fault == 2 else 0  # longer than an invocation keeps asking
            raise refusal()
        if fault == 3:
            self.late.append(call)  # it times out, and is carried out all the same, some time
            raise TimeoutError
        if fault == 4:
            self.arrive_late()
            self.kinesis.now += 1500  # slow: records arrive meanwhile
        if fault == 5:
            self.meanwhile()

    def arrive_late(self) -> None:
        """Carry out what had timed out."""
        late, self.late = self.late, []
        for call in late:
            try:
                call()
            except Exception:  # noqa: BLE001, S112 - nobody waits for the answer any more
                continue


class _Dynamodb(Intercepted):
    """The tables, each call of which goes through `Outside.call`."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside.dynamodb, outside.call)
        self._outside = outside

    def get_paginator(self, name: str) -> "_Dynamodb":
        assert name == "query"
        return self

    def paginate(self, **request: Any) -> Any:
        pages = self._outside.dynamodb.get_paginator("query")
        return self._outside.call("query", lambda: list(pages.paginate(**request)), request)


def _partly(name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
    """Answer a batch as DynamoDB does without capacity for all of it, a page as Kinesis does at a gap."""
    if name == "batch_write_item":
        ((table, writes),) = request["RequestItems"].items()
        request["RequestItems"] = {table: writes[::2]}
        call()
        return {"UnprocessedItems": {table: writes[1::2]} if writes[1::2] else {}}
    if name == "batch_execute_statement":
        statements = request["Statements"]
        request["Statements"] = statements[::2]
        done = iter(call()["Responses"])
        throttled = {"Error": {"Code": "ThrottlingError"}}
        return {"Responses": [throttled if at % 2 else next(done) for at in range(len(statements))]}
    if name == "batch_get_item":
        ((table, wanted),) = request["RequestItems"].items()
        request["RequestItems"] = {table: {**wanted, "Keys": wanted["Keys"][:1]}}
        left = wanted["Keys"][1:]
        return {**call(), "UnprocessedKeys": {table: {"Keys": left}} if left else {}}
    if name == "transact_write_items":
        reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}]
        raise error("TransactionCanceledException", name, CancellationReasons=reasons)
    if name == "get_records":
        return {"Records": [], "MillisBehindLatest": 1000, "NextShardIterator": request["ShardIterator"]}
    return call()


class WatchedContract:
    """The contract, dying of some records."""

    def __init__(self, of: Pipeline, tape: Tape) -> None:
        self._contract = of.contract
        self._tape = tape
        self.type_of = of.contract.type_of

    def decode(self, data: bytes) -> Event:
        if b'"killer"' in data or self._tape.next() == 0:
            raise Killed
        return self._contract.decode(data)


class Runtime:
    """One process of the aggregator. A new one over the same `outside` is a cold start, with any pipeline."""

    def __init__(self, outside: Outside, of: Pipeline, *, process: str) -> None:
        self.pipeline = of
        self.time = Time()
        self.reports: list[WindowReport] = []
        dynamodb = cast("Any", _Dynamodb(outside))
        kinesis = cast("Any", Intercepted(outside.kinesis, outside.call))
        now = outside.now
        taker = Taker(
            contract=cast("Any", WatchedContract(of, outside.tape)),
            plan=_touchy(Plan(of)),
            claims=Claims(dynamodb, "claims", keep=timedelta(days=8), now=now, at_once=1),
            letterbox=outside.letterbox,
            sink="windows",
            keep=KEEP,
            watchdog=unguarded,
            now=now,
        )
        parts = PartWriter(dynamodb, "windows", keep=KEEP, now=now, at_once=1)
        committer = Committer(dynamodb, "windows", "ledger", "windows", parts=parts, keep_books=KEEP, now=now)
        books = Ledger(dynamodb, "ledger", "windows", keep=KEEP, disjoint=True, now=now)
        stream = Stream(kinesis, "activity")
        lanes = Lanes(dynamodb, "windows", process=process, now=now)
        self._aggregator = Aggregator(
            Tumbling(taker, lanes=lanes, committer=committer, stream=stream, now=now),
            census=Census(dynamodb, "windows", stream, keep=KEEP, now=now),
            definitions=Definitions(dynamodb, "windows", of, now=now),
            redriver=Redriver(dynamodb, "windows", taker, committer, books, keep=KEEP, now=now),
            report=self.reports.append,
            now=now,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def invoke(self, event: dict[str, Any], seconds: float = 20.0) -> dict[str, Any]:
        started = self.time.now
        try:
            return self._aggregator(event, Context(seconds))
        finally:
            assert self.time.now - started <= seconds


def _touchy(plan: Plan) -> Plan:
    """Make the plan die of some events, and fail over others, after it has begun to count them."""
    fold = plan.folds[Hit]

    def touchy(event: Any, *rest: Any) -> bool:
        counted = fold(event, *rest)
        if event.page == "deadly":
            raise Killed
        if event.page == "touchy":
            raise ArithmeticError
        return counted

    plan.folds[Hit] = touchy
    return plan
