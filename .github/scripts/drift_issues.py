"""Keep one open issue for each environment that is no longer what the program says, and close it when it is.

Reads DRIFT/drift-ENVIRONMENT.status, the exit status of `pulumi preview --expect-no-changes`, and
drift-ENVIRONMENT.txt, what it printed.
"""

import os
import sys
from pathlib import Path
from typing import Any

from as_comment import as_comment
from github_api import BOT, call, every

CHANGES = 7
"""The status with which Pulumi says that there are changes (its docs, CLI exit codes, read 2026-11)."""


def main() -> None:
    """Go through what was looked at; end with 1 if an environment could not be."""
    issues = every(
        f"repos/{os.environ['REPOSITORY']}/issues?state=open&per_page=100",
        "{number, title, login: .user.login}",
    )
    unseen = []
    for printed in sorted(Path(os.environ["DRIFT"]).glob("drift-*.txt")):
        environment = printed.stem.removeprefix("drift-")
        title = f"Drift in {environment}"
        known = [each["number"] for each in issues if (each["title"], each["login"]) == (title, BOT)]
        status_file = printed.with_suffix(".status")
        status = int(status_file.read_text()) if status_file.is_file() else -1
        if status == CHANGES:
            tell(title, known, printed.read_text(encoding="utf-8", errors="replace"))
        elif status == 0:
            close(known)
        else:
            unseen.append(environment)
        seen = {0: "as deployed", CHANGES: "drifted"}.get(status, "not seen")
        print(f"{environment}: {seen}")
    if unseen:
        sys.exit(f"::error::{', '.join(unseen)} could not be compared: the jobs before this one say why")


def tell(title: str, known: list[int], output: str) -> None:
    """Open an issue, or write what drifted into the one that is open."""
    body = {
        "body": (
            "Something was changed outside the program. Find out who needed it, and either put it into the"
            " program or take it back with `pulumi up --refresh`: docs/pull-requests.md, Drift.\n\n"
            + as_comment("What would change", 0, output)
            + f"\nSeen in [this run]({os.environ['RUN_URL']}).\n"
        )
    }
    if known:
        edit(known[0], body)
    else:
        call(
            f"repos/{os.environ['REPOSITORY']}/issues",
            method="POST",
            body={"title": title, "labels": ["drift"], **body},
        )


def close(known: list[int]) -> None:
    """Close the issues of an environment that is as deployed again."""
    for number in known:
        edit(number, {"state": "closed", "state_reason": "completed"})


def edit(number: int, body: dict[str, Any]) -> None:
    """Change an issue."""
    call(f"repos/{os.environ['REPOSITORY']}/issues/{number}", method="PATCH", body=body)


if __name__ == "__main__":
    main()
