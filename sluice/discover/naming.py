"""Names in Python for what has a name in JSON."""

import builtins
import keyword
import re
from collections.abc import Collection

from sluice.contract.names import MAX_TYPE_NAME, check_type, wire_name
from sluice.errors import ContractError

LONGEST_CLASS = 60


def attribute(name: str) -> str:
    """Return the attribute of a field: with an underscore where Python reserves the word."""
    return f"{name}_" if keyword.iskeyword(name) and wire_name(f"{name}_") == name else name


def type_name(name: str, taken: Collection[str]) -> str:
    """Return a type's name as it is, or one that is usable and not `taken`."""
    try:
        check_type(name, "")
    except ContractError:
        plain = re.sub(r"[^A-Za-z0-9_.\-/:]+", "_", name).strip("_")[: MAX_TYPE_NAME - 10]
        return _free(plain if plain[:1].isalpha() else f"event_{plain}".rstrip("_"), taken, "_")
    return name


def table_name(tag: str, taken: Collection[str]) -> str:
    """Return a type's table: its name, unless that has characters that no table has, or is `taken`.

    `taken` are lower-case: tables that differ in case only are one.
    """
    name, number = re.sub(r"[^A-Za-z0-9_]", "_", tag), 1
    found = name
    while found.lower() in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def class_name(name: str, taken: Collection[str]) -> str:
    """Return a class's name: `web_request` is WebRequest."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    camel = "".join(word[:1].upper() + word[1:] for word in words)[:LONGEST_CLASS]
    camel = camel if camel[:1].isalpha() else f"Event{camel}"
    return _free(camel, {*taken, *dir(builtins), *keyword.kwlist}, "")


def one_of(name: str) -> str:
    """Return what one item of a list is called: an item of `items`, of `categories` a category."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def _free(name: str, taken: Collection[str], joint: str) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}{joint}{number}"
    return found
