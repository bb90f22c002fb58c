"""No value of a record gets into a log, a figure, a trace or an error that Lambda logs."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sluice.contract import Contract
from sluice.delivery.function import handler_of
from sluice.errors import SluiceError
from sluice.router import RoutedEvent, routed
from sluice.sinks.bigquery.function import bigquery_sink
from sluice.sinks.memory import MemorySink
from tests.unit.delivery.builders import CONTRACT, Context, Visit, batch
from tests.unit.observing.conftest import Said
from tests.unit.router.bills import PIPELINE, bill
from tests.unit.sinks.bigquery.stub_bigquery import StubBigQuery, row_errors, status

CANARY = "canary-7f3a91"
AT = "2026-11-01T12:00:00Z"

pytestmark = pytest.mark.usefixtures("sampled")


def visit(**fields: Any) -> bytes:
    return json.dumps({"type": "visit", "id": "v1", "at": AT, "page": CANARY, **fields}).encode()


POISON = (
    visit(type=CANARY),
    visit(at=CANARY),
    visit(at=[CANARY]),
    visit(id={"a": CANARY}),
    visit(page=[CANARY]),
    visit(more=CANARY),
    visit()[:-1],
    visit() + CANARY.encode(),
    visit().replace(b"2026-11-01", b"canary-7f3a91"),
    json.dumps([CANARY]).encode(),
    json.dumps(CANARY).encode(),
    b"\xff" + CANARY.encode(),
    b"\xf3\x89\x9a\xc2" + CANARY.encode(),
    visit(id="v1", type=[CANARY]),
)
"""Records that the contract refuses, each for another reason."""


def keeps_quiet(said: Said, call: Callable[[], Any]) -> list[dict[str, Any]]:
    """Call a handler, and look for the canary in whatever came out of it; return the lines of the log."""
    raised: list[Exception] = []
    try:
        call()
    except Exception as error:  # noqa: BLE001 - what Lambda would log of it is looked at
        raised = [error]
    for each in raised:
        assert isinstance(each, SluiceError)
        assert CANARY not in str(each)
        assert each.__cause__ is None
    said.lines()
    assert CANARY not in said.text
    traced = said.datagrams()
    assert traced
    assert CANARY.encode() not in b"".join(traced)
    return said.log()


@pytest.mark.parametrize("data", POISON, ids=range(len(POISON)))
def test_poison(said: Said, environ: dict[str, str], data: bytes) -> None:
    handler = handler_of(CONTRACT, MemorySink("bigquery"), environ)
    (line,) = keeps_quiet(said, lambda: handler(batch([data]), Context()))
    assert (line["ContractViolations"], line["records"][0]["kind"]) == (1, "contract")


@pytest.fixture
def stub() -> Iterator[StubBigQuery]:
    server = StubBigQuery()
    yield server
    server.close()


QUOTED = f"Could not parse '{CANARY}' as TIMESTAMP. Value {CANARY} is out of range"


@pytest.mark.parametrize(
    "behaviour",
    [
        row_errors({0: [{"reason": "invalid", "location": "page", "message": QUOTED}]}),
        row_errors({0: [{"reason": "never seen", "message": QUOTED}]}),
        status(503, QUOTED),
        status(400, f"Invalid value '{CANARY}' in row 0", "invalid"),
    ],
)
def test_what_bigquery_quotes(
    said: Said, environ: dict[str, str], stub: StubBigQuery, behaviour: Any
) -> None:
    stub.behave(*[behaviour] * 12)
    more = {
        "SLUICE_BIGQUERY_PROJECT": "p",
        "SLUICE_BIGQUERY_DATASET": "d",
        "BIGQUERY_EMULATOR_HOST": stub.url,
    }
    handler = bigquery_sink(CONTRACT, environ | more)
    assert keeps_quiet(said, lambda: handler(batch([visit()]), Context(3.0)))


class Broken(MemorySink):
    """A sink whose code fails, quoting what it was given."""

    def __init__(self, error: Exception, *, preparing: bool) -> None:
        super().__init__("bigquery")
        self._error, self._preparing = error, preparing

    def prepare(self, accepted: Any) -> Any:
        if self._preparing:
            raise self._error
        return super().prepare(accepted)

    def deliver(self, prepared: Sequence[Any], deadline: Any) -> Any:
        del prepared, deadline
        raise self._error


ERRORS = (
    KeyError(CANARY),
    ValueError(f"invalid literal: {CANARY!r}"),
    OSError(5, CANARY, CANARY),
    ConnectionError(CANARY),
    type("Own", (Exception,), {})(CANARY),
    ClientError({"Error": {"Code": "ValidationException", "Message": CANARY}}, "PutRecord"),
    UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY),
)


@pytest.mark.parametrize("preparing", [True, False])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_of_a_sinks_own_code(
    said: Said, environ: dict[str, str], error: Exception, *, preparing: bool
) -> None:
    handler = handler_of(CONTRACT, Broken(error, preparing=preparing), environ)
    assert keeps_quiet(said, lambda: handler(batch([visit()]), Context()))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_of_a_users_code_in_a_route(said: Said, environ: dict[str, str], error: Exception) -> None:
    def take(events: Sequence[RoutedEvent]) -> None:
        if any(each.event_id == "b1" for each in events):
            raise error

    handler = routed(PIPELINE, take, environ | {"SLUICE_ROUTE": "paid", "SLUICE_SINK": "paid"})
    sent = batch([bill(0, note=CANARY), bill(1, note=CANARY), bill(2, note=CANARY)])
    (line,) = [line for line in keeps_quiet(said, lambda: handler(sent, Context())) if "records" in line]
    assert type(error).__name__ in json.dumps(line)


def test_errors_of_the_books_and_of_the_letters(
    said: Said, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = handler_of(CONTRACT, MemorySink("bigquery"), environ)
    monkeypatch.setattr(
        "sluice.deadletters.queue.DeadLetterQueue.send", lambda *_: (_ for _ in ()).throw(ERRORS[1])
    )
    (line,) = keeps_quiet(said, lambda: handler(batch([visit(at=CANARY)]), Context()))
    assert line["UnsentLetters"] == 1
    monkeypatch.setattr(
        "sluice.delivery.ledger.Ledger.open", lambda *_, **__: (_ for _ in ()).throw(ERRORS[0])
    )
    raised = keeps_quiet(said, lambda: handler(batch([visit()]), Context()))[-1]
    assert raised["exception_name"] == "KeyError"


def test_debug_lines_of_what_goes_well(said: Said, environ: dict[str, str]) -> None:
    handler = handler_of(Contract([Visit]), MemorySink("bigquery"), environ)
    (line,) = keeps_quiet(said, lambda: handler(batch([visit()]), Context()))
    assert (line["level"], line["Delivered"]) == ("DEBUG", 1)
