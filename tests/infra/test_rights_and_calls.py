"""What a function's role allows is what the code calls that it ships: no right is missing, and none idle."""

import ast
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore import xform_name

from infra.closure import closure
from tests.infra.conftest import ROOT, by_name

if TYPE_CHECKING:
    from sluice.local.program import Program
    from tests.infra.conftest import Run

OTHERWISE = {
    "dynamodb:BatchExecuteStatement": ["dynamodb:PartiQLInsert"],
    "dynamodb:TransactWriteItems": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
}
"""Calls that IAM knows by other names."""

LAMBDAS_OWN = {"ListStreams", "ReadTheWindowsStream"}
"""Statements for what Lambda itself reads with a function's role."""

ROOMS = {
    "aggregator": ("windows",),
    "window_publisher": ("windows", "publisher"),
    "report": ("windows", "report"),
}
"""By function, the rooms of the library whose calls are looked at."""

SHIPPED_FOR_OTHERS = {"report": {"dynamodb:UpdateItem"}}
"""A room serves several functions: what is in there and this one does not call."""


@cache
def operations() -> dict[str, str]:
    """boto3's methods for DynamoDB, and the actions that they need."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    return {xform_name(name): f"dynamodb:{name}" for name in model.operation_names}


def called(function: str) -> set[str]:
    """Actions on DynamoDB that the code of a function's rooms asks for."""
    found: set[str] = set()
    entry = ROOT / "functions" / function / "handler.py"
    for file in closure([entry], ROOT, frozenset({"pipeline"})).files:
        if file.relative_to(ROOT / "sluice").parts[0] in ROOMS[function]:
            found |= {operations()[name] for name in names(file) if name in operations()}
    return {each for action in found for each in OTHERWISE.get(action, [action])}


def names(file: Path) -> set[str]:
    """Attributes in a file, and what paginators are asked for."""
    tree = ast.parse(file.read_text())
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    paged = {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get_paginator"
        and isinstance(node.args[0], ast.Constant)
    }
    return attributes | paged


def granted(program: "Program", name: str) -> set[str]:
    statements = json.loads(by_name(program)[f"{name}-policy"].inputs["policy"])["Statement"]
    return {
        action
        for statement in statements
        if statement["Sid"] not in LAMBDAS_OWN
        for action in statement["Action"]
        if action.startswith("dynamodb:")
    }


@pytest.fixture(scope="module")
def program(run: "Run") -> "Program":
    return run("dev", report={"auth": "iam"})


@pytest.mark.parametrize("function", ROOMS)
def test_a_role_allows_the_calls_of_the_code_and_no_others(function: str, program: "Program") -> None:
    calls = called(function) - SHIPPED_FOR_OTHERS.get(function, set())
    assert granted(program, function.replace("_", "-")) == calls
