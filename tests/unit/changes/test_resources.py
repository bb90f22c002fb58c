"""What happens to each resource: added, changed, replaced with what hangs on it, deleted, renamed."""

import json

import pytest

from sluice.changes.document import Planned
from sluice.changes.resources import Change, changes, paired, unprotected
from tests.unit.changes.made import (
    CONSUMER,
    FUNCTION,
    MAPPING,
    QUEUE,
    STREAM,
    TABLE,
    document,
    planned,
    urn,
)


def happens(before: list[Planned], after: list[Planned]) -> list[Change]:
    old, new = document(*before), document(*after)
    return changes(old, new, paired(old, new))


def only(before: list[Planned], after: list[Planned]) -> Change:
    (change,) = happens(before, after)
    return change


def test_what_stays_as_it_is_is_not_spoken_of() -> None:
    queue = planned(QUEUE, "letters", fifoQueue=False)
    again = planned(QUEUE, "letters", fifoQueue=False, depends_on=(urn(STREAM, "s"),))
    assert happens([queue], [again]) == []


def test_resources_come_and_go() -> None:
    new, gone = planned(QUEUE, "new", name="n"), planned(QUEUE, "gone", name="g")
    deleted, added = happens([gone], [new])
    assert (deleted.does, deleted.name, deleted.kind) == ("deleted", "gone", "queue")
    assert deleted.loss is not None
    assert (added.does, added.name, added.loss) == ("added", "new", None)


def test_what_is_kept_in_the_cloud_is_let_go_and_nothing_is_lost() -> None:
    change = only([planned(QUEUE, "letters", retained=True)], [])
    assert (change.does, change.loss) == ("let go", None)


def test_an_input_of_the_table_replaces_and_another_does_not() -> None:
    before = planned(QUEUE, "letters", name="a", visibilityTimeoutSeconds=30)
    in_place = only([before], [planned(QUEUE, "letters", name="a", visibilityTimeoutSeconds=60)])
    assert (in_place.does, [str(each) for each in in_place.differences]) == (
        "changed",
        ["visibilityTimeoutSeconds: 30 -> 60"],
    )
    replaced = only([before], [planned(QUEUE, "letters", name="b", visibilityTimeoutSeconds=30)])
    assert (replaced.does, replaced.because) == ("replaced", ("name changes",))


def test_ignored_changes_are_ignored() -> None:
    before = planned(QUEUE, "letters", name="a")
    assert happens([before], [planned(QUEUE, "letters", name="b", ignore_changes=("name",))]) == []


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        ({"vpcOptions": {"subnetIds": ["a"]}}, {"vpcOptions": {"subnetIds": ["b"]}}, False),
        ({}, {"vpcOptions": {"subnetIds": ["b"]}}, True),
        ({"encryptAtRest": {"enabled": True}}, {"encryptAtRest": {"enabled": True, "kmsKeyId": "k"}}, True),
        ({"encryptAtRest": {"enabled": True}}, {}, True),
        ({"clusterConfig": {"instanceCount": 1}}, {"clusterConfig": {"instanceCount": 2}}, False),
    ],
)
def test_nested_inputs_replace_by_what_is_in_them_or_by_being_there(
    before: dict[str, object],
    after: dict[str, object],
    replaced: bool,  # noqa: FBT001 - a parametrized expectation
) -> None:
    kind = "aws:opensearch/domain:Domain"
    change = only([planned(kind, "d", inputs=before)], [planned(kind, "d", inputs=after)])
    assert (change.does == "replaced") is replaced


def test_what_only_the_cloud_knows_is_said_to_be_unknown() -> None:
    kind = "aws:opensearch/domain:Domain"
    change = only([planned(kind, "d", engineVersion="1")], [planned(kind, "d", engineVersion="2")])
    assert (change.does, "no upgrade" in change.note) == ("changed", True)


def test_a_kind_that_the_table_lacks_says_so() -> None:
    change = only([planned("aws:new/thing:Thing", "t", a=1)], [planned("aws:new/thing:Thing", "t", a=2)])
    assert "`pulumi preview` says whether it is made anew" in change.note


def test_a_renamed_resource_is_the_same_and_says_what_it_was() -> None:
    new = planned(QUEUE, "new", name="letters", aliases=(urn(QUEUE, "old"),))
    change = only([planned(QUEUE, "old", name="letters")], [new])
    assert (change.does, change.was, change.differences) == ("renamed", "old", ())


