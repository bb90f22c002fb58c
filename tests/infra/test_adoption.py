"""What exists already is used instead of made: neither declared nor changed, and nothing else differs."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from sluice.local.deploy import NOT_HERE
from sluice.local.drawing import mermaid
from sluice.local.judged import judged
from tests.infra.conftest import by_name
from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT
from tests.infra.switches import ACCOUNTS, EVERYTHING, adopted, adopting

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

MADE_OTHERWISE = {
    "stream-producers",
    "stream-stream",
    "target-paid-stream",
    "ledger-table",
    "windows-table",
    "windows-claims",
    "dead-letters-queue",
    "dead-letters-queue-policy",
    "dead-letters-bucket",
    "dead-letters-bucket-encryption",
    "dead-letters-bucket-lifecycle",
    "dead-letters-bucket-policy",
    "dead-letters-bucket-public-access",
    "warehouse-raw",
    "warehouse-views",
    "warehouse-table-order",
    "warehouse-table-dead_letters",
}
GRANTS = {
    "warehouse-raw-views",
    "warehouse-raw-writer-0",
    "warehouse-raw-writer-1",
    "warehouse-views-reader-group:analysts@example.com",
}
CALLED = {
    # what the program calls it, and what it is called where it exists
    "sluice-dev-events": "clicks",
    "sluice-dev-paid-route": "payments",
    "sluice-dev-ledger": "books",
    "sluice-dev-windows": "figures",
    "sluice-dev-claims": "firsts",
    "sluice-dev-dead-letters": "letters",
    "sluice-dev-dead-letters-111111111111-eu-central-1": "payloads",
    "sluice_dev": "landing",
    "sluice_dev_views": "shop",
}


@pytest.fixture(scope="module")
def program(run: "Run") -> "Program":
    return run("dev", pipeline=EVERYTHING, **adopting("dev"))


def in_its_place(value: Any) -> Any:
    """Write what the program would make as what exists."""
    text = json.dumps(value).replace(PLACEHOLDER_ACCOUNT, ACCOUNTS["dev"])
    for name, other in CALLED.items():
        text = re.sub(rf"(?<![\w-]){name}(?![\w-])", other, text)
    return json.loads(text)


def without_keys(inputs: dict[str, Any]) -> dict[str, Any]:
    """Leave out the rights to keys of what is adopted, and to the environment's own for the stream."""
    document = json.loads(inputs.get("policy", "{}"))
    if "Statement" not in document:
        return inputs
    apart = ("UseTheKeyOfThe", "UseTheKeyForTheStream", "EncryptForTheStream")
    kept = [each for each in document["Statement"] if not each["Sid"].startswith(apart)]
    return {**inputs, "policy": json.dumps({**document, "Statement": kept})}


def test_nothing_that_is_adopted_is_declared_and_nothing_else_is_missing(
    everything: "Program", program: "Program"
) -> None:
    made, found = by_name(everything).keys(), by_name(program).keys()
    assert made - found == MADE_OTHERWISE
    assert found - made == GRANTS


def test_all_else_is_as_it_would_be_and_names_what_exists(everything: "Program", program: "Program") -> None:
    made, found = by_name(everything), by_name(program)
    # What writing to a stream costs is not counted where somebody else has it: the mode is not known.
    for name in (made.keys() & found.keys()) - {"alarms-dashboard"}:
        theirs, ours = without_keys(found[name].inputs), without_keys(made[name].inputs)
        assert in_its_place(theirs) == in_its_place(ours), name
        assert found[name].protect == made[name].protect
    # What the setup of OpenSearch is told holds the ids of dashboards.
    asked = "aws:lambda/invocation:Invocation"
    text = json.dumps([each.inputs for each in program.resources if each.type != asked])
    assert not [name for name in CALLED if re.search(rf"(?<![\w-]){name}(?![\w-])", text)]


