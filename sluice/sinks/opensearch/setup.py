"""Brings OpenSearch to the wanted state; whatever is there already is left, or changed in place.

Everything may be sent again, in any order of deployments. What a cluster lacks (no state management, no
security plug-in, no Dashboards) is skipped and said. What cannot be changed in place, a field's type in an
index that exists, is named after all else is done.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypedDict

from sluice.errors import EnvironmentProblem
from sluice.sinks.opensearch.asking import Ask, Reply
from sluice.sinks.opensearch.security import Security
from sluice.sinks.opensearch.templates import Retention, State, Template

IMPORT: Final = "/_dashboards/api/saved_objects/_import?overwrite=true"
BOUNDARY: Final = "sluice-saved-objects"
MOST_NAMED: Final = 5
"""Conflicts in the one line; the others are counted."""

SERVERLESS: Final = "a serverless collection has none"


class Report(TypedDict):
    """What was done, and what was left out for a reason."""

    applied: list[str]
    skipped: list[str]


def apply(ask: Ask, state: State, *, serverless: bool = False) -> Report:
    """Apply the wanted state.

    Raises:
        EnvironmentProblem: OpenSearch does not answer, refuses something, or holds an index whose fields
            conflict with the contract's.
    """
    report: Report = {"applied": [], "skipped": []}
    _templates(ask, state, report)
    there = _existing(ask, state["templates"])
    conflicts = list(_conflicts(ask, state["templates"], there, report))
    _aliases(ask, state["templates"], there, report)
    _retention(ask, state["retention"], there, report, serverless=serverless)
    _security(ask, state["security"], report)
    _dashboards(ask, state["dashboards"], report, serverless=serverless)
    if conflicts:
        more = f" and {len(conflicts) - MOST_NAMED} more" if len(conflicts) > MOST_NAMED else ""
        raise EnvironmentProblem(
            f"{'; '.join(conflicts[:MOST_NAMED])}{more}: a mapped field cannot be changed; reindex each index"
            " (docs/search-domain.md says how) or delete it, and deploy again"
        )
    return report


def _templates(ask: Ask, state: State, report: Report) -> None:
    component = state["component"]
    if component is not None:
        _done(ask("PUT", f"/_component_template/{component['name']}", component["body"]), component["name"])
        report["applied"].append(f"component template {component['name']}")
    for template in state["templates"]:
        _done(ask("PUT", f"/_index_template/{template['name']}", template["body"]), template["name"])
        report["applied"].append(f"index template {template['name']}")


def _existing(ask: Ask, templates: Sequence[Template]) -> dict[str, dict[str, Any]]:
    """Mappings of the indices that exist, by name."""
    found: dict[str, dict[str, Any]] = {}
    for template in templates:
        reply = ask("GET", f"/{template['pattern']}/_mapping")
        if reply.status != 404:  # noqa: PLR2004 HTTP's status: no such index yet
            _done(reply, f"the mappings of {template['pattern']}")
            found |= {name: each["mappings"] for name, each in reply.body.items()}
    return found


def _of(template: Template, there: Mapping[str, Any]) -> list[str]:
    """Name a type's indices."""
    return sorted(name for name in there if name.startswith(template["pattern"].removesuffix("*")))


def _conflicts(
    ask: Ask, templates: Sequence[Template], there: Mapping[str, dict[str, Any]], report: Report
) -> Iterator[str]:
    """Bring the indices that exist up to their template; yield what stands in the way."""
    for template in templates:
        wanted = template["body"]["template"]["mappings"]
        settings = template["body"]["template"]["settings"]["index"]
        for name in _of(template, there):
            if there[name].get("_meta", {}).get("hash") == wanted["_meta"]["hash"]:
                continue
            differing = list(_differing(there[name].get("properties", {}), wanted["properties"]))
            if differing:
                yield from (f"{name}: {each}" for each in differing)
                continue
            if settings:
                _done(ask("PUT", f"/{name}/_settings", {"index": settings}), f"the settings of {name}")
            reply = ask("PUT", f"/{name}/_mapping", wanted)
            if reply.status == 400:  # noqa: PLR2004 HTTP's status: it does not fit what is mapped
                yield f"{name}: {reply.reason}"
                continue
            _done(reply, f"the mapping of {name}")
            report["applied"].append(f"mapping of {name}")