def test_a_renamed_resource_without_an_alias_is_pointed_out_on_both_sides() -> None:
    deleted, added = happens([planned(QUEUE, "old", name="letters")], [planned(QUEUE, "new", name="letters")])
    former = "my:box:Box$aws:sqs/queue:Queue::old"
    assert f"enter '{former}' under 'new' in infra/renames.py" in deleted.note
    assert "is it the same thing?" in added.note


STREAM_ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream"


def read_by(stream: str, *, consumer_of: str) -> list[Planned]:
    """A stream, its consumer, and the mapping that reads the consumer's ARN, as the program declares them."""
    arn = f"{STREAM_ARN}/{consumer_of}/consumer/sink:1700000000"
    return [
        planned(STREAM, "stream", name=stream),
        planned(
            CONSUMER,
            "consumer",
            name="sink",
            streamArn=f"{STREAM_ARN}/{stream}",
            depends_on=(urn(STREAM, "stream"),),
        ),
        planned(
            MAPPING,
            "mapping",
            eventSourceArn=arn,
            functionName="sink",
            protected=True,
            depends_on=(urn(CONSUMER, "consumer"), urn(FUNCTION, "function")),
        ),
        planned(FUNCTION, "function", name="sink", environment={"variables": {"READS": stream}}),
    ]


def test_a_replaced_consumer_takes_its_mapping_along_even_under_the_same_name() -> None:
    before, after = read_by("s", consumer_of="s"), read_by("s", consumer_of="s")
    after[1] = planned(CONSUMER, "consumer", name="sink", streamArn="adopted")
    before[2] = after[2] = planned(
        MAPPING,
        "mapping",
        eventSourceArn="adopted/consumer/sink:1700000000",
        protected=True,
        depends_on=(urn(CONSUMER, "consumer"),),
    )
    found = {each.name: each for each in happens(before, after)}
    assert found["consumer"].because == ("streamArn changes",)
    assert found["mapping"].because == ("eventSourceArn changes, as consumer is made anew",)
    assert found["mapping"].protected
    assert found["mapping"].loss is not None
    assert "checkpoint" in found["mapping"].loss.lost
    assert "function" not in found


def test_a_replaced_stream_replaces_what_reads_it() -> None:
    found = {
        each.name: each.does for each in happens(read_by("s", consumer_of="s"), read_by("t", consumer_of="t"))
    }
    assert found == {
        "stream": "replaced",
        "consumer": "replaced",
        "mapping": "replaced",
        "function": "changed",
    }


def test_a_view_and_the_bucket_of_packages_hold_nothing() -> None:
    view = planned(TABLE, "v", tableId="v", view={"query": "SELECT 1"})
    bucket = Planned(
        urn="u", type="aws:s3/bucket:Bucket", name="code-signing-bucket", component="code-signing", inputs={}
    )
    assert [each.loss for each in happens([view, bucket], [])] == [None, None]


COLUMN = {"name": "a", "type": "STRING", "mode": "NULLABLE"}


def test_a_dropped_column_is_named_and_a_converted_one_replaces_the_table() -> None:
    def table(*columns: dict[str, str]) -> Planned:
        return planned(TABLE, "t", tableId="t", schema=json.dumps(columns))

    both = table(COLUMN, {**COLUMN, "name": "b"})
    dropped = only([both], [table(COLUMN)])
    assert (dropped.does, dropped.dropped) == ("changed", ("b",))
    converted = only([table(COLUMN)], [table({**COLUMN, "type": "INTEGER"})])
    assert (converted.does, converted.because) == ("replaced", ("column a turns from STRING into INTEGER",))


def test_what_loses_its_protection_is_named() -> None:
    before = document(planned(QUEUE, "a", protected=True), planned(QUEUE, "b", protected=True))
    after = document(planned(QUEUE, "a"), planned(QUEUE, "b", protected=True))
    assert list(unprotected(paired(before, after))) == ["a"]


