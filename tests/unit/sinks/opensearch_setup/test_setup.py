"""Setting up is idempotent, changes what can be changed in place, and says what it could not do."""

import copy
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.errors import EnvironmentProblem
from sluice.sinks.opensearch.asking import Ask, Reply, asking
from sluice.sinks.opensearch.connection import connect
from sluice.sinks.opensearch.setup import apply
from sluice.sinks.opensearch.templates import State
from tests.opensearch.real import the_node
from tests.unit.sinks.opensearch_setup.wanting import READER, WRITER, Service, nothing, state

NUMBERS = count()


@pytest.fixture
def prefix() -> str:
    """Names of the test's own on a node that all tests of a process share."""
    return f"setup{next(NUMBERS)}"


@pytest.fixture
def ask() -> Ask:
    return asking(connect(the_node().url, None), Deadline.after(60))


def write(ask: Ask, index: str, document: dict[str, Any]) -> int:
    return ask("POST", f"/{index}/_doc?refresh=true", document).status


def found(ask: Ask, where: str, **query: Any) -> int:
    count: int = ask("POST", f"/{where}/_count", {"query": query or {"match_all": {}}}).body["count"]
    return count


def changed(wanted: State, field: str, mapping: dict[str, Any]) -> State:
    """Return the state of a contract whose orders have the field so."""
    other = copy.deepcopy(wanted)
    mappings = other["templates"][0]["body"]["template"]["mappings"]
    mappings["properties"][field] = mapping
    mappings["_meta"]["hash"] = f"with {field}"
    return other


ORDER = {
    "type": "order",
    "order_id": "1",
    "ordered_at": "2026-11-21T10:00:00.123456Z",
    "customer": "Ada Lovelace",
    "status": "paid",
    "lines": [{"sku": "A", "pieces": 2}],
}


def test_an_index_that_appears_has_its_types_mapping_and_is_read_by_two_names(ask: Ask, prefix: str) -> None:
    apply(ask, state(prefix))
    assert write(ask, f"{prefix}-order-2026.11", {**ORDER, "unknown": {"deep": 1}}) == 201
    assert write(ask, f"{prefix}-visit-2026.11", {"type": "visit", "at": "2026-11-21T10:00:00Z"}) == 201
    assert found(ask, f"{prefix}-order", term={"customer.keyword": "Ada Lovelace"}) == 1
    assert found(ask, f"{prefix}-order", match={"customer": "lovelace"}) == 1
    assert found(ask, f"{prefix}-order", term={"lines.pieces": 2}) == 1
    assert found(ask, f"{prefix}-order", exists={"field": "unknown"}) == 0
    assert found(ask, prefix) == 2
    settings = ask("GET", f"/{prefix}-order-2026.11/_settings").body[f"{prefix}-order-2026.11"]
    assert settings["settings"]["index"]["number_of_shards"] == "1"


def test_applying_again_changes_nothing(ask: Ask, prefix: str) -> None:
    first = apply(ask, state(prefix))
    write(ask, f"{prefix}-order-2026.11", ORDER)
    service = Service(ask)
    again = apply(service, state(prefix))
    assert again["applied"][: len(first["applied"])] == first["applied"]
    assert not [each for each in again["applied"] if each.startswith(("mapping", "alias"))]
    before, asked = copy.deepcopy(service.policies), list(service.asked)
    apply(service, state(prefix))
    assert service.policies == before
    assert len(service.asked) == len(asked) * 2


def test_a_new_field_reaches_indices_that_exist_and_old_documents_stay_readable(
    ask: Ask, prefix: str
) -> None:
    apply(ask, state(prefix))
    index = f"{prefix}-order-2026.11"
    write(ask, index, ORDER)
    report = apply(ask, changed(state(prefix), "discount", {"type": "double"}))
    assert f"mapping of {index}" in report["applied"]
    write(ask, index, {**ORDER, "order_id": "2", "discount": 5})
    assert found(ask, f"{prefix}-order", range={"discount": {"gte": 5}}) == 1
    assert found(ask, f"{prefix}-order") == 2


def test_an_index_that_was_there_first_gets_its_names(ask: Ask, prefix: str) -> None:
    ask("PUT", f"/{prefix}-visit-2025.01", {"mappings": {"properties": {"seconds": {"type": "long"}}}})
    report = apply(ask, state(prefix))
    assert f"aliases of {prefix}-visit-*" in report["applied"]
    assert f"{prefix}-visit-2025.01" in ask("GET", f"/_alias/{prefix}").body


