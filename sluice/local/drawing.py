"""The program as a Mermaid drawing: where records flow, read from what was declared and nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Final

from sluice.local.adopted import adopted
from sluice.local.declared import Declared
from sluice.local.program import Program

_FUNCTION: Final = "aws:lambda/function:Function"
_MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
_CONSUMER: Final = "aws:kinesis/streamConsumer:StreamConsumer"
_STREAM: Final = "aws:kinesis/stream:Stream"
_TABLE: Final = "gcp:bigquery/table:Table"
_QUEUE: Final = "aws:sqs/queue:Queue"
_BUCKET: Final = "aws:s3/bucket:Bucket"
_KEPT_TABLE: Final = "aws:dynamodb/table:Table"
_FIREHOSE: Final = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
_READER: Final = "gcp:projects/iAMMember:IAMMember"
_DOMAIN: Final = "aws:opensearch/domain:Domain"
_ALIAS: Final = "aws:lambda/alias:Alias"
_ASIDE: Final = "sluice:infra:Probe$"
"""What nothing of the pipeline flows through: it is not drawn."""

_CATALOG_TABLE: Final = "aws:glue/catalogTable:CatalogTable"
_WORKGROUP: Final = "aws:athena/workgroup:Workgroup"
_HOURS_A_DAY: Final = 24

_KEEPS: Final = (
    # kind, the function's variable that names it, what it gets, what it is
    (_QUEUE, "SLUICE_DEAD_LETTER_QUEUE_URL", "dead letters", "dead letters"),
    (_BUCKET, "SLUICE_DEAD_LETTER_BUCKET", "large payloads", "large payloads"),
    (_KEPT_TABLE, "SLUICE_LEDGER_TABLE", "what was done", "ledger"),
    (_KEPT_TABLE, "SLUICE_WINDOWS_TABLE", "counts", "windows"),
    (_KEPT_TABLE, "SLUICE_CLAIMS_TABLE", "who came first", "claims"),
)
_TARGETS: Final = (
    # what a route leads to: kind, the function's variable that names it, what it is, what it looks like
    (_STREAM, "SLUICE_TARGET_STREAM", "Kinesis stream", ("[[", "]]")),
    (_QUEUE, "SLUICE_TARGET_QUEUE_URL", "queue", (">", "]")),
    (_FIREHOSE, "SLUICE_TARGET_FIREHOSE", "Firehose", ("[[", "]]")),
)
_SHAPES: Final = {_QUEUE: (">", "]"), _BUCKET: ("[", "]"), _KEPT_TABLE: ("[(", ")]")}


def mermaid(program: Program) -> str:
    """Draw producers, stream, sinks, routes, tables and views, windows, dead letters and ledger."""
    return "\n".join(_Drawing(program).lines()) + "\n"


class _Drawing:
    def __init__(self, program: Program) -> None:
        drawn = [each for each in program.resources if _ASIDE not in each.urn]
        self._resources = (*drawn, *adopted(program))
        self._by_urn = {each.urn: each for each in program.resources}

    def lines(self) -> Iterator[str]:
        yield "flowchart LR"
        yield '  producers(["producers"])'
        fed = {target.urn for _, target, _, _ in self._targets()}
        for stream in self._all(_STREAM):
            yield f"  {_node(stream, '[[', ']]', 'Kinesis stream', *_mode(stream))}"
            if stream.urn not in fed:
                yield f"  producers --> {_id(stream)}"
        for mapping in self._all(_MAPPING):
            yield from self._sink(mapping)
            yield from self._publisher(mapping)
        yield from self._routed()
        yield from self._search()
        yield from self._firehoses()
        yield from self._lake()
        yield from self._report()
        yield from self._tables()
        yield from self._kept()
        yield from self._protection()

    def _sink(self, mapping: Declared) -> Iterator[str]:
        function, stream = self._needed(mapping, _FUNCTION), self._read(mapping)
        if function is None or stream is None:
            return
        shared = self._needed(mapping, _CONSUMER) is None
        label = ["shared reader" if shared else "EFO", f"batches of {mapping.inputs['batchSize']}"]
        if tumbling := mapping.inputs.get("tumblingWindowInSeconds"):
            label.append(f"tumbling windows of {tumbling} s")
        if mapping.inputs.get("filterCriteria"):
            label.append("filtered")
        route = _variables(function).get("SLUICE_ROUTE")
        words = ["Lambda", str(function.inputs["name"]), *([f"route {route}"] if route else [])]
        yield f"  {_node(function, '[', ']', *words)}"
        yield f'  {_id(stream)} -- "{_label(*label)}" --> {_id(function)}'
        yield from self._to_bigquery(function)
        yield from self._keeps(function)

    def _keeps(self, function: Declared) -> Iterator[str]:
        for kept, variable, gets, _ in self._kept_things():
            if _names(function, variable, kept):
                yield f'  {_id(function)} -. "{gets}" .-> {_id(kept)}'

    def _read(self, mapping: Declared) -> Declared | None:
        """Find the Kinesis stream that a mapping reads, itself or through a consumer."""
        _, _, named = str(mapping.inputs["eventSourceArn"]).partition(":stream/")
        name = named.partition("/")[0]
        return next((each for each in self._all(_STREAM) if _own_name(each) == name), None)

    def _routed(self) -> Iterator[str]:
        """Draw what routes lead to, a Firehose with the bucket that it fills."""
        for function, target, words, shape in self._targets():
            if target.type != _STREAM:
                yield f"  {_node(target, *shape, words, _own_name(target))}"
            yield f"  {_id(function)} --> {_id(target)}"
            to = target.inputs.get("extendedS3Configuration", {}).get("bucketArn", "")
            for bucket in self._all(_BUCKET):
                if to.rpartition(":")[2] == _own_name(bucket):
                    yield f"  {_node(bucket, *_SHAPES[_BUCKET], 'objects', _own_name(bucket))}"
                    yield f"  {_id(target)} --> {_id(bucket)}"

    def _targets(self) -> Iterator[tuple[Declared, Declared, str, tuple[str, str]]]:
        """Yield each function of a route with the stream, queue or Firehose that it feeds."""
        for kind, variable, words, shape in _TARGETS:
            for function in self._all(_FUNCTION):
                for target in self._all(kind):
                    if _names(function, variable, target):
                        yield function, target, words, shape

    def _publisher(self, mapping: Declared) -> Iterator[str]:
        """Draw a function that a table's stream feeds."""
        function, table = self._needed(mapping, _FUNCTION), self._needed(mapping, _KEPT_TABLE)
        source = str(mapping.inputs["eventSourceArn"])
        for each in self._all(_KEPT_TABLE):
            table = each if f":table/{_own_name(each)}/" in source else table
        of_kinesis = self._needed(mapping, _CONSUMER) or self._read(mapping)
        if function is None or table is None or of_kinesis is not None:
            return
        yield f"  {_node(function, '[', ']', 'Lambda', str(function.inputs['name']))}"
        yield f'  {_id(table)} -- "DynamoDB stream" --> {_id(function)}'
        yield from self._to_bigquery(function)

    def _search(self) -> Iterator[str]:
        """Draw the sink's index: a domain of the program, or an endpoint that is there already."""
        for function in self._all(_FUNCTION):
            variables = _variables(function)
            if "SLUICE_SEARCH_ENDPOINT" not in variables or "SLUICE_SINK" not in variables:
                continue
            for domain in self._all(_DOMAIN):
                yield f"  {_node(domain, '[(', ')]', 'OpenSearch', str(domain.inputs['domainName']))}"
                yield f"  {_id(function)} --> {_id(domain)}"
            if not self._all(_DOMAIN):
                yield f'  search[("{_label("OpenSearch", variables["SLUICE_SEARCH_ENDPOINT"])}")]'
                yield f"  {_id(function)} --> search"

    def _firehoses(self) -> Iterator[str]:
        """Draw each Firehose that reads a stream, its transform, and the one that redriven records take."""
        for firehose in self._all(_FIREHOSE):
            source = firehose.inputs.get("kinesisSourceConfiguration", {}).get("kinesisStreamArn", "")
            stream = next(
                (each for each in self._all(_STREAM) if source.endswith(f"/{_own_name(each)}")), None
            )
            function = self._transform(firehose)
            if stream is None or function is None:
                continue
            yield f"  {_node(firehose, '[[', ']]', 'Firehose', _own_name(firehose))}"
            yield f"  {_node(function, '[', ']', 'Lambda', str(function.inputs['name']))}"
            yield f'  {_id(stream)} -- "shared reader" --> {_id(firehose)}'
            yield f'  {_id(firehose)} -- "transform" --> {_id(function)}'
            yield from self._keeps(function)
            for each in self._all(_FIREHOSE):
                if _names(function, "SLUICE_REDRIVE_FIREHOSE", each):
                    yield f"  {_node(each, '[[', ']]', 'Firehose', _own_name(each))}"
                    yield f'  {_id(function)} -- "redriven" --> {_id(each)}'
                    yield from self._delivers(each)
            yield from self._delivers(firehose)

    def _delivers(self, firehose: Declared) -> Iterator[str]:
        destination = str(firehose.inputs["destination"])
        if destination == "iceberg":
            yield f"  {_id(firehose)} --> lake"
        else:
            where = f"{_id(firehose)}_destination"
            yield f'  {where}[("{_label(destination.capitalize())}")]'
            yield f"  {_id(firehose)} --> {where}"
        s3 = firehose.inputs.get(f"{destination}Configuration", {}).get("s3Configuration", {})
        for bucket in self._all(_BUCKET):
            if str(s3.get("bucketArn", "")).rpartition(":")[2] == _own_name(bucket):
                yield f"  {_node(bucket, *_SHAPES[_BUCKET], 'lake files, errors', _own_name(bucket))}"
                yield f'  {_id(firehose)} -. "undelivered" .-> {_id(bucket)}'

    def _transform(self, firehose: Declared) -> Declared | None:
        """Find the function that a Firehose hands its records to."""
        text = json.dumps(firehose.inputs)
        return next(
            (each for each in self._all(_FUNCTION) if f":function:{each.inputs['name']}:" in text), None
        )

    def _lake(self) -> Iterator[str]:
        tables = [
            each for each in self._all(_CATALOG_TABLE) if each.inputs.get("tableType") != "VIRTUAL_VIEW"
        ]
        views = [each for each in self._all(_CATALOG_TABLE) if each not in tables]
        for title, members, shape in (("lake", tables, ("[(", ")]")), ("lake_views", views, ("[/", "/]"))):
            if members:
                yield f'  subgraph {title}["{_label("Iceberg", str(members[0].inputs["databaseName"]))}"]'
                for each in members:
                    yield f"    {_node(each, *shape, str(each.inputs['name']))}"
                yield "  end"
        if tables and views:
            yield '  lake -- "each event once" --> lake_views'
        for workgroup in self._all(_WORKGROUP):
            yield f"  {_node(workgroup, '([', '])', 'Athena', _own_name(workgroup))}"
            yield f"  lake_views --> {_id(workgroup)}"

    def _report(self) -> Iterator[str]:
        """Draw the page that is served in the cloud, if it is."""
        for function in self._all(_FUNCTION):
            if "SLUICE_REPORT_AUTH" not in _variables(function):
                continue
            yield f"  {_node(function, '[', ']', 'report page', str(function.inputs['name']))}"
            yield f'  readers(["{_label("readers", _variables(function)["SLUICE_REPORT_AUTH"])}"])'
            yield f"  {_id(function)} --> readers"
            for kept, variable, _, words in self._kept_things():
                if words == "windows" and _names(function, variable, kept):
                    yield f"  {_id(kept)} --> {_id(function)}"

    def _to_bigquery(self, function: Declared) -> Iterator[str]:
        if "SLUICE_BIGQUERY_DATASET" in _variables(function):
            yield f"  {_id(function)} --> raw"

    def _tables(self) -> Iterator[str]:
        tables = [each for each in self._all(_TABLE) if "view" not in each.inputs]
        views = [each for each in self._all(_TABLE) if "view" in each.inputs]
        for title, members, shape in (("raw", tables, ("[(", ")]")), ("views", views, ("[/", "/]"))):
            if members:
                yield f'  subgraph {title}["BigQuery {members[0].inputs["datasetId"]}"]'
                for each in members:
                    yield f"    {_node(each, *shape, str(each.inputs['tableId']))}"
                yield "  end"
        if tables and views:
            yield '  raw -- "each event once" --> views'
        if views:
            readers = sorted(str(each.inputs["member"]) for each in self._all(_READER))
            yield f'  analysts(["{_label("analysts", *readers)}"])'
            yield "  views --> analysts"

    def _kept(self) -> Iterator[str]:
        """Draw what functions keep things in; what none of them uses is left out."""
        functions = self._all(_FUNCTION)
        for kept, variable, _, words in self._kept_things():
            if any(_names(function, variable, kept) for function in functions):
                yield f"  {_node(kept, *_SHAPES[kept.type], words, _own_name(kept))}"

    def _kept_things(self) -> Iterator[tuple[Declared, str, str, str]]:
        for kind, variable, gets, words in _KEEPS:
            for kept in self._all(kind):
                yield kept, variable, gets, words

    def _protection(self) -> Iterator[str]:
        drawn = {_STREAM, _TABLE, _QUEUE, _BUCKET, _KEPT_TABLE, _FIREHOSE, _DOMAIN, _CATALOG_TABLE}
        protected = [_id(each) for each in self._resources if each.protect and each.type in drawn]
        if protected:
            yield "  classDef protected stroke-width:3px"
            yield f"  class {','.join(sorted(protected))} protected"

    def _all(self, kind: str) -> list[Declared]:
        return [each for each in self._resources if each.type == kind]

    def _needed(self, resource: Declared, kind: str) -> Declared | None:
        """Find the resource of a kind that this one was declared with, be it through a function's alias."""
        found = self._upon(resource)
        found += [each for alias in found if alias.type == _ALIAS for each in self._upon(alias)]
        within = [each for each in found if each.type == kind]
        return next(
            (each for each in within if each.parent == resource.parent), within[0] if within else None
        )

    def _upon(self, resource: Declared) -> list[Declared]:
        return [self._by_urn[urn] for urn in resource.depends_on if urn in self._by_urn]


