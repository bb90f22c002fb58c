"""Single checks, where a local cloud cannot be brought to what they find."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError

from sluice.doctor import (
    aws_account,
    aws_quotas,
    aws_rights,
    configuration,
    deployed_aws,
    deployed_google,
    machine,
    names,
)
from sluice.doctor.case import Case
from sluice.doctor.checks import CHECKS
from sluice.doctor.finding import Finding, Level
from tests.unit.doctor.cases import Client, case, declared, only, refused

Look = Callable[[Case], Iterable[Finding]]


def identity(account: str = "111111111111", skew: timedelta = timedelta()) -> dict[str, Any]:
    headers = {"date": format_datetime(datetime.now(UTC) - skew, usegmt=True)}
    return {"Arn": "arn:aws:iam::1:user/me", "Account": account, "ResponseMetadata": {"HTTPHeaders": headers}}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("ExpiredToken", "the AWS credentials are over"),
        ("RequestTimeTooSkewed", "AWS refuses the signature"),
        ("InvalidClientTokenId", "AWS takes no notice of the credentials"),
    ],
)
def test_each_refusal_of_credentials_has_a_cause_of_its_own(code: str, says: str) -> None:
    clients = {"sts": Client(get_caller_identity=refused(code))}
    assert only(aws_account.account, case(clients=clients)).cause.startswith(says)


def test_a_region_that_is_off_is_told_from_credentials_that_are_no_good() -> None:
    clients = {
        "sts": Client(get_caller_identity=refused("InvalidClientTokenId")),
        "sts/us-east-1": Client(get_caller_identity=identity()),
    }
    found = only(aws_account.account, case(clients=clients))
    assert "region eu-central-1 is not switched on in account 111111111111" in found.cause
    assert "aws account enable-region --region-name eu-central-1" in found.next_step


def test_an_address_that_does_not_answer_is_told_from_credentials() -> None:
    error = EndpointConnectionError(endpoint_url="https://sts.eu-centrl-1.amazonaws.com")
    found = only(aws_account.account, case(clients={"sts": Client(get_caller_identity=error)}))
    assert "whether there is a region eu-central-1" in found.next_step


@pytest.mark.parametrize(
    "answer",
    [KeyError("GetCallerIdentityResult"), ResponseParserError("not well-formed"), {}],
    ids=["XHTML", "HTML", "nothing"],
)
def test_a_page_in_the_place_of_aws_is_told_from_credentials(answer: Any) -> None:
    found = only(aws_account.account, case(clients={"sts": Client(get_caller_identity=answer)}))
    assert found.cause == "what answers at AWS's address is not AWS: a page of a proxy's, perhaps"
    assert "proxies" in found.next_step


def test_a_clock_that_is_off_is_told_before_aws_refuses_for_it() -> None:
    clients = {"sts": Client(get_caller_identity=identity(skew=timedelta(minutes=-3)))}
    found = only(aws_account.account, case(clients=clients), Level.warning)
    assert "s behind that of AWS" in found.cause


def test_quotas_that_may_not_be_asked_for_hide_no_others() -> None:
    denied = refused("AccessDeniedException")
    summary = {"SummaryMap": {"Roles": 5, "RolesQuota": 5}}
    clients = {
        "lambda": Client(get_account_settings=denied),
        "kinesis": Client(describe_limits=denied),
        "iam": Client(get_account_summary=summary),
    }
    new = case(declared(aws_quotas.ROLE, "r"), clients=clients)
    levels = [one.level for one in aws_quotas.quotas(new)]
    assert levels == [Level.unknown, Level.unknown, Level.problem]


def test_concurrency_counts_a_lane_of_each_shard_and_one_for_whatever_else_runs() -> None:
    arn = "arn:aws:lambda:eu-central-1:1:function"
    resources = [
        declared("aws:kinesis/stream:Stream", "s", name="events", shardCount=3),
        declared("aws:lambda/function:Function", "a", name="sink"),
        declared("aws:lambda/function:Function", "b", name="report"),
        declared("aws:lambda/function:Function", "c", name="kept", reservedConcurrentExecutions=7),
        declared(
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            "m",
            functionName=f"{arn}:sink",
            eventSourceArn="arn:aws:kinesis:eu-central-1:1:stream/events/consumer/c:1",
            parallelizationFactor=2,
        ),
    ]
    assert aws_quotas.concurrency(case(*resources)) == 3 * 2 + 1


def test_reservations_that_leave_the_account_too_little_are_found() -> None:
    limit = {"ConcurrentExecutions": 150, "UnreservedConcurrentExecutions": 150}
    clients = {
        "lambda": Client(get_account_settings={"AccountLimit": limit}),
        "kinesis": Client(describe_limits={}),
        "iam": Client(get_account_summary={"SummaryMap": {}}),
    }
    kept = declared("aws:lambda/function:Function", "c", name="kept", reservedConcurrentExecutions=60)
    found = only(aws_quotas.quotas, case(kept, clients=clients))
    assert "60 concurrent executions would be reserved of 150" in found.cause
    assert "Lambda keeps 100" in found.consequence


def test_who_may_not_ask_iam_is_told_that_rights_are_unknown() -> None:
    session = {**identity(), "Arn": "arn:aws:sts::1:assumed-role/Admin/me"}
    clients = {"sts": Client(get_caller_identity=session), "iam": Client(get_role=refused("AccessDenied"))}
    assert only(aws_rights.rights, case(clients=clients), Level.unknown).check == "AWS rights"


def test_other_packages_than_the_lock_pins_are_told(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("pulumi==0.0.1 \\\n    --hash=sha256:1\nnot-installed-here==1.0\n")
    found = only(machine.packages, case(root=tmp_path), Level.warning)
    assert "for 0.0.1" in found.cause
    assert "not-installed-here" not in found.cause
    assert found.next_step == "make setup"
    lock.unlink()
    assert "no requirements.lock" in only(machine.packages, case(root=tmp_path), Level.warning).cause


def test_a_program_that_does_not_run_is_told_in_its_own_words() -> None:
    found = only(configuration.settings, case(refusal="sluice:stream.shards is 0: accepted is 1 or more"))
    assert found.cause == "sluice:stream.shards is 0: accepted is 1 or more"


CONTRACT = """
from datetime import datetime
from typing import Annotated
from sluice.contract import Event, field
from sluice.pipeline import Pipeline

