"""What one assumption of the local cloud is made of."""

from typing import Final, Literal, NamedTuple

About = Literal["lambda", "bigquery"]

OURS: Final = "not documented: chosen"
"""The source of what the services' own pages leave open."""


class Assumption(NamedTuple):
    """What is assumed, the module that rests on it, where it comes from, and what another answer would mean.

    `rests` is a path in the project, and `source` a page of the service's own documentation, or what was done
    where there is none.
    """

    id: str
    about: About
    assumed: str
    rests: str
    source: str
    means: str
