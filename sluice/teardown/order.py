"""The order of a teardown: what to do before data is gone, and the commands."""

from collections.abc import Iterator

from sluice.teardown.losses import Losses


def steps(env: str, found: Losses) -> Iterator[tuple[str, str]]:
    """Yield what to do and the command for it; no command where it is no command's to do."""
    going = found.going
    kinds = {each.kind for each in going}
    if going:
        yield (
            "Stop everything that produces, then wait until nothing is in flight",
            f"sluice audit --env {env}",
        )
    if "queue" in kinds:
        yield (
            "Redrive the dead letters, or keep them",
            f"sluice dlq list --env {env} --json > dead-letters.json",
        )
    for each in going:
        command = _copy(each.kind, each.name)
        if command:
            yield f"Keep what shall be kept of {each.name}", command
    if any(each.guards for each in found.held) or found.protected:
        yield "Take the protection off", f"pulumi config set protect false --stack {env}"
        yield "and have it taken off in the clouds", f"pulumi up --stack {env}"
    yield "Look at what would go once more", f"pulumi destroy --preview-only --stack {env}"
    yield "Destroy; in a network it takes up to 20 minutes more", f"pulumi destroy --stack {env}"
    yield "Forget the stack, and its settings", f"pulumi stack rm {env}"


def _copy(kind: str, name: str) -> str:
    """Return the command that copies something out; BUCKET and the like are the reader's."""
    dataset, _, table = name.partition(".")
    return {
        "BigQuery table": f"bq extract --destination_format=PARQUET '{dataset}.{table}' 'gs://BUCKET/{table}/*.parquet'",
        "BigQuery table, not of the program": f"bq cp '{name}' 'OTHER_DATASET.{table}'",
        "bucket": f"aws s3 sync s3://{name} s3://OTHER-BUCKET",
        "DynamoDB table": f"aws dynamodb create-backup --table-name {name} --backup-name {name}-last",
    }.get(kind, "")
