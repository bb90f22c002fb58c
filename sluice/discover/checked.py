"""Whether the contract that was inferred accepts what it was inferred from."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sluice.contract import Contract, ContractViolation
from sluice.discover.gathered import Reasons
from sluice.discover.model import Inferred
from sluice.discover.reading import read_object
from sluice.discover.tags import Tag
from sluice.pipeline import load_pipeline


@dataclass(slots=True)
class Checked:
    """How many records the contract takes, and why it takes no others."""

    records: int = 0
    accepted: int = 0
    """As they are."""
    once_mended: int = 0
    """Those too that are accepted once producers send the fields that they lack."""
    refused: Reasons = field(default_factory=Reasons)


def check(module: str, inferred: Inferred, tag: Tag, lines: Iterable[bytes]) -> Checked:
    """Load the module as a deploy would, and show it every line.

    Raises:
        ContractError: it cannot be loaded, which would be a mistake of ours.
    """
    with tempfile.TemporaryDirectory(prefix="sluice-discover-") as folder:
        file = Path(folder) / "pipeline.py"
        file.write_text(module, encoding="utf-8")
        contract = load_pipeline(file).contract
    lacking = {event.origin: dict(event.missing) for event in inferred.events if event.missing}
    checked = Checked()
    for line in lines:
        checked.records += 1
        try:
            contract.decode(line)
        except ContractViolation as violation:
            reason = _refused(contract, line, violation.reason, lacking, tag)
            if reason is None:
                checked.once_mended += 1
            else:
                checked.refused.add(reason, checked.records)
        else:
            checked.accepted += 1
    return checked


def _refused(
    contract: Contract, line: bytes, reason: str, lacking: dict[str, dict[str, str]], tag: Tag
) -> str | None:
    """Why the line is no event even with the fields that its type lacks; None when then it is one.

    What no contract would take comes before what this one says.
    """
    try:
        document = read_object(line)
        fields = lacking.get(tag.of(document) or "", {})
        added = [f'"{key}":{value}' for key, value in fields.items() if key not in document]
        if not added:
            return reason
        contract.decode(b"{" + ",".join(added).encode() + b"," * bool(document) + line.strip()[1:])
    except ContractViolation as violation:
        return violation.reason
    return None
