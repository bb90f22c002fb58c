"""Write what a command printed as Markdown: what it came to first, the rest folded.

Run by GitHub's workflows with Python alone: `as_comment.py --title TITLE --status STATUS FILE`.
"""

import argparse
import re
import sys
from pathlib import Path

LONGEST = 55_000
"""Characters of output that are shown: GitHub takes comments of 65,536 (its API refuses longer bodies)."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_RESOURCES = re.compile(r"^Resources:\s*\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE)


def shortened(text: str) -> str:
    """Cut the middle out of a long output: Pulumi says at the end what it all comes to."""
    if len(text) <= LONGEST:
        return text
    head, tail = text[: LONGEST * 2 // 3], text[-LONGEST // 3 :]
    left_out = len(text) - len(head) - len(tail)
    return f"{head}\n[... {left_out:,} characters are left out here: the run has them ...]\n{tail}"


def fenced(text: str) -> str:
    """Put text between fences that nothing in it can close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def as_comment(title: str, status: int, output: str) -> str:
    """Say how it ended, what changes, and everything that was printed."""
    plain = _CONTROL.sub("", output)
    found = _RESOURCES.search(plain)
    changes = fenced(found[1]) if found else ""
    if status:
        said = f"**Failed with status {status}.** The output says why."
    else:
        said = "" if changes else "Done; the output has the details."
    opened = " open" if status else ""
    folded = (
        f"<details{opened}><summary>The whole output</summary>\n\n{fenced(shortened(plain))}\n\n</details>"
    )
    return "\n\n".join(part for part in (f"### {title}", said, changes, folded) if part) + "\n"


def main() -> None:
    """Read the arguments and the file, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--title", required=True)
    parser.add_argument("--status", type=int, required=True)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    output = given.file.read_text(encoding="utf-8", errors="replace")
    sys.stdout.write(as_comment(given.title, given.status, output))


if __name__ == "__main__":
    main()