@pytest.mark.parametrize(
    ("guarded", "open_"),
    [
        ({"deletionProtection": True}, {"deletionProtection": False}),
        ({"deletionProtectionEnabled": True}, {}),
        ({}, {"forceDestroy": True}),
        ({"deleteContentsOnDestroy": False}, {"deleteContentsOnDestroy": True}),
    ],
)
def test_what_the_cloud_or_the_provider_no_longer_guards_is_named_too(
    guarded: dict[str, bool], open_: dict[str, bool]
) -> None:
    before, after = (document(planned(QUEUE, "a", inputs=each)) for each in (guarded, open_))
    assert list(unprotected(paired(before, after))) == ["a"]
    assert list(unprotected(paired(after, before))) == []


@pytest.mark.parametrize(
    ("begins", "lost"),
    [
        ({"startingPosition": "TRIM_HORIZON"}, "reads again all"),
        ({"startingPosition": "LATEST"}, "what arrived before that is never read"),
        (
            {"startingPosition": "AT_TIMESTAMP", "startingPositionTimestamp": "2026-01-31T12:00:00Z"},
            "it reads from 2026-01-31T12:00:00Z on",
        ),
    ],
)
def test_a_replaced_mapping_says_what_becomes_of_the_records_where_it_begins(
    begins: dict[str, str], lost: str
) -> None:
    change = only(
        [planned(MAPPING, "m", startingPosition="TRIM_HORIZON", eventSourceArn="a")],
        [planned(MAPPING, "m", eventSourceArn="b", inputs=begins)],
    )
    assert change.loss is not None
    assert lost in change.loss.lost
    gone = only([planned(MAPPING, "m", startingPosition="LATEST", eventSourceArn="a")], [])
    assert gone.loss is not None
    assert "again" not in gone.loss.lost


def test_protection_that_goes_with_the_same_change_stops_no_replacement() -> None:
    """Pulumi's engine refuses to replace what is protected before and after, and nothing else."""
    before = planned(QUEUE, "letters", name="a", protected=True)
    stays, goes = (planned(QUEUE, "letters", name="b", protected=kept) for kept in (True, False))
    assert [only([before], [each]).protected for each in (stays, goes)] == [True, False]
    assert only([planned(QUEUE, "letters", name="a")], [stays]).protected is False


def test_another_region_of_its_own_replaces_whatever_it_is() -> None:
    before, after = (planned(QUEUE, "letters", name="a", region=each) for each in ("eu-west-1", "us-east-1"))
    change = only([before], [after])
    assert (change.does, change.because) == ("replaced", ("region changes",))
    unheard = "aws:sqs/later:Later"
    assert only([planned(unheard, "l")], [planned(unheard, "l", region="us-east-1")]).does == "replaced"


def test_what_lies_in_a_replaced_resource_goes_with_it() -> None:
    """A dataset elsewhere takes its tables along, a role at another path its policy; a view holds nothing."""
    kind = "gcp:bigquery/dataset:Dataset"

    def program(location: str) -> list[Planned]:
        within = {"datasetId": "d", "depends_on": (urn(kind, "raw"),)}
        return [
            planned(kind, "raw", datasetId="d", location=location, protected=True),
            planned(TABLE, "table", tableId="t", protected=True, **within),
            planned(TABLE, "view", tableId="v", view={"query": "SELECT 1"}, **within),
            planned(TABLE, "elsewhere", tableId="t", datasetId="d"),
        ]

    found = {each.name: each for each in happens(program("EU"), program("US"))}
    assert {name: each.does for name, each in found.items()} == dict.fromkeys(
        ("raw", "table", "view"), "replaced"
    )
    assert found["table"].because == ("datasetId changes, as raw is made anew",)
    assert found["table"].loss is not None
    assert found["view"].loss is None


def test_another_view_of_a_tables_stream_replaces_what_reads_it() -> None:
    kind = "aws:dynamodb/table:Table"
    source = "arn:aws:dynamodb:eu-central-1:123456789012:table/windows/stream/2026-01-01T00:00:00.000"

    def program(view: str) -> list[Planned]:
        return [
            planned(kind, "table", name="windows", streamEnabled=True, streamViewType=view, protected=True),
            planned(MAPPING, "mapping", eventSourceArn=source, depends_on=(urn(kind, "table"),)),
        ]

    found = {each.name: each for each in happens(program("KEYS_ONLY"), program("NEW_IMAGE"))}
    assert (found["table"].does, found["table"].loss) == ("changed", None)
    assert found["mapping"].because == ("eventSourceArn changes, as table changes",)
