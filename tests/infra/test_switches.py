"""No switch of the settings is left out of what is tested all on and all off."""

from collections.abc import Iterator
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel

from infra.settings import Settings
from infra.settings_errors import section_of, sections_by_name
from tests.infra.switches import all_off, all_on

ELSEWHERE: Final = {
    "log_level": "a text in a function's variables: test_every_aws_resource.py",
    "starting_position": "one input of a mapping: test_structure.py",
    "period": "how indices are cut, by documents that the setup is handed: tests of the search setup",
    "rotation": "one input of a Firehose: test_firehoses.py",
    "destination": "each is among the Firehoses that are on",
    "steps": "one input of a deployment group: test_rollout.py",
    "package_dependencies": "off in all tests but those of packages, which build them",
}
"""Switches that neither declare nor leave out a resource, and where they are tested."""


def switches(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each switch: what is true or false, or one of a few words; `*` is any name."""
    for name, field in model.model_fields.items():
        below = section_of(field.annotation)
        by_name = sections_by_name(field.annotation)
        if below is not None:
            yield from switches(below, (*path, name))
        elif by_name is not None:
            yield from switches(by_name, (*path, name, "*"))
        elif name not in ELSEWHERE and (field.annotation is bool or get_origin(field.annotation) is Literal):
            yield (*path, name)


def given(settings: Any, path: tuple[str, ...]) -> set[Any]:
    """Return what settings say at a path; under `*`, all that any of the names says."""
    if not path:
        return {settings}
    if not isinstance(settings, dict):
        return set()
    if path[0] == "*":
        return {found for each in settings.values() for found in given(each, path[1:])}
    return given(settings[path[0]], path[1:]) if path[0] in settings else set()


def default(path: tuple[str, ...]) -> set[Any]:
    """Return what holds at a path if nothing is said."""
    owner: type[BaseModel] = Settings
    for name in path[:-1]:
        if name != "*":
            annotation = owner.model_fields[name].annotation
            owner = section_of(annotation) or sections_by_name(annotation) or owner
    return {owner.model_fields[path[-1]].get_default()}


def test_each_switch_is_in_both_positions() -> None:
    found = list(switches(Settings))
    assert len(found) > 20
    for path in found:
        on, off = (given(settings("prod"), path) or default(path) for settings in (all_on, all_off))
        assert on | off != on & off, f"{'.'.join(path)} is the same in all_on and all_off of switches.py"


def test_what_is_a_switch_is_found_in_every_shape() -> None:
    found = set(switches(Settings))
    assert {("protect",), ("lake", "enabled"), ("routes", "*", "consumer"), ("federation", "mode")} <= found
    assert get_args(Settings.model_fields["report"].annotation) == ()
