"""Which functions ship other code or dependencies."""

from pathlib import Path

from sluice.changes.document import Document
from sluice.changes.packages import PackageChange, package_changes, provider_changes
from tests.unit.changes.made import FUNCTION, document, planned


def tree(root: Path, digest: str, files: dict[str, str], lock: str) -> Document:
    """A checkout with one built package and the lock file that its function's folder has."""
    package = root / ".sluice" / "packages" / "router" / digest
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    folder = root / "functions" / "router"
    folder.mkdir(parents=True)
    (folder / "requirements.lock").write_text(lock)
    return document(planned(FUNCTION, "f", inputs={"code": {"archive": str(package)}}))


def test_files_and_pinned_versions_that_differ_are_named(tmp_path: Path) -> None:
    before = tree(
        tmp_path / "a",
        "1",
        {"handler.py": "1", "x/old.py": "", "same.py": ""},
        "urllib3==2.5.0 --hash=1\nolder==1\n",
    )
    after = tree(
        tmp_path / "b", "2", {"handler.py": "2", "x/new.py": "", "same.py": ""}, "urllib3==2.6.0 --hash=2\n"
    )
    assert package_changes(before, after, tmp_path / "a", tmp_path / "b") == [
        PackageChange(
            folder="router",
            files=("handler.py", "+ x/new.py", "- x/old.py"),
            dependencies=("older 1 -> none", "urllib3 2.5.0 -> 2.6.0"),
        )
    ]


def test_a_package_of_the_same_contents_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    before, after = (tree(tmp_path / name, "1", {"handler.py": "1"}, "a==1") for name in "ab")
    assert package_changes(before, after, tmp_path / "a", tmp_path / "b") == []


def test_a_package_that_was_not_built_here_differs_as_a_whole(tmp_path: Path) -> None:
    after = tree(tmp_path / "b", "2", {"handler.py": "1"}, "")
    before = document(planned(FUNCTION, "f", inputs={"code": {"archive": "/nowhere/router/1"}}))
    (found,) = package_changes(before, after, None, tmp_path / "b")
    assert found.files == ("the package as a whole",)


def test_another_provider_is_named_for_it_may_replace_by_other_inputs(tmp_path: Path) -> None:
    was, root = tmp_path / "a", tmp_path / "b"
    for tree_, version in ((was, "7.51.1"), (root, "8.0.0")):
        tree_.mkdir()
        (tree_ / "requirements.lock").write_text(
            f"pulumi-aws=={version} \\\n    --hash=x\npulumi==3.272.0\nrich=={version}\n"
        )
    assert provider_changes(was, root) == ("pulumi-aws 7.51.1 -> 8.0.0",)
    assert provider_changes(was, was) == ()
