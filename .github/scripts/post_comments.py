"""Put what the runs of a pull request left behind into its comments: one for each thing, kept up to date.

Runs with a token that may comment, after a run that may have been a stranger's. So nothing of that run is
executed or believed: which pull request it was for is asked of GitHub, files have fixed names and a limited
size, and the text can neither call people nor pass for another comment.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from github_api import BOT, call, every

LONGEST = 64_000
"""Characters; GitHub refuses comments of more than 65,536."""

MOST = 12
"""Comments that one run may have: environments, and the plan."""

_FILES = {
    "plan": re.compile(r"comment-plan\.md"),
    "preview": re.compile(r"comment-preview-[a-z][a-z0-9-]{0,30}\.md"),
}
"""By workflow: the files in its artifacts."""


def main() -> None:
    """Find the pull request, and write each comment."""
    workflow, fork = os.environ["WORKFLOW"], os.environ["HEAD_REPOSITORY"] != os.environ["REPOSITORY"]
    if workflow not in _FILES or (fork and workflow != "plan"):
        print(f"No comments are taken from {workflow!r}{' of a fork' if fork else ''}.")
        return
    number = pull_request()
    if number is None:
        print("No open pull request is at this commit any more: nothing to comment.")
        return
    mine = every(
        f"repos/{os.environ['REPOSITORY']}/issues/{number}/comments?per_page=100",
        '{id, login: .user.login, start: (.body // "")[0:100]}',
    )
    for name, text in texts(_FILES[workflow]):
        marker = f"<!-- sluice:{name} -->"
        body = {"body": f"{marker}\n{origin()}\n\n{harmless(text)}"}
        known = [each["id"] for each in mine if each["login"] == BOT and each["start"].startswith(marker)]
        if known:
            call(f"repos/{os.environ['REPOSITORY']}/issues/comments/{known[0]}", method="PATCH", body=body)
        else:
            call(f"repos/{os.environ['REPOSITORY']}/issues/{number}/comments", method="POST", body=body)
        print(f"{'Renewed' if known else 'Wrote'} the comment {name} of pull request {number}.")


def pull_request() -> int | None:
    """Return the open pull request whose branch is at the run's commit."""
    head = quote(f"{os.environ['HEAD_OWNER']}:{os.environ['HEAD_BRANCH']}", safe="")
    found = every(
        f"repos/{os.environ['REPOSITORY']}/pulls?state=open&head={head}&per_page=100",
        "{number, sha: .head.sha, repository: .head.repo.full_name}",
    )
    wanted = (os.environ["HEAD_SHA"], os.environ["HEAD_REPOSITORY"])
    numbers = [int(each["number"]) for each in found if (each["sha"], each["repository"]) == wanted]
    return numbers[0] if numbers else None


def texts(named: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file that is one of the workflow's."""
    files = sorted(each for each in Path(os.environ["COMMENTS"]).glob("*") if named.fullmatch(each.name))
    for file in files[:MOST]:
        if not file.is_symlink() and file.is_file():
            with file.open(encoding="utf-8", errors="replace") as opened:
                yield file.stem.removeprefix("comment-"), opened.read(LONGEST)


def harmless(text: str) -> str:
    """Take out what would call people, hide, or mark another comment; and cut to what GitHub takes."""
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    plain = re.sub("<!--.*?-->", "", plain, flags=re.DOTALL).replace("<!--", "&lt;!--").lstrip()
    plain = re.sub(r"@(?=[A-Za-z0-9])", "@\u200b", plain)
    return (
        plain if len(plain) <= LONGEST - 1000 else f"{plain[: LONGEST - 1000]}\n\n[cut: the run has the rest]"
    )


def origin() -> str:
    """Say who wrote it, before it begins: the code of the pull request, which may be anybody's."""
    return (
        f"<sub>Written by the code of this pull request, at {os.environ['HEAD_SHA'][:12]}, in"
        f" [this run]({os.environ['RUN_URL']}).</sub>"
    )


if __name__ == "__main__":
    main()
