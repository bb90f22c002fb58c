"""Google: credentials, the project and its billing, the APIs, the rights, and where the data is to lie."""

from collections.abc import Iterator
from typing import Final

from sluice.doctor.case import DATASET, SERVICE, Case
from sluice.doctor.finding import Finding
from sluice.doctor.google import LOGIN, Refused
from sluice.errors import EnvironmentProblem

PROJECT, APIS, RIGHTS, LOCATION = "Google project", "Google APIs", "Google rights", "Google location"
FIRST: Final = ("serviceusage", "cloudresourcemanager")
"""APIs that the program needs before it can switch on any."""

API_OF: Final = {
    "gcp:bigquery/": "bigquery",
    "gcp:projects/": "cloudresourcemanager",
    "gcp:iam/": "iam",
    "gcp:iam/workloadIdentityPoolProvider": "sts",
    "gcp:serviceaccount/": "iamcredentials",
}
"""By how a type begins: the API that it needs; federation's tokens come from sts."""

PERMISSIONS: Final = {
    "gcp:bigquery/dataset:": ("bigquery.datasets.create",),
    "gcp:bigquery/datasetAccess:": ("bigquery.datasets.update",),
    "gcp:bigquery/table:": ("bigquery.tables.create",),
    "gcp:iam/workloadIdentityPool:": ("iam.workloadIdentityPools.create",),
    "gcp:iam/workloadIdentityPoolProvider:": ("iam.workloadIdentityPoolProviders.create",),
    "gcp:projects/iAMCustomRole:": ("iam.roles.create",),
    "gcp:projects/iAMMember:": (
        "resourcemanager.projects.getIamPolicy",
        "resourcemanager.projects.setIamPolicy",
    ),
    "gcp:projects/service:": ("serviceusage.services.enable",),
    "gcp:serviceaccount/account:": ("iam.serviceAccounts.create",),
    "gcp:serviceaccount/iAMMember:": ("iam.serviceAccounts.setIamPolicy",),
}
"""What creating each kind takes first of all (IAM permissions reference)."""

ROLES: Final = {
    "bigquery": "roles/bigquery.dataOwner",
    "iam.roles": "roles/iam.roleAdmin",
    "iam.serviceAccounts": "roles/iam.serviceAccountAdmin",
    "iam.workloadIdentity": "roles/iam.workloadIdentityPoolAdmin",
    "resourcemanager": "roles/resourcemanager.projectIamAdmin",
    "serviceusage": "roles/serviceusage.serviceUsageAdmin",
}
"""By how a permission begins: Google's own role that has it."""

_NEVER: Final = "`pulumi up` cannot create anything in Google Cloud"


def project(case: Case) -> Iterator[Finding]:
    """Ask Google for the project, and whether somebody pays for it."""
    try:
        _ = case.google.credentials
    except EnvironmentProblem as error:
        yield Finding.problem(PROJECT, str(error), _NEVER, LOGIN)
        return
    yield Finding.ok(PROJECT, f"credentials of {_who(case)}")
    try:
        found = case.google.call("projects", f"projects/{case.project}")
    except Refused as error:
        yield _no_project(case, error)
        return
    state = str(found.get("lifecycleState", ""))
    if state != "ACTIVE":
        yield Finding.problem(
            PROJECT,
            f"project {case.project} is {state.lower().replace('_', ' ')}",
            _NEVER,
            f"gcloud projects undelete {case.project}, or another google_project in Pulumi.{case.env}.yaml",
        )
        return
    yield Finding.ok(PROJECT, f"{case.project} (number {found.get('projectNumber')})")
    yield _billing(case)


def _no_project(case: Case, error: Refused) -> Finding:
    if error.switched_off:
        return Finding.problem(
            PROJECT,
            f"the API cloudresourcemanager is off in {case.project}",
            _NEVER,
            _enable(case, FIRST),
        )
    return Finding.problem(
        PROJECT,
        f"project {case.project} is not there, or {_who(case)} may not see it: {error}",
        _NEVER,
        f"mend google_project in Pulumi.{case.env}.yaml, or sign in as somebody else: {LOGIN}",
    )


def _billing(case: Case) -> Finding:
    link = f"gcloud billing projects link {case.project} --billing-account ACCOUNT"
    try:
        found = case.google.call("billing", f"projects/{case.project}/billingInfo")
    except Refused as error:
        return Finding.unknown(
            PROJECT,
            f"whether anybody pays for {case.project} cannot be told: {error}",
            consequence="without billing BigQuery takes no streaming inserts",
            next_step=f"gcloud billing projects describe {case.project}",
        )
    if found.get("billingEnabled"):
        return Finding.ok(PROJECT, "billing is on")
    return Finding.problem(
        PROJECT,
        f"nobody pays for {case.project}: billing is off",
        "BigQuery takes no streaming inserts: the sink would keep all records in the stream",
        link,
    )