def test_the_command_line_finds_its_way_by_the_same_outputs(
    everything: "Program", program: "Program"
) -> None:
    outputs = dict(program.outputs)
    assert outputs.pop("adopted") == {
        "stream": "arn:aws:kinesis:eu-central-1:111111111111:stream/clicks",
        "ledger": "arn:aws:dynamodb:eu-central-1:111111111111:table/books",
        "windows": "arn:aws:dynamodb:eu-central-1:111111111111:table/figures",
        "claims": "arn:aws:dynamodb:eu-central-1:111111111111:table/firsts",
        "dead_letter_queue": "arn:aws:sqs:eu-central-1:111111111111:letters",
        "dead_letter_bucket": "arn:aws:s3:::payloads",
        "route_streams.paid": "arn:aws:kinesis:eu-central-1:111111111111:stream/payments",
        "dataset": "example-analytics-dev.landing",
        "views_dataset": "shop",
        "tables.order": "order",
        "tables.dead_letters": "dead_letters",
    }
    assert in_its_place(outputs) == in_its_place(everything.outputs)
    assert outputs["dead_letter_queue_url"] == "https://sqs.eu-central-1.amazonaws.com/111111111111/letters"


def test_consumers_are_registered_on_the_stream_that_exists(program: "Program") -> None:
    streams = {
        each.name: each.inputs["streamArn"].rpartition("/")[2]
        for each in program.resources
        if each.type == "aws:kinesis/streamConsumer:StreamConsumer" and not each.name.startswith("probe-")
    }
    assert set(streams.values()) == {"clicks", "payments"}
    assert streams["route-paid-transactions-consumer"] == "payments"


def test_every_rule_is_kept(program: "Program") -> None:
    assert [str(each) for each in judged(program)] == []


def test_a_role_opens_what_it_uses_with_that_things_key_and_through_its_service_alone(
    program: "Program",
) -> None:
    keyed = by_name(program)
    read, use, items = {"Decrypt"}, {"Decrypt", "GenerateDataKey"}, {"Decrypt", "DescribeKey", "Encrypt"}
    items |= {"GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"}
    books = {
        ("queue", "sqs"): use,
        ("bucket", "s3"): use,
        ("ledger", "dynamodb"): items,
    }
    sink = {("stream", "kinesis"): read, **books}
    windows, claims = {("windows", "dynamodb"): items}, {("claims", "dynamodb"): items}
    assert opened(keyed, "bigquery-sink") == sink
    assert opened(keyed, "search-sink") == sink
    assert opened(keyed, "aggregator") == {**sink, **windows, **claims}
    assert opened(keyed, "window-publisher") == windows
    assert opened(keyed, "route-paid") == {**sink, ("target", "kinesis"): {"GenerateDataKey"}}
    assert opened(keyed, "route-paid-transactions") == {("target", "kinesis"): read, **books}
    assert opened(keyed, "firehose-lake") == books, "its Firehose reads the stream, not the function"
    assert opened(keyed, "firehose-lake-firehose") == {("stream", "kinesis"): read}
    assert opened(keyed, "report") == {
        ("windows", "dynamodb"): read,
        ("ledger", "dynamodb"): read,
        ("queue", "sqs"): read,
    }


def opened(resources: "dict[str, Declared]", name: str) -> dict[tuple[str, str], set[str]]:
    """Actions on the keys of what is adopted, by key and the service that must ask."""
    found = {}
    for statement in json.loads(resources[f"{name}-policy"].inputs["policy"])["Statement"]:
        for resource in statement["Resource"]:
            if resource.startswith("arn:aws:kms:eu-central-1:111111111111:key/"):
                service = statement["Condition"]["StringEquals"]["kms:ViaService"].partition(".")[0]
                actions = {action.removeprefix("kms:") for action in statement["Action"]}
                found[resource.rpartition("/")[2], service] = actions
    return found


