"""A rename in the code is none in the clouds: what a resource was called, it says."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.renames import RENAMES
from sluice.local.program import run_program
from tests.infra.urns import everything, forgotten, identity, listed

if TYPE_CHECKING:
    from sluice.local.declared import Declared

BOX = """
import pulumi, pulumi_aws as aws
from infra.renames import know_by_former_names
know_by_former_names({renames})

class Box(pulumi.ComponentResource):
    def __init__(self, name, around=None):
        super().__init__("my:box:{kind}", name, None, pulumi.ResourceOptions(parent=around))
        aws.sqs.Queue(f"{{name}}-queue", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({{}})

Box("{name}-inner", Box("{name}"))
"""


@pytest.fixture(scope="module")
def all_resources() -> "list[Declared]":
    return list(everything())


def test_nothing_disappears_unless_something_says_that_it_was_it(all_resources: "list[Declared]") -> None:
    gone = forgotten(all_resources, listed())
    assert not gone, (
        f"Pulumi would delete {', '.join(gone)}, with what it holds: if it was renamed or moved, name that"
        " line in infra/renames.py under the new name; if it is to go, run `python -m tests.infra.urns`"
    )


def test_the_list_is_of_all_that_can_be_declared(all_resources: "list[Declared]") -> None:
    new = {identity(each.urn) for each in all_resources} - set(listed())
    assert not new, f"{', '.join(sorted(new))}: new; run `python -m tests.infra.urns`, and commit the list"


def test_a_rename_names_what_is_there_and_what_is_there_no_longer(all_resources: "list[Declared]") -> None:
    names = {each.name for each in all_resources}
    urns = {identity(each.urn) for each in all_resources}
    former = [urn for each in RENAMES.values() for urn in each]
    assert names >= RENAMES.keys(), "an entry for nothing"
    assert not urns & set(former), "another resource is called so now: Pulumi would take it for the renamed"
    assert len(former) == len(set(former)), "one resource cannot have become two"


def test_a_name_that_disappears_is_noticed_and_one_that_was_changed_is_not(tmp_path: Path) -> None:
    """A box with a queue and a box within: renamed, or of another type, with and without a word of it."""
    before = run(tmp_path, name="old")
    urns = [identity(each.urn) for each in before]
    assert urns == [
        "my:box:Box::old",
        "my:box:Box$aws:sqs/queue:Queue::old-queue",
        "my:box:Box$my:box:Box::old-inner",
        "my:box:Box$my:box:Box$aws:sqs/queue:Queue::old-inner-queue",
    ]
    assert forgotten(run(tmp_path, name="new"), urns) == sorted(urns)
    said = {"new": (urns[0],)}
    assert forgotten(run(tmp_path, name="new", renames=said), urns) == [], "what lies in a box follows it"
    said = {"old": (urns[0],), "old-inner": (urns[2],)}
    assert forgotten(run(tmp_path, name="old", kind="Crate", renames=said), urns) == []


def run(
    root: Path, *, name: str, kind: str = "Box", renames: Mapping[str, tuple[str, ...]] | None = None
) -> "list[Declared]":
    (root / "Pulumi.yaml").write_text("name: small\n")
    (root / "Pulumi.dev.yaml").write_text("")
    (root / "__main__.py").write_text(BOX.format(name=name, kind=kind, renames=dict(renames or {})))
    return [each for each in run_program(root, "dev").resources if each.type != "pulumi:providers:aws"]
