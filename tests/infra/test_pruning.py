"""What no function needs is not shipped, by rules that an import switches off."""

import pytest

from infra.pruning import RULES, is_installers, pruned

NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    "file",
    [
        "msgspec/__init__.pyi",
        "urllib3/py.typed",
        "numpy/_core/include/numpy/arrayobject.h",
        "numpy/_core/lib/libnpymath.a",
        "numpy/lib/tests/test_io.py",
        "numpy/random/_mt19937.so",
        "aws_lambda_powertools/event_handler/api_gateway.py",
        "aws_lambda_powertools/utilities/parser/models/sqs.py",
    ],
)
def test_what_nobody_imports_is_not_shipped(file: str) -> None:
    assert pruned([file], NOBODY) == []


@pytest.mark.parametrize(
    "file",
    [
        "msgspec/_core.so",
        "numpy/_core/numeric.py",
        "numpy.libs/libopenblas.so",
        "aws_lambda_powertools/logging/logger.py",
        "aws_lambda_powertools/utilities/jmespath_utils/__init__.py",
        "aws_lambda_powertools-3.37.0.dist-info/METADATA",
        "certifi/cacert.pem",
    ],
)
def test_what_is_needed_is_shipped(file: str) -> None:
    assert pruned([file], NOBODY) == [file]


@pytest.mark.parametrize(
    "imported",
    ["aws_lambda_powertools.utilities.batch", "aws_lambda_powertools.event_handler.APIGatewayRestResolver"],
)
def test_a_function_that_imports_a_part_gets_all_that_the_part_may_need(imported: str) -> None:
    files = [
        "aws_lambda_powertools/event_handler/api_gateway.py",
        "aws_lambda_powertools/utilities/batch/base.py",
        "aws_lambda_powertools/utilities/data_classes/common.py",
    ]
    assert pruned(files, frozenset({imported})) == files


def test_a_name_that_only_begins_alike_is_no_import_of_it() -> None:
    assert pruned(["numpy/random/mtrand.so"], frozenset({"numpy.random_things"})) == []


def test_each_rule_says_why() -> None:
    assert all(rule.because for rule in RULES)


@pytest.mark.parametrize(
    ("file", "is_of_the_installation"),
    [
        ("bin/uvicorn", True),
        (".lock", True),
        ("six-1.17.0.dist-info/RECORD", True),
        ("six-1.17.0.dist-info/direct_url.json", True),
        ("sluice/__pycache__/errors.cpython-313.pyc", True),
        ("six-1.17.0.dist-info/METADATA", False),
        ("sluice/records/RECORD", False),
        ("binary/data.py", False),
    ],
)
def test_what_tells_of_the_machine_is_told_apart(file: str, *, is_of_the_installation: bool) -> None:
    assert is_installers(file) is is_of_the_installation