def _node(resource: Declared, opening: str, closing: str, *words: str) -> str:
    return f'{_id(resource)}{opening}"{_label(*words)}"{closing}'


def _id(resource: Declared) -> str:
    """Make an id of letters, digits and underscores; a prefix keeps it from being a keyword such as `end`."""
    return "r_" + re.sub(r"\W", "_", resource.name, flags=re.ASCII)


def _label(*words: str) -> str:
    """Join lines, and keep a text's own characters from being read as Mermaid."""
    return "<br/>".join(
        word.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
        for word in words
    )


def _own_name(resource: Declared) -> str:
    return str(resource.inputs.get("name") or resource.inputs.get("bucket"))


def _variables(function: Declared) -> dict[str, str]:
    variables: dict[str, str] = function.inputs["environment"]["variables"]
    return variables


def _names(function: Declared, variable: str, kept: Declared) -> bool:
    """Whether a function's variable names this queue, bucket or table; a queue is named by its address."""
    return str(_variables(function).get(variable, "")).rpartition("/")[2] == _own_name(kept)


def _mode(stream: Declared) -> tuple[str, str]:
    shards = stream.inputs.get("shardCount")
    hours = stream.inputs.get("retentionPeriod")
    if hours is None:
        return _own_name(stream), "adopted"
    kept = f"{hours // _HOURS_A_DAY} d" if hours % _HOURS_A_DAY == 0 else f"{hours} h"
    size = f"{shards} shard{'s' if shards != 1 else ''}" if shards else "on-demand"
    return _own_name(stream), f"{size}, kept {kept}"