def test_a_field_that_is_mapped_otherwise_is_named_after_all_else_is_done(ask: Ask, prefix: str) -> None:
    ask("PUT", f"/{prefix}-visit-2025.01", {"mappings": {"properties": {"seconds": {"type": "text"}}}})
    service = Service(ask)
    with pytest.raises(EnvironmentProblem) as error:
        apply(service, state(prefix, retention_days=30))
    line = str(error.value)
    assert line.startswith(f"{prefix}-visit-2025.01: seconds is text, the contract wants long: ")
    assert "reindex" in line
    assert "\n" not in line
    assert list(service.policies) == [f"{prefix}-retention"]
    assert set(service.mappings) == {f"{prefix}-writer", f"{prefix}-reader"}
    assert ask("GET", f"/_index_template/{prefix}-order").status == 200


def test_a_parameter_that_cannot_be_changed_is_named_in_opensearchs_words(ask: Ask, prefix: str) -> None:
    apply(ask, state(prefix))
    write(ask, f"{prefix}-order-2026.11", ORDER)
    with pytest.raises(
        EnvironmentProblem, match=r"order-2026\.11: 400: .*ordered_at.*Cannot update parameter"
    ):
        apply(ask, changed(state(prefix), "ordered_at", {"type": "date", "format": "epoch_second"}))


def test_what_a_node_alone_lacks_is_skipped_and_said(ask: Ask, prefix: str) -> None:
    report = apply(ask, state(prefix, retention_days=30))
    assert [each.partition(":")[0] for each in report["skipped"]] == ["retention", "roles", "dashboards"]
    assert "sluice search --dashboards" in report["skipped"][2]
    assert len(report["applied"]) == 3