class Visit(Event, type="visit", id="id", time="at"):
    "A visit."
    id: Annotated[str, field("Id")]
    at: Annotated[datetime, field("When")]
    page: Annotated[str | None, field("Which")] = None

pipeline = Pipeline(events=[Visit])
"""


def test_a_contract_that_bigquery_could_not_follow_is_found(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.py"
    file.write_text(CONTRACT)
    of = case(root=tmp_path)
    assert "there is no contract.lock.json" in only(configuration.contract, of, Level.warning).cause
    from sluice.contract.snapshot import render, snapshot  # noqa: PLC0415 - of this test alone
    from sluice.pipeline import load_pipeline  # noqa: PLC0415 - same

    document = render(snapshot(load_pipeline(file).contract))
    (tmp_path / "contract.lock.json").write_text(document)
    assert [one.level for one in configuration.contract(of)] == [Level.ok]
    file.write_text(CONTRACT.replace('    page: Annotated[str | None, field("Which")] = None\n', ""))
    found = only(configuration.contract, of)
    assert "page" in found.cause
    file.write_text(
        CONTRACT.replace("page:", "site: Annotated[str | None, field('Where')] = None\n    page:")
    )
    assert "sluice contract snapshot" in only(configuration.contract, of, Level.warning).next_step
    (tmp_path / "contract.lock.json").write_text("[]")
    assert only(configuration.contract, of).next_step == "git checkout contract.lock.json"


def test_columns_are_compared_to_their_last_level() -> None:
    column = {"name": "a", "type": "INT64", "mode": "NULLABLE"}
    wanted = [column, {"name": "r", "type": "RECORD", "fields": [column, {"name": "b", "type": "STRING"}]}]
    same = [
        {"name": "A", "type": "INTEGER"},
        {"name": "r", "type": "STRUCT", "fields": [column, {"name": "b", "type": "STRING"}]},
    ]
    assert not list(deployed_google.drift(wanted, same))
    other = [
        {"name": "a", "type": "STRING"},
        {"name": "r", "type": "RECORD", "fields": [{**column, "mode": "REQUIRED"}]},
    ]
    assert list(deployed_google.drift(wanted, other)) == [
        ("has column a as STRING instead of INTEGER", True),
        ("has column r.a required instead of nullable", True),
        ("has no column r.b", True),
    ]


EXPORTS: dict[str, Any] = {"sinks": {"bigquery": {"mapping": "uuid", "function": "f"}}}


def test_a_function_that_failed_to_update_and_a_stuck_mapping_are_found() -> None:
    function = declared("aws:lambda/function:Function", "f", name="sink", memorySize=512)
    failed = {
        "State": "Active",
        "LastUpdateStatus": "Failed",
        "LastUpdateStatusReason": "no key",
        "MemorySize": 512,
    }
    mapping = {"State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"}
    clients = {"lambda": Client(get_function_configuration=failed, get_event_source_mapping=mapping)}
    of = case(function, clients=clients, exports=EXPORTS)
    assert only(deployed_aws.running, of).cause == "function sink its last update failed: no key"
    assert "PROBLEM: Function call failed" in only(deployed_aws.mappings, of, Level.warning).cause


def test_a_resource_that_somebody_deleted_by_hand_is_found() -> None:
    table = declared("aws:dynamodb/table:Table", "t", name="ledger")
    clients = {"dynamodb": Client(describe_table=refused("ResourceNotFoundException"))}
    found = only(deployed_aws.running, case(table, clients=clients, exports=EXPORTS))
    assert found.cause == "table ledger is not there"
    assert found.next_step == "pulumi up --refresh --stack dev"


def subscription(protocol: str, endpoint: str) -> Case:
    """A deployed environment whose one subscription nobody has confirmed."""
    topic = "arn:aws:sns:eu-central-1:1:sluice-dev-alarms"
    waiting = {
        "SubscriptionArn": "PendingConfirmation",
        "Endpoint": endpoint,
        "Protocol": protocol,
        "TopicArn": topic,
    }
    sns = Client(
        list_topics={"Topics": [{"TopicArn": topic}]},
        list_subscriptions_by_topic={"Subscriptions": [waiting]},
    )
    one = declared(deployed_aws.SUBSCRIPTION, "s", topic=topic)
    return case(one, clients={"sns": sns}, exports=EXPORTS)


def test_a_subscription_that_nobody_confirmed_is_found() -> None:
    found = only(deployed_aws.subscriptions, subscription("email", "team@example.com"), Level.warning)
    assert "team@example.com has not confirmed" in found.cause


def test_the_address_of_a_service_which_is_a_secret_is_not_told() -> None:
    of = subscription("https", "https://events.example.com/integration/secret/enqueue")
    found = only(deployed_aws.subscriptions, of, Level.warning)
    assert "an address at events.example.com" in found.cause
    assert "secret" not in str(found.document())


def test_alarms_that_nobody_gets_are_told_outside_of_what_is_thrown_away() -> None:
    topic = declared(deployed_aws.TOPIC, "t", name="sluice-dev-alarms")
    assert "nobody in dev gets them" in only(deployed_aws.subscriptions, case(topic), Level.warning).cause
    throwaway = case(topic)
    assert throwaway.program is not None
    program = replace(throwaway.program, throwaway=True)
    assert not list(deployed_aws.subscriptions(replace(throwaway, program=program)))


@pytest.mark.parametrize(
    ("code", "exists"), [("403", True), ("404", False)], ids=["of somebody else's", "nobody's"]
)
def test_a_buckets_name_is_taken_by_whoever_has_it(code: str, exists: bool) -> None:  # noqa: FBT001 - a case
    clients = {
        "s3": Client(head_bucket=refused(code)),
        "sqs": Client(get_queue_url=refused("AccessDenied")),
    }
    wanted = (declared(names.BUCKET, "b", bucket="letters"), declared(names.QUEUE, "q", name="letters"))
    levels = [one.level for one in names.names(case(*wanted, clients=clients))]
    assert levels == [Level.problem if exists else Level.ok]


def test_each_check_needs_only_checks_that_there_are() -> None:
    called = [check.name for check in CHECKS]
    assert len(set(called)) == len(called)
    assert {need for check in CHECKS for need in check.needs} <= set(called)


def test_what_depends_on_a_condition_that_iam_cannot_see_is_no_problem() -> None:
    answer = {
        "EvalActionName": "x",
        "EvalDecision": "implicitDeny",
        "MissingContextValues": ["aws:RequestTag/a"],
    }
    clients = {
        "sts": Client(get_caller_identity=identity()),
        "iam": Client(simulate_principal_policy={"EvaluationResults": [answer]}),
    }
    table = declared("aws:dynamodb/table:Table", "t", name="ledger")
    (found,) = aws_rights.rights(case(table, clients=clients))
    assert found.level is Level.ok
    assert found.cause.endswith("; 1 more depend on conditions that it cannot see")
