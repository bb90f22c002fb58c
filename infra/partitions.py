"""Which part of AWS a region belongs to: what its ARNs begin with."""

from typing import Final

_OTHERS: Final = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
"""Outside of `aws` itself, by what the names of regions begin with (AWS general reference, ARNs)."""


def partition_of(region: str) -> str:
    """Name the partition of a region, such as aws-cn of cn-north-1."""
    return _OTHERS.get(region.rsplit("-", 2)[0], "aws")
