"""What would go, from a stack's state and what services answer, without a cloud."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sluice.doctor.google import Google, Refused
from sluice.errors import EnvironmentProblem
from sluice.teardown.deployed import Deployed, deployed
from sluice.teardown.losses import Losses, losses
from sluice.teardown.order import steps
from sluice.teardown.sizes import table_size
from tests.unit.doctor.cases import Client, Clients, refused

QUEUE = {"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesDelayed": "1"}
CLIENTS = {
    "sqs": Client(get_queue_attributes={"Attributes": QUEUE}),
    "dynamodb": Client(describe_table={"Table": {"ItemCount": 0, "TableSizeBytes": 0}}, scan={"Count": 0}),
    "logs": Client(describe_log_groups={"logGroups": [{"logGroupName": "/l", "storedBytes": 9}]}),
}


class Tables(Google):
    """Google's side: tables by id, or a refusal."""

    def __init__(self, tables: dict[str, int] | Exception) -> None:
        super().__init__("p")
        self._tables = tables

    def call(self, api: str, path: str, *, body: Any = None, **query: str) -> dict[str, Any]:
        del api, body, query
        if isinstance(self._tables, Exception):
            raise self._tables
        if path.endswith("/tables"):
            return {
                "tables": [{"tableReference": {"tableId": name}, "type": "TABLE"} for name in self._tables]
            }
        return {
            "numRows": str(self._tables[path.rpartition("/")[2]]),
            "numBytes": "7",
            "creationTime": "1000",
        }


def resource(kind: str, name: str, *, protect: bool = False, retain: bool = False, **values: Any) -> Deployed:
    document = {
        "type": kind,
        "urn": f"urn:pulumi:dev::sluice::{kind}::{name}",
        "custom": True,
        "inputs": {"name": name},
        "outputs": values,
        "protect": protect,
        "retainOnDelete": retain,
    }
    (found,) = deployed({"resources": [document]})
    return found


def found(*resources: Deployed, tables: Any = None, exports: Any = None) -> Losses:
    google = cast("Google", Tables({} if tables is None else tables))
    return losses(resources, exports or {}, aws=Clients(CLIENTS), google=google)


LETTERS = resource("aws:sqs/queue:Queue", "letters", protect=True, url="https://letters")
LEDGER = resource("aws:dynamodb/table:Table", "ledger", deletionProtectionEnabled=True)
DATASET = resource(
    "gcp:bigquery/dataset:Dataset", "raw", project="p", datasetId="raw", deleteContentsOnDestroy=True
)


def test_a_table_that_dynamodb_has_not_counted_yet_is_looked_into() -> None:
    """It counts about every six hours: what was written since would go all the same."""
    table = Client(describe_table={"Table": {"ItemCount": 0, "TableSizeBytes": 0}}, scan={"Count": 1})
    google = cast("Google", Tables({}))
    going = losses([LEDGER], {}, aws=Clients({"dynamodb": table}), google=google).going
    assert [(each.name, each.size and each.size.at_least) for each in going] == [("ledger", True)]


def test_what_the_probe_sends_is_nothing_to_keep() -> None:
    urn = "urn:pulumi:dev::sluice::sluice:infra:Probe$aws:sqs/queue:Queue::given-up"
    assert not found(replace(LETTERS, urn=urn)).held


def test_what_is_full_would_go_and_what_is_empty_would_not() -> None:
    both = found(LETTERS, LEDGER)
    assert [each.name for each in both.going] == ["letters"]
    (letters, ledger) = both.held
    assert letters.size is not None
    assert (letters.size.count, letters.guards) == (3, ("protect",))
    assert ledger.guards == ("deletion protection",)
    assert both.protected == 1


def test_what_cannot_be_counted_counts_as_data() -> None:
    aws = Clients({"sqs": Client(get_queue_attributes=refused("AccessDenied", "not you"))})
    (letters,) = losses([LETTERS], {}, aws=aws, google=cast("Google", Tables({}))).going
    assert letters.size is None
    assert "not you" in letters.unknown


