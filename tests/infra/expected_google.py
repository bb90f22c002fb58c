"""What Google is expected to hold: see test_every_google_resource.py."""

import json
from dataclasses import dataclass
from typing import Any

from sluice.publisher.tables import WINDOW_SEGMENTS, WINDOW_WATERMARKS


@dataclass(frozen=True, kw_only=True)
class Env:
    prefix: str
    account: str
    project: str
    protect: bool
    labels: dict[str, str]
    analysts: tuple[str, ...]

    @property
    def words(self) -> str:
        return self.prefix.replace("-", "_")

    @property
    def assumed(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role"


ENVS = {
    "dev": Env(
        prefix="sluice-dev",
        account="111111111111",
        project="example-analytics-dev",
        protect=False,
        labels={"project": "sluice", "environment": "dev", "managed-by": "pulumi"},
        analysts=(),
    ),
    "prod": Env(
        prefix="sluice-prod",
        account="222222222222",
        project="example-analytics-prod",
        protect=True,
        labels={
            "project": "sluice",
            "environment": "prod",
            "managed-by": "pulumi",
            "cost-centre": "analytics",
        },
        analysts=("analysts@example.com",),
    ),
}


WRITERS = ("bigquery-sink", "window-publisher")
"""The AWS roles, without the environment's prefix, that may add rows."""


def expected(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    """Type and inputs of each resource, under its logical name."""
    return {
        "gcp": (
            "pulumi:providers:gcp",
            {
                "project": env.project,
                "defaultLabels": json.dumps(env.labels),
                "addPulumiAttributionLabel": "false",
            },
        ),
        **apis(env),
        **datasets(env),
        **table(env, "order", "An order in the shop.", ("ordered_at", "DAY"), ["customer"]),
        **table(env, "visit", "A visit of a page.", ("at", "HOUR"), None),
        **table(
            env,
            "dead_letters",
            "Records that the sink could not take, and why; the queue holds the payloads",
            ("arrived_at", "DAY"),
            ["kind"],
        ),
        **table(
            env,
            "window_segments",
            WINDOW_SEGMENTS.description,
            ("window_start", "DAY"),
            ["metric", "version"],
        ),
        **table(
            env,
            "window_watermarks",
            WINDOW_WATERMARKS.description,
            ("published_at", "DAY"),
            None,
            expirationMs=7 * 86_400_000,
        ),
        **view(env, "order", "An order in the shop."),
        **view(env, "visit", "A visit of a page."),
        **view(
            env,
            "dead_letters",
            "Records that the sink could not take and no redrive has placed since, each once, and why",
        ),
        **view(
            env,
            "orders_by_customer",
            "Orders a minute, by customer; A row per window of 60 s and group;"
            " `complete` says whether all events of the window are in",
        ),
        **view(
            env,
            "visits",
            "A row per window of 30 s and group; `complete` says whether all events of the window are in",
        ),
        **federation(env),
        **grants(env),
    }


def apis(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    names = {
        "google-apis-bigquery": "bigquery",
        "google-apis-cloudresourcemanager": "cloudresourcemanager",
        "google-apis-iam": "iam",
        "google-apis-sts": "sts",
    }
    return {
        name: (
            "gcp:projects/service:Service",
            {"project": env.project, "service": f"{api}.googleapis.com", "disableOnDestroy": False},
        )
        for name, api in names.items()
    }


def datasets(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    pool = f"projects/1234567890/locations/global/workloadIdentityPools/{env.prefix}-a"
    owners = {"role": "OWNER", "specialGroup": "projectOwners"}
    common = {"project": env.project, "location": "EU", "deleteContentsOnDestroy": not env.protect}
    return {
        "warehouse-raw": (
            "gcp:bigquery/dataset:Dataset",
            {
                "datasetId": env.words,
                "description": "Raw events, one row per delivered record",
                "accesses": [
                    owners,
                    {
                        "dataset": {
                            "dataset": {"projectId": env.project, "datasetId": f"{env.words}_views"},
                            "targetTypes": ["VIEWS"],
                        }
                    },
                    *(
                        {
                            "role": f"projects/{env.project}/roles/{env.words}_sink_writer_a",
                            "iamMember": (
                                f"principalSet://iam.googleapis.com/{pool}/attribute.aws_role/"
                                f"{env.assumed}/{env.prefix}-{writer}"
                            ),
                        }
                        for writer in WRITERS
                    ),
                ],
                **common,
            },
        ),
        "warehouse-views": (
            "gcp:bigquery/dataset:Dataset",
            {
                "datasetId": f"{env.words}_views",
                "description": "Events without duplicates, for analysts",
                "accesses": [
                    owners,
                    *({"role": "READER", "groupByEmail": analyst} for analyst in env.analysts),
                ],
                **common,
            },
        ),
    }


def table(
    env: Env,
    name: str,
    description: str,
    partition: tuple[str, str],
    cluster: list[str] | None,
    **expiry: int,
) -> dict[str, tuple[str, dict[str, Any]]]:
    clusterings = {} if cluster is None else {"clusterings": cluster}
    return {
        f"warehouse-table-{name}": (
            "gcp:bigquery/table:Table",
            {
                "project": env.project,
                "datasetId": env.words,
                "tableId": name,
                "description": description,
                "timePartitioning": {"field": partition[0], "type": partition[1], **expiry},
                "requirePartitionFilter": False,
                "ignoreAutoGeneratedSchema": True,
                "deletionProtection": env.protect,
                **clusterings,
            },
        )
    }


def view(env: Env, name: str, description: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        f"warehouse-view-{name}": (
            "gcp:bigquery/table:Table",
            {
                "project": env.project,
                "datasetId": f"{env.words}_views",
                "tableId": name,
                "description": description,
                "deletionProtection": False,
            },
        ),
    }


def federation(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "federation-pool": (
            "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
            {
                "project": env.project,
                "workloadIdentityPoolId": f"{env.prefix}-a",
                "displayName": f"{env.prefix}-a",
                "description": f"AWS roles of {env.prefix} that write to BigQuery",
            },
        ),
        "federation-provider": (
            "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
            {
                "project": env.project,
                "workloadIdentityPoolId": f"{env.prefix}-a",
                "workloadIdentityPoolProviderId": "aws-roles",
                "aws": {"accountId": env.account},
                "attributeMapping": {
                    "google.subject": "assertion.arn.extract('assumed-role/{session}')",
                    "attribute.aws_role": (
                        f"'{env.assumed}/' + assertion.arn.extract('assumed-role/{{role}}/')"
                    ),
                },
                "attributeCondition": (
                    f"assertion.account == '{env.account}' && "
                    f"(assertion.arn.startsWith('{env.assumed}/{env.prefix}-bigquery-sink/') || "
                    f"assertion.arn.startsWith('{env.assumed}/{env.prefix}-window-publisher/'))"
                ),
            },
        ),
    }


def grants(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    writer = {
        "warehouse-writer-role": (
            "gcp:projects/iAMCustomRole:IAMCustomRole",
            {
                "project": env.project,
                "roleId": f"{env.words}_sink_writer_a",
                "title": f"{env.prefix} sink writer",
                "description": "Adds rows to existing tables; cannot read, create, change or delete them",
                "permissions": ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.updateData"],
            },
        ),
    }
    queries = {
        f"warehouse-queries-group:{analyst}": (
            "gcp:projects/iAMMember:IAMMember",
            {"project": env.project, "role": "roles/bigquery.jobUser", "member": f"group:{analyst}"},
        )
        for analyst in env.analysts
    }
    return {**writer, **queries}
