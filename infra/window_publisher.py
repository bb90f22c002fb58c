"""Windows into BigQuery: a function that the windows' table wakes, and that copies committed segments."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.adoption import WRITE_ITEMS
from infra.environment import Environment
from infra.function import Code, Function
from infra.policy import allow, everywhere
from infra.windows import Windows

FILTERS = [
    {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "segments#"}, "watermark"]}}},
    }
]
"""Which changes wake the function: a committed segment and a new watermark, but no expiry of old items."""


class WindowPublisher(pulumi.ComponentResource):
    """A function fed by the stream of the windows' table."""

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        windows: Windows,
        pipeline: str,
        environment: Mapping[str, pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        super().__init__("sluice:infra:WindowPublisher", name, None, env.component)
        settings = env.settings.window_publisher
        function = Function(
            name,
            env,
            self,
            Code(
                called=env.names.publisher,
                folder="window_publisher",
                description="Copies committed windows to BigQuery",
                duty="window publisher",
                settings=settings,
                pipeline=pipeline,
                statements=_statements(windows),
                environment={"SLUICE_WINDOWS_TABLE": windows.table, **environment},
                after=after,
            ),
        )
        # What a change carries is no more than a call to look: a given-up one is made good by the next, and
        # another checkpoint costs nothing, so neither destination nor protection.
        mapping = aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=windows.stream_arn,
            function_name=function.arn,
            enabled=settings.enabled,
            starting_position="TRIM_HORIZON",
            batch_size=settings.batch_size,
            maximum_batching_window_in_seconds=settings.batching_window_seconds,
            parallelization_factor=1,
            maximum_retry_attempts=-1,
            maximum_record_age_in_seconds=-1,
            bisect_batch_on_function_error=False,
            filter_criteria={"filters": [{"pattern": json.dumps(pattern)} for pattern in FILTERS]},
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, depends_on=[function.policy, *after]
            ),
        )
        self.function = function.function
        self.register_outputs({"function": function.name, "mapping": mapping.uuid})


def _statements(windows: Windows) -> list[dict[str, Any]]:
    return [
        allow(
            "ReadTheWindowsStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            windows.stream_arn,
        ),
        everywhere(
            "ListStreams",
            ["dynamodb:ListStreams"],
            because="Lambda asks when the mapping is made; the call is about the account, without a resource",
        ),
        allow(
            "ReadTheWindows",
            ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            windows.table_arn,
        ),
        {
            **allow("NoteWhatIsPublished", ["dynamodb:UpdateItem"], windows.table_arn),
            # All of no keys would be "published" as well (IAM user guide, set operators).
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["published"]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        },
        *windows.key.used_for(*WRITE_ITEMS),
    ]
