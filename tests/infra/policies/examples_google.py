"""Slips on Google's side, in names and in how the program is built."""

from dataclasses import replace
from typing import Final

from sluice.policies import UNKNOWN, Resource
from tests.infra.policies.made import (
    ACCOUNT,
    ADMITTED,
    DATASET,
    LOGS,
    POOL,
    PROVIDER,
    ROLE,
    ROLE_ARN,
    ROLE_POLICY,
    Example,
    allow,
    doc,
    made,
    pair,
    provider,
    trust,
)

SEVERAL: Final = (
    f"assertion.account == '{ACCOUNT}' && (assertion.arn.startsWith('{ROLE_ARN}/')"
    f" || assertion.arn.startsWith('{ROLE_ARN}-2/'))"
)
EXAMPLES: Final[tuple[Example, ...]] = (
    pair(
        "google-no-public",
        "gcp:projects/iAMMember:IAMMember",
        {"member": "allAuthenticatedUsers", "role": "roles/bigquery.jobUser", "project": "p"},
        {"member": "group:analysts@example.com", "role": "roles/bigquery.jobUser", "project": "p"},
    ),
    pair(
        "google-narrow-roles",
        "gcp:projects/iAMMember:IAMMember",
        {"member": "group:g@example.com", "role": "roles/editor", "project": "p"},
        {"member": "group:g@example.com", "role": "roles/bigquery.jobUser", "project": "p"},
    ),
    pair(
        "google-narrow-roles",
        DATASET,
        {
            "datasetId": "d",
            "project": "p",
            "accesses": [{"role": "READER", "specialGroup": "projectReaders"}],
        },
        {"datasetId": "d", "project": "p", "accesses": [{"role": "OWNER", "specialGroup": "projectOwners"}]},
    ),
    pair(
        "google-narrow-roles",
        "gcp:bigquery/datasetAccess:DatasetAccess",
        {"datasetId": "d", "project": "p", "role": "WRITER", "groupByEmail": "g@example.com"},
        {"datasetId": "d", "project": "p", "role": "READER", "groupByEmail": "g@example.com"},
    ),
    pair(
        "google-custom-roles",
        "gcp:projects/iAMCustomRole:IAMCustomRole",
        {"roleId": "abc", "project": "p", "permissions": ["bigquery.datasets.setIamPolicy"]},
        {"roleId": "abc", "project": "p", "permissions": ["bigquery.tables.updateData"]},
    ),
    Example(
        rule="google-way-in",
        broken=provider(f"assertion.arn.startsWith('{ROLE_ARN}/')"),
        mended=provider(ADMITTED),
    ),
    Example(rule="google-way-in", broken=provider(ADMITTED.replace("/')", "')")), mended=provider(ADMITTED)),
    Example(
        rule="google-way-in", broken=provider(f"assertion.account == '{ACCOUNT}'"), mended=provider(UNKNOWN)
    ),
    *(
        Example(rule="google-way-in", broken=provider(slip), mended=provider(SEVERAL))
        for slip in (f"{ADMITTED} || true", ADMITTED.replace("&&", "||"), SEVERAL.replace("-2/'", "'"))
    ),
    pair(
        "google-no-public",
        "gcp:projects/iAMPolicy:IAMPolicy",
        {"policyData": '{"bindings": [{"role": "roles/a", "members": ["allUsers"]}]}', "project": "p"},
        {"policyData": '{"bindings": [{"role": "roles/a", "members": ["group:g"]}]}', "project": "p"},
    ),
    pair(
        "google-narrow-roles",
        "gcp:projects/iAMPolicy:IAMPolicy",
        {"policyData": '{"bindings": [{"role": "roles/owner", "members": ["group:g"]}]}', "project": "p"},
        {
            "policyData": '{"bindings": [{"role": "roles/run.viewer", "members": ["group:g"]}]}',
            "project": "p",
        },
    ),
    pair(
        "google-narrow-roles",
        "gcp:bigquery/datasetAccess:DatasetAccess",
        {"datasetId": "d", "project": "p", "role": "roles/bigquery.dataOwner", "groupByEmail": "g@e.com"},
        {"datasetId": "d", "project": "p", "role": "roles/bigquery.dataViewer", "groupByEmail": "g@e.com"},
    ),
    *(
        pair(
            "google-exact-grants",
            DATASET,
            {"datasetId": "d", "project": "p", "accesses": [{"iamMember": f"{POOL}/{slip}"}]},
            {
                "datasetId": "d",
                "project": "p",
                "accesses": [{"iamMember": f"{POOL}/attribute.aws_role/{ROLE_ARN}"}],
            },
            replace(provider(ADMITTED), name="box-provider", urn="urn::box-provider"),
        )
        for slip in ("*", f"attribute.aws_role/{ROLE_ARN}-2", "attribute.account/1")
    ),
    pair(
        "names-fit",
        ROLE,
        {"assumeRolePolicy": trust(), "name": "r" * 65},
        {"assumeRolePolicy": trust(), "name": "r" * 64},
    ),
    pair(
        "names-fit",
        PROVIDER,
        {**provider(ADMITTED).inputs, "workloadIdentityPoolProviderId": "aws"},
        {**provider(ADMITTED).inputs, "workloadIdentityPoolProviderId": "aws-roles"},
    ),
    Example(
        rule="structure-boxes",
        broken=replace(made(LOGS, name="/a", retentionInDays=7), parent=None),
        mended=made(LOGS, name="/a", retentionInDays=7),
    ),
    Example(
        rule="structure-boxes",
        broken=replace(made(LOGS, name="/a", retentionInDays=7), name="elsewhere"),
        mended=made(LOGS, name="/a", retentionInDays=7),
    ),
    Example(
        rule="structure-accounts",
        broken=Resource(type="pulumi:providers:aws", name="aws", inputs={"allowedAccountIds": "[]"}),
        mended=Resource(type="pulumi:providers:aws", name="aws", inputs={"allowedAccountIds": '["1"]'}),
    ),
    pair("structure-accounts", DATASET, {"datasetId": "d"}, {"datasetId": "d", "project": "p"}),
    pair(
        "structure-whole-documents",
        ROLE_POLICY,
        {"policy": doc(allow("sqs:SendMessage", UNKNOWN))},
        {"policy": UNKNOWN},
    ),
)
