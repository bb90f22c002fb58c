"""What the stand-in holds: indices made from templates, their documents, and the names they are read by."""

import fnmatch
import uuid
from collections.abc import Mapping
from typing import Any, Final

from sluice.local.opensearch.errors import Body, Refused, bad, no_index, unsupported
from sluice.local.opensearch.mapping import checked, grown

FORBIDDEN: Final = frozenset(' "*\\<|,>/?#:')
_TEMPLATE: Final = frozenset({"index_patterns", "composed_of", "priority", "template", "_meta", "version"})
_COMPONENT: Final = frozenset({"template", "_meta", "version"})
_INNER: Final = frozenset({"settings", "mappings", "aliases"})


class Document:
    """A document as it came, and its version."""

    __slots__ = ("place", "source", "version")

    def __init__(self, source: bytes, version: int, place: int) -> None:
        self.source, self.version, self.place = source, version, place


class Index:
    """One index; `documents` by id, in the order of their last change."""

    def __init__(self, name: str, mapping: dict[str, Any], settings: Body, aliases: set[str]) -> None:
        self.name, self.mapping, self.settings, self.aliases = name, mapping, settings, aliases
        self.uuid = uuid.uuid4().hex[:22]
        self.documents: dict[str, Document] = {}
        self.changes = 0

    @property
    def properties(self) -> dict[str, Any]:
        """The mapping's fields."""
        found: dict[str, Any] = self.mapping["properties"]
        return found


class Catalog:
    """Indices and templates. Not safe for several threads: the stand-in takes one request at a time."""

    def __init__(self) -> None:
        self.indices: dict[str, Index] = {}
        self.templates: dict[str, Body] = {}
        self.components: dict[str, Body] = {}

    def put_component(self, name: str, body: Body) -> None:
        """Keep a component template."""
        _known(body, _COMPONENT, "a component template")
        _known(body.get("template") or {}, _INNER, "a template")
        checked((body.get("template") or {}).get("mappings") or {})
        self.components[name] = body

    def put_template(self, name: str, body: Body) -> None:
        """Keep an index template."""
        _known(body, _TEMPLATE, "an index template")
        _known(body.get("template") or {}, _INNER, "a template")
        missing = [each for each in body.get("composed_of") or () if each not in self.components]
        if missing:
            raise bad(
                f"index template [{name}] specifies component templates [{', '.join(missing)}] "
                "that do not exist",
                "invalid_index_template_exception",
            )
        checked((body.get("template") or {}).get("mappings") or {})
        self.templates[name] = body

    def create(self, name: str) -> Index:
        """Make an index from the templates whose pattern it matches.

        Raises:
            Refused: the name is none, or no template says how its documents are mapped.
        """
        _check_name(name)
        matching = [
            one
            for one in self.templates.values()
            if any(fnmatch.fnmatchcase(name, each) for each in one.get("index_patterns") or ())
        ]
        if not matching:
            raise unsupported(f"index {name}, which no index template matches: it maps nothing by itself")
        template = max(matching, key=lambda one: int(one.get("priority") or 0))
        parts = [self.components[each].get("template") or {} for each in template.get("composed_of") or ()]
        mapping: dict[str, Any] = {"properties": {}}
        settings: Body = {}
        aliases: set[str] = set()
        for part in [*parts, template.get("template") or {}]:
            more = checked(part.get("mappings") or {})
            mapping = {**mapping, **more, "properties": grown(mapping["properties"], more["properties"])}
            settings.update((part.get("settings") or {}).get("index") or {})
            aliases.update(part.get("aliases") or {})
        if "dynamic" not in mapping:
            raise unsupported(f"index {name}, whose mapping is not `dynamic: false`")
        self.indices[name] = Index(name, mapping, settings, aliases)
        return self.indices[name]

    def writable(self, name: str) -> Index:
        """The index that is written to under a name."""
        if name in self.indices:
            return self.indices[name]
        if any(name in index.aliases for index in self.indices.values()):
            raise unsupported(f"writing through the alias {name}")
        return self.create(name)

    def found(self, expression: str) -> list[Index]:
        """The indices that names, aliases and patterns mean.

        Raises:
            Refused: a plain name is neither an index nor an alias.
        """
        named: dict[str, Index] = {}
        for one in expression.split(","):
            if one in ("_all", "*"):
                named.update(self.indices)
                continue
            matching = {
                name: index
                for name, index in self.indices.items()
                if any(fnmatch.fnmatchcase(each, one) for each in (name, *index.aliases))
            }
            if not matching and "*" not in one:
                raise no_index(one)
            named.update(matching)
        return [named[name] for name in sorted(named)]

    def update_aliases(self, body: Body) -> None:
        """Add and remove aliases."""
        for action in body.get("actions") or ():
            (kind, what), *rest = action.items()
            if rest or kind not in ("add", "remove") or set(what) - {"index", "alias"}:
                raise unsupported(f"the alias action {action}")
            for index in self.found(what["index"]):
                (index.aliases.add if kind == "add" else index.aliases.discard)(what["alias"])


def _known(body: Mapping[str, Any], names: frozenset[str], what: str) -> None:
    unknown = set(body) - names
    if unknown:
        raise unsupported(f"{', '.join(sorted(unknown))} in {what}")


def _check_name(name: str) -> None:
    wrong = None
    if name != name.lower():
        wrong = "must be lowercase"
    elif FORBIDDEN & set(name):
        wrong = 'must not contain the following characters [ , ", *, \\, <, |, ,, >, /, ?]'
    elif not name or name[0] in "_-+":
        wrong = "must not start with '_', '-', or '+'"
    if wrong:
        raise Refused(
            400,
            "invalid_index_name_exception",
            f"Invalid index name [{name}], {wrong}",
            index=name,
            index_uuid="_na_",
        )
