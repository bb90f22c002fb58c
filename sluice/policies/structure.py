"""How the program is built: everything in its box, in the right account, with whole documents."""

import json
from collections.abc import Iterator
from typing import Final

from sluice.policies.resource import UNKNOWN, Resources
from sluice.policies.rule import Finding, Rule

_UNKNOWN_TO_PULUMI: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi's engine writes for a text that is not known yet (pulumi_policy.proxy)."""
_PRINTED_OUTPUT: Final = (
    "Calling __str__ on an Output",
    "<pulumi.output.Output object",
    "Calling [toString]",
)
_NAMED_WITH_PROJECT: Final = frozenset(
    {"gcp:billing/budget:Budget", "gcp:serviceaccount/iAMMember:IAMMember"}
)
"""What takes no project: a budget is its billing account's, and grants on something whose name begins with
projects/PROJECT."""
_STACK: Final = "pulumi:pulumi:Stack"


def _everything_has_a_box(resources: Resources) -> Iterator[Finding]:
    for each in resources.created:
        parent = resources.by_urn.get(each.parent or "")
        if parent is None or not parent.component:
            yield each, "lies outside every component: declare it in one, with parent=self"
        elif not each.name.startswith(f"{parent.name}-"):
            yield each, f"lies in {parent.name} and is not named after it: call it {parent.name}-..."
    for each in resources.all:
        around = resources.by_urn.get(each.parent or "")
        if each.component and around is not None and around.type != _STACK and not around.component:
            yield each, f"is a component within {around.name}, which is none: pass a component as parent"


def _accounts_are_pinned(resources: Resources) -> Iterator[Finding]:
    for each in resources.all:
        if each.type == "pulumi:providers:aws" and each.at("allowedAccountIds") in (None, "", "[]", []):
            yield each, "works in whatever account the shell is in: set allowed_account_ids"
        if each.type == "pulumi:providers:gcp" and each.lacks("project"):
            yield each, "works in whatever project the shell is in: set project"
    for each in resources.created:
        if each.cloud == "gcp" and each.lacks("project") and each.type not in _NAMED_WITH_PROJECT:
            yield each, "lies in whatever project the shell is in: set project"


def _documents_are_whole(resources: Resources) -> Iterator[Finding]:
    for each in resources.all:
        for path, text in each.texts():
            if text == UNKNOWN:
                continue
            if (
                UNKNOWN in text
                or _UNKNOWN_TO_PULUMI in text
                or any(words in text for words in _PRINTED_OUTPUT)
            ):
                yield (
                    each,
                    f"{path} holds what is not known yet as text: build it with Output.json_dumps or concat",
                )
            elif (
                text.lstrip()[:1] in {"{", "["}
                and not _is_json(text)
                and path.endswith(("olicy", "olicies", "ocument"))
            ):
                yield each, f"{path} is no JSON: build it with Output.json_dumps"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


RULES: Final = (
    Rule(
        id="structure-boxes",
        demands="Every resource lies in a component, and is named after it",
        reason="the program reads like the drawing, and a box can be found and moved as one",
        check=_everything_has_a_box,
    ),
    Rule(
        id="structure-accounts",
        demands="Providers and resources are pinned to the environment's account and project",
        reason="whoever deploys has credentials for other accounts too",
        check=_accounts_are_pinned,
    ),
    Rule(
        id="structure-whole-documents",
        demands="A document with a part that is not known yet is not known as a whole",
        reason="a policy with a placeholder in it is refused at best",
        check=_documents_are_whole,
    ),
)
