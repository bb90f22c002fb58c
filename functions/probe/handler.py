"""The Lambda of `sluice probe`: it does what the probe's records order, and notes what it was given."""

from sluice.probe.function import probe

handler = probe()