def test_conflicts_beyond_a_few_are_counted() -> None:
    def many(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        if path.endswith("_mapping"):
            index = path.split("/")[1].removesuffix("*")
            has = {"mappings": {"properties": {"type": {"type": "text"}}}}
            return Reply(200, {f"{index}2026.{month:02}": has for month in range(1, 13)})
        if path.endswith("_alias"):
            return Reply(200, {})
        return nothing(method, path, body, headers)

    with pytest.raises(EnvironmentProblem, match="and 19 more: a mapped field cannot be changed"):
        apply(many, state("p"))


def test_retention_is_made_changed_attached_and_taken_away() -> None:
    service = Service(nothing)
    apply(service, state("p", retention_days=30))
    (policy,) = service.policies.values()
    assert policy["policy"]["ism_template"][0]["index_patterns"] == ["p-order-*", "p-visit-*"]
    assert policy["policy"]["states"][0]["transitions"][0]["conditions"] == {"min_index_age": "427d"}
    apply(service, state("p", retention_days=60))
    (policy,) = service.policies.values()
    assert policy["_seq_no"] == 2
    assert not [each for each in service.asked if "change_policy" in each], "there is no index yet"
    report = apply(service, state("p"))
    assert service.policies == {}
    assert "POST /_plugins/_ism/remove/p-order-*,p-visit-*" in service.asked
    assert "retention: none any more" in report["applied"]


def test_indices_that_exist_are_kept_by_the_policy_as_it_is_now(ask: Ask, prefix: str) -> None:
    apply(ask, state(prefix))
    write(ask, f"{prefix}-order-2026.11", ORDER)
    service = Service(ask)
    patterns = f"{prefix}-order-*,{prefix}-visit-*"
    apply(service, state(prefix, retention_days=30))
    assert f"POST /_plugins/_ism/add/{patterns}" in service.asked
    assert f"POST /_plugins/_ism/change_policy/{patterns}" not in service.asked
    apply(service, state(prefix, retention_days=60))
    assert f"POST /_plugins/_ism/change_policy/{patterns}" in service.asked


def test_a_setup_that_was_ended_after_the_policy_is_finished_by_the_next(ask: Ask, prefix: str) -> None:
    apply(ask, state(prefix))
    write(ask, f"{prefix}-order-2026.11", ORDER)
    service = Service(ask)
    apply(service, state(prefix, retention_days=30))

    def ended(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        reply = service(method, path, body, headers)
        if method == "PUT" and "/_ism/" in path:
            raise EnvironmentProblem("time is up")
        return reply

    with pytest.raises(EnvironmentProblem, match="time is up"):
        apply(ended, state(prefix, retention_days=365))
    change = f"POST /_plugins/_ism/change_policy/{prefix}-order-*,{prefix}-visit-*"
    assert change not in service.asked
    apply(service, state(prefix, retention_days=365))
    assert change in service.asked, "else the index goes by the shorter retention"


@pytest.mark.parametrize("before", [0, 30])
def test_a_policy_whose_answer_was_lost_is_taken_for_written(before: int) -> None:
    service = Service(nothing)
    apply(service, state("p", retention_days=before))

    def twice(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        if method == "PUT" and "/_ism/" in path:
            service(method, path, body, headers)
        return service(method, path, body, headers)

    report = apply(twice, state("p", retention_days=90))
    assert "retention policy p-retention" in report["applied"]


def test_a_policy_that_another_setup_changed_meanwhile_stops_the_deployment() -> None:
    service = Service(nothing)

    def behind(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        if method == "PUT" and "/_ism/" in path:
            apply(service, state("p", retention_days=7))
        return service(method, path, body, headers)

    with pytest.raises(EnvironmentProblem, match="p-retention: 409"):
        apply(behind, state("p", retention_days=90))


def test_the_sink_may_write_and_the_readers_read_and_neither_more() -> None:
    service = Service(nothing)
    apply(service, state("p"))
    writer, reader = service.roles["p-writer"], service.roles["p-reader"]
    assert service.mappings == {
        "p-writer": {"backend_roles": [WRITER]},
        "p-reader": {"backend_roles": [READER]},
    }
    (own,) = writer["index_permissions"]
    assert own["index_patterns"] == ["p-order-*", "p-visit-*"]
    assert writer["cluster_permissions"] == ["indices:data/write/bulk"]
    assert not [each for each in own["allowed_actions"] if "read" in each or "delete" in each or each == "*"]
    assert not [
        action
        for each in reader["index_permissions"]
        for action in each["allowed_actions"]
        if "write" in action or "delete" in action or "create" in action or action == "*"
    ]


def test_dashboards_that_are_refused_fail_no_deployment() -> None:
    service = Service(nothing, dashboards=Reply(403, {"message": "not you"}))
    report = apply(service, state("p"))
    assert report["skipped"] == [
        "dashboards: 403: not you; import what `sluice search --dashboards` prints, by hand"
    ]
    service = Service(nothing)
    assert "dashboard" in apply(service, state("p"))["applied"]
    (form,) = service.imported
    assert form.startswith(b"--sluice-saved-objects\r\n")
    assert form.endswith(b"--sluice-saved-objects--\r\n")


def test_a_collection_is_asked_for_templates_alone() -> None:
    service = Service(nothing)
    report = apply(service, state("p", shards=None, replicas=None, retention_days=30), serverless=True)
    assert [each.partition(":")[0] for each in report["skipped"]] == ["retention", "dashboards"]
    assert not [each for each in service.asked if "_ism" in each or "_dashboards" in each]
    assert "PUT /_component_template/p" not in service.asked


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_template_stops_the_deployment_with_one_line(status: int) -> None:
    def refusing(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        if path == "/_index_template/p-order":
            return Reply(
                status, {"error": {"type": "x", "reason": "template [other] has the same\npriority"}}
            )
        return nothing(method, path, body, headers)

    with pytest.raises(EnvironmentProblem) as error:
        apply(refusing, state("p"))
    line = str(error.value)
    assert line.startswith(f"OpenSearch refused p-order: {status}: template [other] has the same priority")
    assert ("all_access" in line) is (status == 403)
    assert "\n" not in line


class Scripted:
    """A connection that answers in turn, and a clock that its waiting moves."""

    def __init__(self, answers: Iterator[Any]) -> None:
        self.transport, self.answers, self.now, self.asked = self, answers, 0.0, 0

    def get_connection(self) -> "Scripted":
        return self

    def perform_request(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return (answer[0], {}, answer[1])

    def ask(self, seconds: float = 200) -> Ask:
        def sleep(pause: float) -> None:
            self.now += pause

        return asking(self, Deadline.after(seconds, lambda: self.now, sleep))  # type: ignore[arg-type] # the part of a client that it uses


def always(answer: Any) -> Callable[[], Any]:
    return lambda: answer


def test_what_passes_is_asked_again_and_what_stays_is_said() -> None:
    busy = Scripted(iter([(503, "busy"), (429, "{}"), (200, '{"acknowledged": true}')]))
    assert busy.ask()("PUT", "/x", {}).body == {"acknowledged": True}
    assert busy.asked == 3
    down = Scripted(iter(always((503, "<html>down</html>")), None))
    with pytest.raises(EnvironmentProblem, match="did not take PUT /x: 503: <html>down</html>; deploy again"):
        down.ask()("PUT", "/x", {})
    assert down.now <= 200


def test_a_role_that_the_service_does_not_know_yet_is_waited_for() -> None:
    new = Scripted(iter([(403, '{"Message": "not authorized"}')] * 4 + [(200, "{}")]))
    assert new.ask()("PUT", "/x", {}).ok
    never = Scripted(iter(always((403, '{"message": "not authorized"}')), None))
    assert never.ask()("PUT", "/x", {}).reason == "403: not authorized"
    assert never.now < 100


def test_a_mistake_is_not_sent_again() -> None:
    wrong = Scripted(iter([(400, '{"error": {"reason": "unknown setting"}}')]))
    assert wrong.ask()("PUT", "/x", {}).reason == "400: unknown setting"
