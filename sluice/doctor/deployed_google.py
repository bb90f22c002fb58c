"""What lies in BigQuery against the contract: tables, their columns, views; and the identity pool."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sluice.doctor.case import BIGQUERY_TABLE, POOL, Case
from sluice.doctor.finding import Finding

TABLES: Final = "BigQuery tables"
POOLS: Final = "identity pool"
_SAME: Final = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
"""SQL's names of types, and those that BigQuery's REST interface answers with."""


def tables(case: Case) -> Iterator[Finding]:
    """Compare each table's columns with those that the contract asks for, and look for each view."""
    if not case.deployed:
        return
    there = 0
    for each in case.declared(BIGQUERY_TABLE):
        dataset, table = str(each.inputs["datasetId"]), str(each.inputs["tableId"])
        view = "view" in each.inputs
        found = case.google.find("bigquery", f"projects/{case.project}/datasets/{dataset}/tables/{table}")
        if found is None:
            yield _missing(case, f"{dataset}.{table}", view=view)
        elif view:
            there += 1
        else:
            drifts = list(
                drift(json.loads(each.inputs["schema"]), (found.get("schema") or {}).get("fields") or ())
            )
            yield from (_drifted(case, f"{dataset}.{table}", one) for one in drifts)
            there += not drifts
    if there:
        yield Finding.ok(TABLES, f"{there} tables and views are as the contract wants them")


def drift(
    wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], within: str = ""
) -> Iterator[tuple[str, bool]]:
    """Yield how columns differ, and whether rows are refused for it."""
    there = {str(each["name"]).lower(): each for each in found}
    for column in wanted:
        name = f"{within}{column['name']}"
        other = there.pop(str(column["name"]).lower(), None)
        if other is None:
            yield f"has no column {name}", True
            continue
        types = _type(column), _type(other)
        modes = column.get("mode", "NULLABLE"), other.get("mode") or "NULLABLE"
        if types[0] != types[1]:
            yield f"has column {name} as {types[1]} instead of {types[0]}", True
        elif modes[0] != modes[1]:
            yield (
                f"has column {name} {modes[1].lower()} instead of {modes[0].lower()}",
                modes[1] != "NULLABLE",
            )
        yield from drift(column.get("fields") or (), other.get("fields") or (), f"{name}.")
    yield from (
        (f"has column {within}{each['name']}, which the contract does not know", False)
        for each in there.values()
    )


def _drifted(case: Case, table: str, drifted: tuple[str, bool]) -> Finding:
    what, refused = drifted
    if refused:
        return Finding.problem(
            TABLES,
            f"{table} {what}",
            "BigQuery refuses rows: they wait in the stream, or become dead letters",
            f"sluice contract check, then pulumi up --refresh --stack {case.env}",
        )
    return Finding.warning(
        TABLES,
        f"{table} {what}",
        "nobody fills it, and `pulumi up` leaves it alone",
        "retire it in the contract (docs/contract.md), or drop the column in BigQuery",
    )


def _missing(case: Case, table: str, *, view: bool) -> Finding:
    consequence = (
        "who queries it gets an error; or it is new, and not deployed yet"
        if view
        else "its rows wait in the stream; or it is new, and not deployed yet"
    )
    kind = "view" if view else "table"
    return Finding.problem(
        TABLES, f"{kind} {table} is not there", consequence, f"pulumi up --refresh --stack {case.env}"
    )


def pool(case: Case) -> Iterator[Finding]:
    """Ask whether the pool that turns AWS roles into Google principals is there and on."""
    if not case.deployed:
        return
    for each in case.declared(POOL):
        called = str(each.inputs["workloadIdentityPoolId"])
        path = f"projects/{case.project}/locations/global/workloadIdentityPools/{called}"
        found = case.google.find("iam", path)
        if found and found.get("state") == "ACTIVE" and not found.get("disabled"):
            yield Finding.ok(POOLS, f"{called} is on")
        else:
            state = "is not there" if found is None else "is deleted or switched off"
            yield Finding.problem(
                POOLS,
                f"identity pool {called} {state}",
                "no function gets a token of Google's: all rows wait in the stream",
                f"gcloud iam workload-identity-pools undelete {called} --location global "
                f"--project {case.project}, or: pulumi up --refresh --stack {case.env}",
            )


def _type(column: Mapping[str, Any]) -> str:
    name = str(column["type"]).upper()
    return _SAME.get(name, name)