def apis(case: Case) -> Iterator[Finding]:
    """Ask which APIs are on; those that the program switches on itself may be off."""
    own = {str(each.inputs["service"]).partition(".")[0] for each in case.declared(SERVICE)}
    needed = (
        {api for begins, api in API_OF.items() if case.declares(begins)}
        | own
        | (set(FIRST) if own else set())
    )
    names = [f"projects/{case.project}/services/{api}.googleapis.com" for api in sorted(needed)]
    try:
        listed = case.google.every(
            "services", f"projects/{case.project}/services", "services", filter="state:ENABLED"
        )
    except Refused as error:
        if error.switched_off:
            yield Finding.problem(
                APIS,
                f"the API serviceusage is off in {case.project}",
                "the program can switch on no other",
                _enable(case, FIRST),
            )
        else:
            yield Finding.unknown(
                APIS,
                f"may not ask which APIs are on: {error}",
                consequence="one that is off would show only when `pulumi up` meets it",
                next_step="let the caller read them (roles/serviceusage.serviceUsageViewer)",
            )
        return
    on = {str(each.get("config", {}).get("name") or each["name"].rpartition("/")[2]) for each in listed}
    off = [name.rpartition("/")[2].partition(".")[0] for name in names if name.rpartition("/")[2] not in on]
    itself = [api for api in off if api in own and api not in FIRST]
    missing = [api for api in off if api not in itself]
    if missing:
        yield Finding.problem(
            APIS,
            f"off in {case.project}: {', '.join(missing)}",
            "`pulumi up` fails at the first resource that needs one of them",
            _enable(case, missing),
        )
    if itself:
        yield Finding.ok(APIS, f"off until `pulumi up` switches them on: {', '.join(itself)}")
    if not off:
        yield Finding.ok(APIS, f"{len(needed)} are on: {', '.join(sorted(needed))}")


def rights(case: Case) -> Iterator[Finding]:
    """Ask Google which of the rights that creating takes the caller has on the project."""
    wanted = sorted(
        {permission for begins, every in PERMISSIONS.items() if case.declares(begins) for permission in every}
    )
    answer = case.google.call(
        "projects", f"projects/{case.project}:testIamPermissions", body={"permissions": wanted}
    )
    lacking = [each for each in wanted if each not in set(answer.get("permissions") or ())]
    if not lacking:
        yield Finding.ok(RIGHTS, f"all {len(wanted)} that creating begins with")
        return
    roles = sorted(
        {role for begins, role in ROLES.items() if any(each.startswith(begins) for each in lacking)}
    )
    yield Finding.problem(
        RIGHTS,
        f"{_who(case)} lacks {', '.join(lacking)} in {case.project}",
        "`pulumi up` fails at the first resource that takes one of these",
        "; ".join(
            f"gcloud projects add-iam-policy-binding {case.project} --member MEMBER --role {role}"
            for role in roles
        ),
    )


def location(case: Case) -> Iterator[Finding]:
    """Compare the location of datasets that exist with the one in the settings."""
    wanted = str(case.settings.get("google_location", ""))
    adopt = case.settings.get("adopt") or {}
    named = [str(each.inputs["datasetId"]) for each in case.declared(DATASET)]
    if adopt.get("enabled") is not False:
        named += [
            str(adopt[key]).rpartition(".")[2] for key in ("dataset", "views_dataset") if adopt.get(key)
        ]
    for dataset in named:
        found = case.google.find("bigquery", f"projects/{case.project}/datasets/{dataset}")
        lies = str((found or {}).get("location", ""))
        if found is not None and lies.upper() != wanted.upper():
            yield Finding.problem(
                LOCATION,
                f"dataset {dataset} lies in {lies}, and google_location is {wanted}",
                "a dataset cannot move: `pulumi up` would replace it, empty, or is refused",
                f"pulumi config set google_location {lies} --stack {case.env}",
            )
        elif found is not None:
            yield Finding.ok(LOCATION, f"dataset {dataset} lies in {lies}")
        elif dataset not in {str(each.inputs["datasetId"]) for each in case.declared(DATASET)}:
            yield Finding.problem(
                LOCATION,
                f"dataset {dataset} is adopted, and does not exist in {case.project}",
                "`pulumi up` has no place for the tables",
                f"bq mk --location {wanted} --dataset {case.project}:{dataset}",
            )


def _enable(case: Case, names: tuple[str, ...] | list[str]) -> str:
    services = " ".join(f"{name}.googleapis.com" for name in names)
    return f"gcloud services enable {services} --project {case.project}"


def _who(case: Case) -> str:
    found = case.google.credentials
    return str(getattr(found, "service_account_email", "") or getattr(found, "account", "") or "the caller")
