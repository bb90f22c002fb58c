"""Alarms that ask: is anything lost, refused, or counted twice?"""

from typing import Final

from infra.alarm_kind import BAD_EVENTS, Kind

LOSING: Final = (
    Kind(
        name="contract-violations",
        row="losing",
        asks="Do producers send what the contract refuses?",
        means="Events became dead letters because they are not what the contract says.",
        why="Each is an event that its producer holds for sent; every sink refuses it, and one alarm rings.",
        setting="contract_violations",
        within=BAD_EVENTS,
    ),
    Kind(
        name="rejected-rows",
        row="losing",
        asks="Does the service behind a sink refuse rows?",
        means="Rows that keep to the contract were refused: the table or index differs from it.",
        why="What is deployed and what is there have drifted apart: each further row is refused too.",
        setting="rejected_rows",
    ),
    Kind(
        name="record-crashes",
        row="losing",
        asks="Do records kill the function that reads them?",
        means="Records that killed the function, or broke its code, became dead letters.",
        why="A bug that one record shows: others like it will come.",
        setting="crashes",
    ),
    Kind(
        name="dead-letters-waiting",
        row="losing",
        asks="Does somebody look after dead letters?",
        means="Dead letters lie in the queue, and nobody has redriven or deleted them.",
        why="Only what lies there all the time: their arrival has alarms of its own. This one is for letters"
        " that were forgotten, and for batches that Lambda gave up. Who lists letters hides them for a"
        " moment, as the auditor may: the most of each five minutes counts. SQS falls silent about a queue"
        " that nobody touches for six hours: then it goes on ringing, as the letters are still there.",
        setting="waiting_letters",
        statistic="Maximum",
        missing="ignore",
    ),
    Kind(
        name="queue-expiring",
        row="losing",
        asks="Will SQS delete messages before anybody has read them?",
        means="The oldest message of a queue has waited for much of the time that SQS keeps it.",
        why="A share of the queue's retention, which leaves days to act.",
        setting="retention_percent",
        statistic="Maximum",
    ),
    Kind(
        name="records-expiring",
        row="losing",
        asks="Will the stream drop records before a sink has read them?",
        means="A sink has records to read that have been in the stream for much of its retention.",
        why="The auditor says it for every sink, paused ones included, in each run.",
        setting="retention_percent",
        statistic="Maximum",
    ),
    Kind(
        name="destination-failing",
        row="losing",
        asks="Can Lambda tell the dead letters of a batch that it gives up?",
        means="Lambda gave up a batch, and could not send its pointer to the queue of dead letters.",
        why="Any is too many: without its pointer a batch is found by the audit alone.",
    ),
    Kind(
        name="delivery-failing",
        row="losing",
        asks="Does the lake take what Firehose delivers?",
        means="Rows that the lake refused lie in the bucket, among the errors.",
        why="Any is too many: a table or its columns differ from the contract.",
    ),
    Kind(
        name="window-state",
        row="losing",
        asks="Is there room in the state that windows are counted in?",
        means="The state of a shard's windows comes near the megabyte that Lambda carries on.",
        why="Beyond nine tenths a segment is committed early: right, but slower and dearer.",
        setting="state_percent",
        statistic="Maximum",
    ),
    Kind(
        name="window-spill",
        row="losing",
        asks="Do windows need more state than there is?",
        means="Segments were committed early because a shard's state was full.",
        why="Nothing is lost by it; it is a sign of more groups than were planned for.",
        setting="spills",
    ),
    Kind(
        name="windows-lost",
        row="losing",
        asks="Were records gone from the stream before they were counted?",
        means="Records left the stream before the windows counted them: figures are too low.",
        why="Any is too many: it cannot be mended from the stream.",
    ),
    Kind(
        name="audit-difference",
        row="losing",
        asks="Do the books balance?",
        means="The audit found records that no sink settled, or a gap between settled batches.",
        why="Twice in a row: what is wrong stays within the audit's view for hours, noise at its edge does"
        " not.",
        statistic="Maximum",
        periods=2,
        datapoints=2,
    ),
    Kind(
        name="audit-overcounted",
        row="losing",
        asks="Is anything counted twice?",
        means="A sink's books hold more records than the stream had.",
        why="Twice in a row, as the difference.",
        statistic="Maximum",
        periods=2,
        datapoints=2,
    ),
    Kind(
        name="audit-failing",
        row="losing",
        asks="Can the books be read?",
        means="The audit could not read the books of a sink, and says nothing about it.",
        why="Any is too many: who cannot look does not know that nothing is lost.",
    ),
)
