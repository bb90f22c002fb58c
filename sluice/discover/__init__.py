"""A contract inferred from records: `sluice discover`.

    gathering = Gathering()
    for line in lines:
        gathering.see(line)
    inferred = infer(gathering, "events.ndjson", fallback="event")
    module = render(inferred)
    checked = check(module, inferred, gathering.finish(), lines)

Memory does not grow with the number of lines. What is printed is a guess that says where it is one.
"""

from sluice.discover.checked import Checked, check
from sluice.discover.gathered import Gathering, Reasons
from sluice.discover.inferring import infer
from sluice.discover.model import Inferred
from sluice.discover.module import render

__all__ = ["Checked", "Gathering", "Inferred", "Reasons", "check", "infer", "render"]
