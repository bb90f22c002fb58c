"""A record's content, shown because someone asked for it."""

import base64
import json
from typing import TYPE_CHECKING, Any

from sluice.cli.output import printable

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_BYTES = 64 * 1024


def payload_document(content: bytes) -> dict[str, Any]:
    """Return the content for --json: in base64, and as text when it is text."""
    try:
        text: str | None = content.decode()
    except UnicodeDecodeError:
        text = None
    return {"payload": base64.b64encode(content).decode("ascii"), "payload_text": text}


def print_payload(out: "Console", content: bytes) -> None:
    """Print the content: JSON laid out, other text on its lines, bytes that are no text spelled out."""
    out.print()
    if not content:
        out.print("(empty)", style="dim")
        return
    shown = content[:SHOWN_BYTES]
    try:
        text = json.dumps(json.loads(content), ensure_ascii=False, indent=2) if shown is content else ""
    except (ValueError, RecursionError):
        text = ""
    if not text:
        text = shown.decode(errors="backslashreplace")
    for line in text.split("\n"):
        out.print(printable(line.replace("\t", "    ")), soft_wrap=True)
    if len(content) > len(shown):
        out.print(f"... {len(content) - len(shown):,} bytes more; --json gives all of them", style="dim")
