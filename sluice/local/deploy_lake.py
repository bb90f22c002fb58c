"""Creates what the lake declares: Glue's databases and views, Athena's workgroups.

Its Iceberg tables are more than entries in Glue: the lake's own process creates them, since that takes a
library which a deployment need not load.
"""

from collections.abc import Callable
from typing import Any

from sluice.errors import ContractError, SettingsError
from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.deploy_firehose import create_delivery_stream, is_imitated
from sluice.local.deploy_result import Outputs
from sluice.local.lake.declared import firehose, is_lake, read_type

Inputs = dict[str, Any]

FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
TABLE = "aws:glue/catalogTable:CatalogTable"
AFRESH = "stop `sluice local` and start it again, with empty tables"
_PRESTO = {
    "name": "Name",
    "description": "Description",
    "tableType": "TableType",
    "parameters": "Parameters",
    "viewOriginalText": "ViewOriginalText",
    "viewExpandedText": "ViewExpandedText",
}


class LakeCreator:
    """Creates by resource type; Firehoses and Iceberg tables are kept for the lake's process."""

    def __init__(self, client: Callable[[str], Any], region: Callable[[], str]) -> None:
        self._client, self._region = client, region
        self.firehoses: list[Inputs] = []
        self.tables: list[Inputs] = []
        self.by_type: dict[str, Callable[[Inputs], Outputs]] = {
            "aws:glue/catalogDatabase:CatalogDatabase": self._database,
            TABLE: self._table,
            "aws:glue/catalogTableOptimizer:CatalogTableOptimizer": self._optimizer,
            "aws:athena/workgroup:Workgroup": self._workgroup,
            FIREHOSE: self._firehose,
        }

    def _arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self._region()}:{ACCOUNT}:{rest}"

    def _database(self, inputs: Inputs) -> Outputs:
        name, glue = inputs["name"], self._client("glue")
        if name not in {one["Name"] for one in glue.get_databases()["DatabaseList"]}:
            glue.create_database(DatabaseInput={"Name": name, "Description": inputs.get("description", "")})
        return f"{ACCOUNT}:{name}", {"arn": self._arn("glue", f"database/{name}"), "catalogId": ACCOUNT}

    def _table(self, inputs: Inputs) -> Outputs:
        database, name = inputs["databaseName"], inputs["name"]
        iceberg = iceberg_input(inputs)
        if iceberg is not None:
            self.tables.append({"databaseName": database, "name": name, "iceberg": iceberg})
        else:
            self._view(database, inputs)
        return f"{ACCOUNT}:{database}:{name}", {
            "arn": self._arn("glue", f"table/{database}/{name}"),
            "catalogId": ACCOUNT,
        }

    def _view(self, database: str, inputs: Inputs) -> None:
        """Put a view in its place, or in that of an earlier one.

        Raises:
            SettingsError: it is neither a view nor an Iceberg table.
        """
        if inputs.get("tableType") != "VIRTUAL_VIEW":
            raise SettingsError(
                f"table {inputs['name']}: the local cloud knows Iceberg tables and views in Glue only"
            )
        glue = self._client("glue")
        columns = (inputs.get("storageDescriptor") or {}).get("columns") or []
        table = {theirs: inputs[ours] for ours, theirs in _PRESTO.items() if inputs.get(ours) is not None}
        table["StorageDescriptor"] = {
            "Columns": [
                {"Name": one["name"], "Type": one["type"], "Comment": one.get("comment", "")}
                for one in columns
            ]
        }
        known = {one["Name"] for one in glue.get_tables(DatabaseName=database)["TableList"]}
        call = glue.update_table if inputs["name"] in known else glue.create_table
        call(DatabaseName=database, TableInput=table)

    def _optimizer(self, inputs: Inputs) -> Outputs:
        """Nothing here grows old enough to be compacted."""
        return ",".join((ACCOUNT, inputs["databaseName"], inputs["tableName"], inputs["type"])), {}

    def _workgroup(self, inputs: Inputs) -> Outputs:
        name = inputs["name"]
        location = ((inputs.get("configuration") or {}).get("resultConfiguration") or {}).get(
            "outputLocation"
        )
        athena = self._client("athena")
        if name not in {one["Name"] for one in athena.list_work_groups()["WorkGroups"]}:
            athena.create_work_group(
                Name=name,
                Description=inputs.get("description", ""),
                Configuration={"ResultConfiguration": {"OutputLocation": location}} if location else {},
            )
        return name, {"arn": self._arn("athena", f"workgroup/{name}")}

    def _firehose(self, inputs: Inputs) -> Outputs:
        identity, outputs = create_delivery_stream(self._client("firehose"), inputs)
        self.keep_firehose({**inputs, "arn": outputs["arn"]})
        return identity, outputs

    def keep_firehose(self, inputs: Inputs) -> None:
        """Leave a Firehose to the lake's process, if it is one of the lake's.

        Raises:
            SettingsError: it is to do what the local cloud does not.
        """
        if is_lake(inputs):
            firehose(inputs)
            self.firehoses.append(inputs)


def iceberg_input(inputs: Inputs) -> Inputs | None:
    """What an Iceberg table is made of; None when a declared table is none."""
    declared = ((inputs.get("openTableFormatInput") or {}).get("icebergInput") or {}).get("icebergTableInput")
    return declared if isinstance(declared, dict) else None


def has_server(kind: str, inputs: Inputs) -> bool:
    """Whether a resource of a known type can be had here: some destinations of a Firehose cannot."""
    return kind != FIREHOSE or is_imitated(inputs)


def check_table(name: str, before: Inputs, now: Inputs) -> None:
    """Refuse what Iceberg cannot make of a table in place, by the name of its columns.

    Raises:
        ContractError: what it is.
    """
    old, new = _columns(before), _columns(now)
    gone = sorted(old.keys() - new.keys())
    changed = sorted(column for column in old.keys() & new.keys() if old[column] != new[column])
    for columns, done in ((gone, "dropped"), (changed, "changed")):
        if columns:
            raise ContractError(
                f"table {name} of the lake: {', '.join(columns)} cannot be {done} in place;"
                f" `sluice contract check` says what to do instead; or {AFRESH}"
            )
    if _partition(before) != _partition(now):
        raise ContractError(f"table {name} of the lake cannot be partitioned otherwise in place: {AFRESH}")


def _columns(inputs: Inputs) -> dict[str, str]:
    """Types by the path of a column, fields of structs among them."""
    declared = iceberg_input(inputs) or {"schema": {"fields": []}}
    found: dict[str, str] = {}
    for field in declared["schema"]["fields"]:
        _add(found, field["name"], read_type(field["type"]))
    return found


def _add(found: dict[str, str], path: str, kind: Any) -> None:
    found[path] = kind["type"] if isinstance(kind, dict) else kind.replace(" ", "")
    if isinstance(kind, dict) and kind["type"] == "list":
        _add(found, f"{path}[]", kind["element"])
    elif isinstance(kind, dict):
        for field in kind["fields"]:
            _add(found, f"{path}.{field['name']}", field["type"])


def _partition(inputs: Inputs) -> list[tuple[str, str]]:
    declared = iceberg_input(inputs) or {}
    fields = (declared.get("partitionSpec") or {}).get("fields") or []
    return [(field.get("name", ""), field["transform"]) for field in fields]