def _differing(has: Mapping[str, Any], wants: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield fields that are mapped as something else."""
    for name, field in wants.items():
        there = has.get(name)
        if there is None:
            continue
        # OpenSearch leaves the type out where it is `object`.
        kinds = [each.get("type", "object") for each in (there, field)]
        if kinds[0] != kinds[1]:
            yield f"{above}{name} is {kinds[0]}, the contract wants {kinds[1]}"
        for part in ("properties", "fields"):
            yield from _differing(there.get(part, {}), field.get(part, {}), f"{above}{name}.")


def _aliases(ask: Ask, templates: Sequence[Template], there: Mapping[str, Any], report: Report) -> None:
    """Give indices that are older than their template the names under which they are read."""
    for template in templates:
        if not _of(template, there):
            continue
        reply = ask("GET", f"/{template['pattern']}/_alias")
        _done(reply, f"the aliases of {template['pattern']}")
        missing = [
            {"add": {"index": index, "alias": alias}}
            for index in _of(template, there)
            for alias in template["body"]["template"]["aliases"]
            if alias not in reply.body.get(index, {}).get("aliases", {})
        ]
        if missing:
            _done(ask("POST", "/_aliases", {"actions": missing}), f"the aliases of {template['pattern']}")
            report["applied"].append(f"aliases of {template['pattern']}")


def _retention(
    ask: Ask, wanted: Retention, there: Mapping[str, Any], report: Report, *, serverless: bool
) -> None:
    """Create, change or take away the policy that deletes old indices."""
    body, path = wanted["body"], f"/_plugins/_ism/policies/{wanted['name']}"
    found = None if serverless else ask("GET", path)
    if found is None or found.absent:
        if body is not None:
            why = SERVERLESS if serverless else "no Index State Management here"
            report["skipped"].append(f"retention: {why}, indices are kept until you delete them")
        return
    if found.status != 404:  # noqa: PLR2004 HTTP's status: no such policy yet
        _done(found, wanted["name"])
    if body is not None:
        _keep_policy(ask, wanted, found, there, report)
    elif found.ok:
        _done(ask("POST", f"/_plugins/_ism/remove/{','.join(wanted['patterns'])}"), wanted["name"])
        _done(ask("DELETE", path), wanted["name"])
        report["applied"].append("retention: none any more")


def _keep_policy(ask: Ask, wanted: Retention, found: Reply, there: Mapping[str, Any], report: Report) -> None:
    """Write the policy unless it is the same, and hand it the indices that exist.

    A managed index keeps the policy as it was when it was attached, until it is told to change. That is told
    every time: the setup that wrote the policy may have ended before it came to that.
    """
    name, body, patterns = wanted["name"], wanted["body"] or {}, ",".join(wanted["patterns"])
    path = f"/_plugins/_ism/policies/{name}"
    if not _same(found, body):
        read = (
            f"?if_seq_no={found.body['_seq_no']}&if_primary_term={found.body['_primary_term']}"
            if found.ok
            else ""
        )
        reply = ask("PUT", path + read, body)
        if reply.status != 409 or not _same(ask("GET", path), body):  # noqa: PLR2004 HTTP's status: changed since
            _done(reply, name)
        report["applied"].append(f"retention policy {name}")
    if there:
        _done(ask("POST", f"/_plugins/_ism/add/{patterns}", {"policy_id": name}), name)
        if found.ok:
            _done(ask("POST", f"/_plugins/_ism/change_policy/{patterns}", {"policy_id": name}), name)


def _same(found: Reply, wanted: Mapping[str, Any]) -> bool:
    """Whether the policy is there, by its mark; an answer that was lost may have written it."""
    return found.ok and found.body["policy"].get("description") == wanted["policy"]["description"]


def _security(ask: Ask, wanted: Security | None, report: Report) -> None:
    if wanted is None:
        return
    for part, documents in (("roles", wanted["roles"]), ("rolesmapping", wanted["mappings"])):
        for name, body in documents.items():
            reply = ask("PUT", f"/_plugins/_security/api/{part}/{name}", body)
            if reply.absent:
                report["skipped"].append("roles: no security plug-in here, whoever is let in may do all")
                return
            _done(reply, f"{part} {name}")
            if part == "roles":
                report["applied"].append(f"role {name}")


def _dashboards(ask: Ask, wanted: str | None, report: Report, *, serverless: bool) -> None:
    """Import index patterns, pictures and the dashboard; a deployment does not fail for want of them."""
    if wanted is None:
        return
    by_hand = "import what `sluice search --dashboards` prints, by hand"
    if serverless:
        report["skipped"].append(f"dashboards: not for a serverless collection; {by_hand}")
        return
    headers = {
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
        "osd-xsrf": "true",
        "securitytenant": "global",
    }
    try:
        reply = ask("POST", IMPORT, _multipart(wanted), headers)
    except EnvironmentProblem as error:
        report["skipped"].append(f"dashboards: {error}; {by_hand}")
        return
    if reply.ok and isinstance(reply.body, dict) and reply.body.get("success"):
        report["applied"].append("dashboard")
        return
    why = "no Dashboards here" if reply.absent or not isinstance(reply.body, dict) else reply.reason
    report["skipped"].append(f"dashboards: {why}; {by_hand}")


def _multipart(lines: str) -> bytes:
    """Write a form with one file, as the import takes it (RFC 7578)."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="sluice.ndjson"\r\n'
    return f"{head}Content-Type: application/ndjson\r\n\r\n{lines}\r\n--{BOUNDARY}--\r\n".encode()


def _done(reply: Reply, what: str) -> None:
    """Stop at what was refused."""
    if not reply.ok:
        who = "; map the setup's role to all_access" if reply.status == 403 else ""  # noqa: PLR2004 HTTP's: not allowed
        raise EnvironmentProblem(
            f"OpenSearch refused {what}: {reply.reason}{who}; correct it and deploy again"
        )
