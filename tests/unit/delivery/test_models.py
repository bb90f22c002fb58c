"""What botocore knows of a service, read otherwise: the same, whatever botocore there is."""

import gzip
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import JSONFileLoader

from sluice.delivery.clients import SERVICES
from sluice.delivery.models import Files, Models


def afresh(_: JSONFileLoader, path: str) -> Any:
    """Read a description from its file: what tests share of them, moto may have added to."""
    packed = Path(f"{path}.json.gz")
    plain = Path(f"{path}.json")
    if packed.is_file():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return json.loads(plain.read_bytes()) if plain.is_file() else None


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_a_service_is_described_as_botocore_describes_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JSONFileLoader, "load_file", afresh)
    own = botocore.session.get_session().get_component("data_loader")
    assert json.dumps(Models(SERVICES).load_service_model("sqs", kind)) == json.dumps(
        own.load_service_model("sqs", kind)
    )


def test_descriptions_in_a_format_to_come_are_left_to_botocore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "service-2.new").touch()
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _, path: f"read {Path(path).name}")
    assert Files().load_file(str(tmp_path / "service-2")) == "read service-2"


def test_a_folder_of_ones_own_comes_first(tmp_path: Path) -> None:
    there = tmp_path / "sqs" / "2012-11-05"
    there.mkdir(parents=True)
    (there / "service-2.json").write_text('{"metadata": {"serviceId": "own"}}')
    found = Models(SERVICES, str(tmp_path)).load_service_model("sqs", "service-2")
    assert found["metadata"]["serviceId"] == "own"
