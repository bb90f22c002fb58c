"""A plan as a comment on a pull request: Markdown that GitHub takes, whatever the names in it hold.

What comes from the programs stands in code spans, where neither markup nor mentions work. GitHub refuses
bodies of more than 65,536 characters: lists are cut, and say so.
"""

import re
from collections.abc import Iterable
from typing import Final

from sluice.changes import said, said_rights
from sluice.changes.plan import EnvironmentPlan, Plan

MARK: Final = "<!-- sluice-plan -->"
"""At the beginning, so that whoever keeps one comment up to date finds it again."""

LIMIT: Final = 65_000
"""Bytes, a little below the 65,536 characters that GitHub takes."""

_CUTS: Final = (1_000, 60, 25, 10, 4, 1)
"""Lines of each list, from all to the fewest."""

_LONGEST: Final = 600
_DIFFERENCES: Final = 8


def markdown(plan: Plan) -> str:
    """Write a plan as Markdown of at most `LIMIT` bytes."""
    text = ""
    for most in _CUTS:
        text = _Comment(plan, most).text()
        if len(text.encode()) <= LIMIT:
            return text
    cut = text.encode()[: LIMIT - 200].decode(errors="ignore").rpartition("\n")[0]
    return f"{cut}\n\n</details>\n\nThe rest is cut: `sluice graph --diff` shows it all on a terminal.\n"


def code(text: str) -> str:
    """Set a text off as a code span that nothing in it can end."""
    plain = "".join(each if each.isprintable() else " " for each in text).strip() or " "
    if len(plain) > _LONGEST:
        plain = f"{plain[: _LONGEST - 1]}…"
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def prose(text: str) -> str:
    """Write a sentence so that no tag, mention or link comes about in it."""
    plain = "".join(each if each.isprintable() else " " for each in text)
    for special, instead in (("&", "&amp;"), ("<", "&lt;"), ("@", "@\u200b"), ("](", "] (")):
        plain = plain.replace(special, instead)
    return plain


STYLE: Final = said.Style(code, prose)


class _Comment:
    """One attempt at a comment, with at most so many lines in each list."""

    def __init__(self, plan: Plan, most: int) -> None:
        self._plan, self._most = plan, most

    def text(self) -> str:
        """Put the parts together, what matters most first."""
        plan = self._plan
        parts = [
            MARK,
            "### Offline plan",
            f"{code(said.title(plan))}. {said.WHAT_IT_IS}",
            self._overview(),
            self._section("Look at this first", self._lines(said.first(plan, STYLE))),
            self._section("Allowed from now on", self._lines(said_rights.widened(plan, STYLE))),
            self._pipeline(),
            *(self._environment(each) for each in plan.environments if not each.quiet and not each.problem),
            self._small_print(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _overview(self) -> str:
        rows = [
            "| environment | added | changed | replaced | deleted | renamed | rights | cost a month |",
            "|---|--:|--:|--:|--:|--:|---|---|",
        ]
        rows += [self._row(each) for each in self._plan.environments]
        return "\n".join(rows)

    def _row(self, plan: EnvironmentPlan) -> str:
        if plan.problem:
            return f"| {_cell(plan.environment)} | not compared ||||||"
        counts = [len(plan.of(*does)) for does in said.COUNTED]
        rights = said.rights(plan).replace("wider", "**wider**")
        cost = said.signed(plan.cost.more) if plan.cost else ""
        cells = " | ".join(
            f"**{each}**" if at in {2, 3} and each else str(each) for at, each in enumerate(counts)
        )
        new = " (new)" if plan.new else ""
        return f"| {_cell(plan.environment)}{new} | {cells} | {rights} | {cost} |"

    def _lines(self, lines: Iterable[said.Line]) -> list[str]:
        several = len(self._plan.environments) > 1
        return [
            f"**{', '.join(each.environments)}**: {each.text}" if several else each.text for each in lines
        ]

    def _section(self, heading: str, lines: list[str]) -> str:
        return f"#### {heading}\n\n{self._list(lines)}" if lines else ""

    def _list(self, lines: list[str]) -> str:
        shown = [
            f"  - {each.strip()}" if each.startswith("  ") else f"- {each}" for each in lines[: self._most]
        ]
        if len(lines) > self._most:
            shown.append(f"- and {len(lines) - self._most} more lines")
        return "\n".join(shown)

    def _pipeline(self) -> str:
        return self._section("Contract, metrics, routes, code", list(said.pipeline(self._plan, STYLE)))

    def _environment(self, plan: EnvironmentPlan) -> str:
        parts = [self._group(plan, *each) for each in said.GROUPS]
        parts += [
            self._titled("New roles and resources may", said_rights.granted_to_new(plan, STYLE)),
            self._titled("No longer allowed", said_rights.narrowed(plan, STYLE)),
            self._titled("Outputs", [code(str(each)) for each in plan.outputs]),
            self._titled(
                "No longer broken", [f"{code(each.rule)}: {code(each.name)}" for each in plan.mended]
            ),
            self._cost(plan),
        ]
        inside = "\n\n".join(part for part in parts if part)
        summary = f"<summary>All of <b>{_escaped(plan.environment)}</b></summary>"
        return f"<details>{summary}\n\n{inside}\n\n</details>"

    def _group(self, plan: EnvironmentPlan, heading: str, does: tuple[str, ...]) -> str:
        found = plan.of(*does)
        if does == ("added",):
            return self._titled(heading, list(said.by_component(found, STYLE)))
        lines = list(said.told(found, STYLE, min(_DIFFERENCES, self._most)))
        return self._titled(heading, lines)

    def _titled(self, heading: str, lines: list[str]) -> str:
        return f"**{heading}**\n\n{self._list(lines)}" if lines else ""

    def _cost(self, plan: EnvironmentPlan) -> str:
        if plan.cost is None or not plan.cost.resources:
            return ""
        lines = list(said.costs(plan.cost, STYLE))
        return self._titled(f"Cost: {said.cost(plan.cost, self._plan.load)}", lines)

    def _small_print(self) -> str:
        known = ", ".join(f"{name} {version}" for name, version in self._plan.providers_known.items())
        cost = next((said.not_counted(each.cost) for each in self._plan.environments if each.cost), "")
        costs = f" Cost: {cost}" if cost else ""
        return f"<sub>What replaces a resource is as {known} have it.{costs}</sub>"


def _cell(text: str) -> str:
    return code(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
