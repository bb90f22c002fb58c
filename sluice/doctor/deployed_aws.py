"""What runs in AWS against what is declared: streams, tables, functions, mappings, subscriptions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sluice.doctor.aws import is_missing
from sluice.doctor.case import CONSUMER, FIREHOSE, FUNCTION, STREAM, TABLE, Case
from sluice.doctor.finding import Finding
from sluice.local.declared import Declared

RUNNING: Final = "deployed in AWS"
MAPPINGS: Final = "mappings"
SUBSCRIPTIONS: Final = "subscriptions"
SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
TOPIC: Final = "aws:sns/topic:Topic"
_PAUSED: Final = ("Disabled", "Disabling")
_GOOD: Final = ("OK", "No records processed", "")


def _stream(case: Case, each: Declared) -> Iterator[str]:
    client = case.aws.client("kinesis")
    found = client.describe_stream_summary(StreamName=each.inputs["name"])["StreamDescriptionSummary"]
    yield from _status(found["StreamStatus"])
    yield from _other("retention in hours", each.inputs.get("retentionPeriod"), found["RetentionPeriodHours"])
    mode = (found.get("StreamModeDetails") or {}).get("StreamMode")
    yield from _other("mode", (each.inputs.get("streamModeDetails") or {}).get("streamMode"), mode)
    if mode != "ON_DEMAND":
        yield from _other("shards", each.inputs.get("shardCount"), found["OpenShardCount"])


def _consumer(case: Case, each: Declared) -> Iterator[str]:
    stream = case.exports.get("stream_name")
    names = {
        str(sink.get("consumer", "")).partition("/consumer/")[2].partition(":")[0]: str(sink.get("consumer"))
        for sink in case.exports["sinks"].values()
    }
    arn = names.get(str(each.inputs["name"]))
    if arn is None:
        return
    found = case.aws.client("kinesis").describe_stream_consumer(ConsumerARN=arn)["ConsumerDescription"]
    yield from _status(found["ConsumerStatus"])
    if stream and f"stream/{stream}/" not in arn and "/consumer/" not in arn:
        yield f"reads another stream than {stream}"


def _table(case: Case, each: Declared) -> Iterator[str]:
    client, name = case.aws.client("dynamodb"), each.inputs["name"]
    found = client.describe_table(TableName=name)["Table"]
    yield from _status(found["TableStatus"])
    wanted = bool(each.inputs.get("deletionProtectionEnabled"))
    yield from _other("deletion protection", wanted, bool(found.get("DeletionProtectionEnabled")))
    if (each.inputs.get("pointInTimeRecovery") or {}).get("enabled"):
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        state = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        yield from _other("point-in-time recovery", "ENABLED", state)


def _function(case: Case, each: Declared) -> Iterator[str]:
    found = case.aws.client("lambda").get_function_configuration(FunctionName=each.inputs["name"])
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state not in ("Active", "Inactive"):  # an inactive one wakes up when it is invoked
        yield f"is {state.lower()}: {found.get('StateReason', '')}"
    if update == "Failed":
        yield f"its last update failed: {found.get('LastUpdateStatusReason', '')}"
    yield from _other("memory in MB", each.inputs.get("memorySize"), found.get("MemorySize"))
    yield from _other("time-out in seconds", each.inputs.get("timeout"), found.get("Timeout"))


def _firehose(case: Case, each: Declared) -> Iterator[str]:
    client = case.aws.client("firehose")
    found = client.describe_delivery_stream(DeliveryStreamName=each.inputs["name"])
    yield from _status(found["DeliveryStreamDescription"]["DeliveryStreamStatus"])


LOOKS: Final[Mapping[str, tuple[str, Callable[[Case, Declared], Iterator[str]]]]] = {
    STREAM: ("stream", _stream),
    CONSUMER: ("fan-out consumer", _consumer),
    TABLE: ("table", _table),
    FUNCTION: ("function", _function),
    FIREHOSE: ("Firehose", _firehose),
}


def running(case: Case) -> Iterator[Finding]:
    """Compare each stream, consumer, table, function and Firehose with what is declared."""
    if not case.deployed:
        yield Finding.ok(RUNNING, "nothing: the stack has not been deployed yet")
        return
    looked_at, found = 0, False
    for each in case.declared(*LOOKS):
        kind, look = LOOKS[each.type]
        looked_at += 1
        try:
            drifts = list(look(case, each))
        except Exception as error:  # a ClientError; botocore is not imported for its name
            if not is_missing(error):
                raise
            drifts = ["is not there"]
        for drift in drifts:
            found = True
            yield _drifted(case, f"{kind} {each.inputs['name']}", drift)
    if not found:
        yield Finding.ok(RUNNING, f"{looked_at} things are there, and as they are declared")


def _drifted(case: Case, what: str, drift: str) -> Finding:
    cause = f"{what} {drift}"
    again = f"pulumi up --refresh --stack {case.env}"
    if drift == "is not there":
        return Finding.problem(
            RUNNING,
            cause,
            "what depends on it fails; or it is new in the program, and not deployed yet",
            again,
        )
    if drift.startswith(("is ", "its last update")):
        return Finding.problem(
            RUNNING, cause, "what depends on it waits or fails", f"wait a minute; if it stays: {again}"
        )
    return Finding.warning(
        RUNNING, cause, "somebody has changed it by hand, or the change is not deployed yet", again
    )


def mappings(case: Case) -> Iterator[Finding]:
    """Ask Lambda whether each sink is fed, and what came of it lately."""
    if not case.deployed:
        return
    client, fed = case.aws.client("lambda"), 0
    fed_by_lambda = {name: sink for name, sink in case.exports["sinks"].items() if sink.get("mapping")}
    for name, sink in fed_by_lambda.items():
        try:
            found = client.get_event_source_mapping(UUID=sink["mapping"])
        except client.exceptions.ResourceNotFoundException:
            yield Finding.problem(
                MAPPINGS,
                f"sink {name} has no mapping any more",
                "its function gets nothing; records wait in the stream until they expire",
                f"pulumi up --refresh --stack {case.env}",
            )
            continue
        state, last = str(found.get("State", "")), str(found.get("LastProcessingResult") or "")
        if state in _PAUSED:
            yield Finding.warning(
                MAPPINGS,
                f"sink {name} is paused",
                "its function gets nothing; records wait in the stream until they expire",
                f"sluice consumers resume {name} --env {case.env}",
            )
        elif last not in _GOOD:
            yield Finding.warning(
                MAPPINGS,
                f"sink {name}: Lambda's last round ended with: {last}",
                "its shards may be held up",
                f"sluice consumers list --env {case.env}, and the function's log",
            )
        else:
            fed += 1
    if fed:
        yield Finding.ok(MAPPINGS, f"{fed} of {len(fed_by_lambda)} sinks are fed")


def subscriptions(case: Case) -> Iterator[Finding]:
    """Ask who gets the alarms, and look for subscriptions that nobody has confirmed."""
    declared = case.declared(SUBSCRIPTION)
    if not declared:
        if case.declared(TOPIC) and case.program is not None and not case.program.throwaway:
            yield Finding.warning(
                SUBSCRIPTIONS,
                f"there are alarms, and nobody in {case.env} gets them",
                "whoever does not look at the dashboard learns nothing of them",
                f"pulumi config set --path 'alarms.emails[0]' ADDRESS --stack {case.env}",
            )
        return
    if not case.deployed:
        return
    topics = {str(each.inputs["topic"]).rpartition(":")[2] for each in declared}
    listed = case.aws.every("sns", "list_topics", "Topics")
    arns = [each["TopicArn"] for each in listed if each["TopicArn"].rpartition(":")[2] in topics]
    subscribed = [
        one
        for arn in arns
        for one in case.aws.every("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    ]
    waiting = [one for one in subscribed if one["SubscriptionArn"] == "PendingConfirmation"]
    yield from (_unconfirmed(one) for one in waiting)
    if len(subscribed) > len(waiting):
        yield Finding.ok(SUBSCRIPTIONS, f"{len(subscribed) - len(waiting)} get the alarms")


def _unconfirmed(one: Mapping[str, str]) -> Finding:
    """Name an address in full only if it is no secret: that of a service is often as good as a password."""
    email = one["Protocol"] == "email"
    who = one["Endpoint"] if email else f"an address at {urlsplit(one['Endpoint']).hostname}"
    again = (
        f"aws sns subscribe --topic-arn {one['TopicArn']} --protocol email --notification-endpoint {who}"
        if email
        else "have the service open the SubscribeURL of SNS's first request, then pulumi up --refresh"
    )
    return Finding.warning(
        SUBSCRIPTIONS,
        f"{who} has not confirmed that it wants the alarms",
        "SNS sends it none",
        f"confirm SNS's first message; to have it once more: {again}",
    )


def _status(status: Any) -> Iterator[str]:
    if status != "ACTIVE":
        yield f"is {str(status).lower()}"


def _other(what: str, wanted: Any, found: Any) -> Iterator[str]:
    if wanted is not None and found is not None and wanted != found:
        yield f"has {what} {_word(found)} instead of {_word(wanted)}"


def _word(value: Any) -> str:
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
