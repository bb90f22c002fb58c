"""What attempts that never ended say about a batch: how carefully to read it, and what to leave unread.

An attempt writes into the ledger before it starts and when it ends. One that started and never ended was
killed: out of time, out of memory, or by a record. Its item tells which records it had in hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sluice.delivery.entries import DELIVERY, Item, padded


@dataclass(frozen=True, slots=True)
class Caution:
    """How to handle a batch.

    Records up to the sequence number `until` are read one at a time, each named in the ledger as the suspect
    beforehand. With `singly` they are delivered one at a time too, because an attempt died while it wrote to
    the sink. `killers` are the names of suspects in whose hands an attempt died: the position of a record, or
    `sequence:first-last` of several out of an aggregate, of which one is to blame.
    """

    until: int = -1
    singly: bool = False
    killers: frozenset[str] = frozenset()

    def after(self, *, read: int, settled: int) -> "Caution":
        """Return what the next batch still has to know.

        `read` is the last sequence number that was read without harm, `settled` the last that is done with.
        """
        done = self.until <= read
        return Caution(
            until=-1 if done else self.until,
            singly=self.singly and not done,
            killers=frozenset(killer for killer in self.killers if sequence_of(killer) > settled),
        )

    def values(self) -> dict[str, Any]:
        """Return the attributes that hold this caution; those that say nothing are absent."""
        values: dict[str, Any] = {}
        if self.until >= 0:
            values["careful_until"] = {"S": padded(self.until)}
        if self.singly:
            values["singly"] = {"BOOL": True}
        if self.killers:
            values["killers"] = {"SS": sorted(self.killers)}
        return values


ATTRIBUTES = ("careful_until", "singly", "killers")


def caution_for(items: Iterable[Item], first: int, process: str, *, disjoint: bool, own: str = "") -> Caution:
    """Return the caution that a batch from `first` on needs, given the items of its lane that reach into it.

    With bisection, or after a partial answer, a batch is not the one that died: so what counts is not the
    batch's own item but any that overlaps it. An attempt of this very `process` did not die. Where batches
    interleave (not `disjoint`), neither did a neighbour's: it may be at work, so only the item with the key
    `own` tells.
    """
    until, singly = -1, False
    killers: set[str] = set()
    for item in items:
        careful_until = int(item["careful_until"]["S"]) if "careful_until" in item else -1
        if careful_until >= first:
            until = max(until, careful_until)
            singly = singly or "singly" in item
        killers.update(item.get("killers", {}).get("SS", ()))
        open_last = int(item["open_last"]["S"]) if "open_last" in item else -1
        survived = item.get("process", {}).get("S") == process
        survived = survived or not (disjoint or item["first"]["S"] == own)
        if "attempts" in item and open_last >= first and not survived:
            until = max(until, open_last)
            suspect = item.get("suspect", {}).get("S")
            if suspect == DELIVERY:
                singly = True
            elif suspect is not None:
                killers.add(suspect)
    return Caution(until, singly, frozenset(killer for killer in killers if sequence_of(killer) >= first))


def sequence_of(position: str) -> int:
    """Return the sequence number in a record's position, which may end in `:sub`."""
    return int(position.partition(":")[0])