def test_what_is_already_gone_does_not_go() -> None:
    aws = Clients({"sqs": Client(get_queue_attributes=refused("AWS.SimpleQueueService.NonExistentQueue"))})
    assert not losses([LETTERS], {}, aws=aws, google=cast("Google", Tables({}))).going


def test_tables_that_somebody_put_beside_the_programs_are_found() -> None:
    own = resource("gcp:bigquery/table:Table", "t", project="p", datasetId="raw", tableId="own")
    view = resource(
        "gcp:bigquery/table:Table", "v", project="p", datasetId="raw", tableId="seen", view={"query": ""}
    )
    listed = found(DATASET, own, view, tables={"own": 4, "theirs": 5})
    kinds = {each.name: each.kind for each in listed.held}
    assert kinds == {"raw.own": "BigQuery table", "raw.theirs": "BigQuery table, not of the program"}


@pytest.mark.parametrize(
    ("error", "going"),
    [
        (Refused(404, "gone"), []),
        (Refused(403, "may not"), ["raw"]),
        (EnvironmentProblem("no credentials"), ["raw"]),
    ],
)
def test_a_dataset_that_cannot_be_listed_counts_as_data_unless_it_is_gone(
    error: Exception, going: list[str]
) -> None:
    assert [each.name for each in found(DATASET, tables=error).going] == going


def test_what_is_retained_or_adopted_stays() -> None:
    kept = resource("aws:sqs/queue:Queue", "letters", retain=True, url="u")
    service = resource("gcp:projects/service:Service", "s", service="iam.googleapis.com")
    both = found(kept, service, exports={"adopted": {"stream": "clicks"}})
    assert not both.going
    assert both.staying[0].startswith("clicks (stream): adopted")
    assert both.staying[1].startswith("letters: retained")
    assert both.staying[2].startswith("1 Google APIs stay on")


def test_what_cannot_be_had_back_is_told_with_its_weeks() -> None:
    lost = found(
        resource(
            "gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "p", workloadIdentityPoolId="sluice-dev-a"
        ),
        resource("gcp:projects/iAMCustomRole:IAMCustomRole", "r", roleId="writer"),
        resource("aws:kms/key:Key", "k", deletionWindowInDays=9),
        resource("aws:lambda/eventSourceMapping:EventSourceMapping", "m"),
    ).lost
    text = "\n".join(lost)
    for part in (
        "sluice-dev-a: Google keeps its id for 30 days",
        "up to 37 days",
        "within 9 days",
        "checkpoints of 1",
    ):
        assert part in text


def test_rows_in_the_streaming_buffer_are_counted() -> None:
    size = table_size(
        {
            "numRows": "2",
            "numBytes": "10",
            "creationTime": "1000",
            "streamingBuffer": {"estimatedRows": "3", "estimatedBytes": "30"},
        }
    )
    assert (size.count, size.bytes, size.oldest) == (5, 40, datetime.fromtimestamp(1, UTC))
    assert not size.is_empty


def test_protection_is_taken_off_only_where_there_is_any() -> None:
    def commands(of: Losses) -> list[str]:
        return [command for _, command in steps("dev", of)]

    guarded, bare = commands(found(LETTERS)), commands(found(resource("aws:sqs/queue:Queue", "q", url="u")))
    assert "pulumi config set protect false --stack dev" in guarded
    assert "pulumi config set protect false --stack dev" not in bare
    assert "sluice dlq list --env dev --json > dead-letters.json" in bare
    empty = commands(found(resource("aws:dynamodb/table:Table", "ledger")))
    assert empty == [
        "pulumi destroy --preview-only --stack dev",
        "pulumi destroy --stack dev",
        "pulumi stack rm dev",
    ]


@pytest.mark.parametrize(
    "resources", ["all", {"a": 1}, [7], [{"type": "aws:sqs/queue:Queue", "urn": "urn:q"}], [{"custom": True}]]
)
def test_a_state_that_is_not_as_pulumi_writes_it_is_said_to_be_so_instead_of_empty(resources: object) -> None:
    with pytest.raises(EnvironmentProblem, match=r"state is not as Pulumi writes it: .*pulumi stack export"):
        deployed({"resources": resources})
    assert deployed({"resources": None}) == deployed({}) == []
