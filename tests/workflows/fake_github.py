"""`gh api` over a repository in a file: pull requests, comments and issues, as far as the scripts ask.

Refuses with gh's status 1 what GitHub would refuse: bodies that are too long, and whatever is not there.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

BOT = "github-actions[bot]"
LONGEST = 65_536


def main() -> None:
    store = Path(os.environ["FAKE_GITHUB"])
    given = sys.argv[1:]
    method, path = (
        given[given.index("--method") + 1],
        next(each for each in given if each.startswith("repos/")),
    )
    body = json.load(sys.stdin) if "--input" in given else {}
    state = json.loads(store.read_text())
    answer = answered(state, method, path.partition("?")[0].split("/")[3:], body)
    state["calls"].append([method, path])
    store.write_text(json.dumps(state))
    if "--jq" in given:
        expression = given[given.index("--jq") + 1]
        done = subprocess.run(
            ["jq", "--raw-output", expression],  # noqa: S607 whichever is there
            input=json.dumps(answer),
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        sys.stdout.write(done.stdout)
    else:
        json.dump(answer, sys.stdout)


def answered(state: dict[str, Any], method: str, path: list[str], body: dict[str, Any]) -> Any:  # noqa: PLR0911 one line per call
    if len(body.get("body", "")) > LONGEST:
        sys.exit("gh: Validation Failed (HTTP 422) body is too long")
    match method, path:
        case "GET", ["pulls"]:
            return state["pulls"]
        case "GET", ["issues"]:
            return [each for each in state["issues"] if each["state"] == "open"]
        case "GET", ["issues", number, "comments"]:
            return [each for each in state["comments"] if each["issue"] == int(number)]
        case "POST", ["issues", number, "comments"]:
            return added(state["comments"], {"issue": int(number), **body})
        case "PATCH", ["issues", "comments", key]:
            return changed(state["comments"], "id", int(key), body)
        case "POST", ["issues"]:
            return added(state["issues"], {"number": 100 + len(state["issues"]), "state": "open", **body})
        case "PATCH", ["issues", number]:
            return changed(state["issues"], "number", int(number), body)
    sys.exit(f"gh: Not Found (HTTP 404) {method} {path}")


def added(those: list[dict[str, Any]], each: dict[str, Any]) -> dict[str, Any]:
    each = {"id": 1000 + len(those), "user": {"login": BOT}, **each}
    those.append(each)
    return each


def changed(those: list[dict[str, Any]], key: str, value: int, body: dict[str, Any]) -> dict[str, Any]:
    (each,) = (each for each in those if each[key] == value)
    each.update(body)
    return each


if __name__ == "__main__":
    main()