@pytest.mark.parametrize("mode", ["direct", "impersonation"])
def test_access_lists_that_are_not_ours_get_entries_and_lose_none(mode: str, run: "Run") -> None:
    warehouse = {"analysts": ["group:Analysts@example.com"]}
    where = {"dataset": "landing", "views_dataset": "shop"}
    resources = by_name(run("dev", adopt=where, federation={"mode": mode}, warehouse=warehouse))
    project = "example-analytics-dev"
    views = resources["warehouse-raw-views"]
    assert views.inputs == {
        "project": project,
        "datasetId": "landing",
        "authorizedDataset": {
            "dataset": {"projectId": project, "datasetId": "shop"},
            "targetTypes": ["VIEWS"],
        },
    }
    writers = [resources[f"warehouse-raw-writer-{number}"] for number in (0, 1)]
    for writer, called in zip(writers, ("bigquery-sink", "window-publisher"), strict=True):
        assert writer.inputs["datasetId"] == "landing"
        assert writer.inputs["role"] == f"projects/{project}/roles/sluice_dev_sink_writer_a"
        if mode == "direct":
            assert writer.inputs["iamMember"].startswith("principalSet://iam.googleapis.com/projects/")
            role = f"/arn:aws:sts::111111111111:assumed-role/sluice-dev-{called}"
            assert writer.inputs["iamMember"].endswith(role)
        else:
            address = f"sluice-dev-{called}@{project}.iam.gserviceaccount.com"
            assert writer.inputs["userByEmail"] == address
    assert views.urn in writers[0].depends_on, "one after the other: each writes the whole list back"
    assert writers[0].urn in writers[1].depends_on
    reader = resources["warehouse-views-reader-group:Analysts@example.com".lower()]
    assert reader.inputs["groupByEmail"] == "analysts@example.com"
    assert reader.inputs["role"] == "READER"
    entries = {each.type for each in resources.values() if each.type.startswith("gcp:bigquery/datasetI")}
    assert entries == set(), "DatasetIamMember drops authorised views that others have in the list"


def test_a_preview_knows_what_exists(run: "Run") -> None:
    preview = by_name(run("dev", preview=True, adopt=adopted("dev") | {"route_streams": {}}))
    mapping = preview["window-publisher-mapping"].inputs
    assert mapping["eventSourceArn"].startswith("arn:aws:dynamodb:eu-central-1:111111111111:table/figures/")
    assert preview["bigquery-sink-consumer"].inputs["streamArn"].endswith("/clicks")


def test_switched_off_all_of_it_is_made_afresh_and_that_is_said(
    run: "Run", programs: "dict[str, Program]"
) -> None:
    """As every local run does: a laptop has none of it."""
    given = adopted("dev") | {"route_streams": {}}
    program, plain = run("dev", adopt={**given, **NOT_HERE["adopt"]}), programs["dev"]
    made, wanted = by_name(program), by_name(plain)
    assert {name: each.inputs for name, each in made.items()} == {
        name: each.inputs for name, each in wanted.items()
    }
    assert program.outputs == plain.outputs
    (warning,) = program.warnings
    assert warning == (
        "sluice:adopt.enabled is off: made afresh and empty, instead of used, are stream, ledger,"
        " windows, claims, dead_letter_queue, dead_letter_bucket, dataset, views_dataset,"
        " tables.order, tables.dead_letters"
    )


def test_what_is_let_go_of_stays_in_the_cloud_and_nothing_else_does(run: "Run") -> None:
    """So that it can be adopted afterwards: queue and bucket with all that closes them."""
    resources = by_name(run("prod", adopt={"release": True}))
    kept = {name for name, each in resources.items() if each.retained and each.custom}
    assert kept >= MADE_OTHERWISE - {"target-paid-stream", "stream-producers"}
    boxes = {"Stream", "Ledger", "Windows", "DeadLetters", "Warehouse"}
    assert {each.urn.split("::")[2].partition("$")[0] for each in resources.values() if each.retained} == {
        f"sluice:infra:{box}" for box in boxes
    }


def test_the_drawing_shows_what_is_adopted_where_it_stands(program: "Program") -> None:
    drawn = mermaid(program).splitlines()
    assert '  r_adopted_stream[["Kinesis stream<br/>clicks<br/>adopted"]]' in drawn
    assert "  producers --> r_adopted_stream" in drawn
    assert '  r_adopted_windows -- "DynamoDB stream" --> r_window_publisher_function' in drawn
    assert '  r_bigquery_sink_function -. "what was done" .-> r_adopted_ledger' in drawn
    assert "  r_route_paid_function --> r_adopted_route_streams_paid" in drawn
    assert '    r_adopted_tables_order[("order")]' in drawn
