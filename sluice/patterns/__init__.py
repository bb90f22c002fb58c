"""Routes as Lambda sees them: their conditions as filter patterns, and whether they make a partition.

from sluice.patterns import check_routes, compile_route

compile_route(route, pipeline.contract, enhanced=True).patterns
"""

from sluice.patterns.compiled import Compiled, compile_route
from sluice.patterns.routes import check_routes

__all__ = ["Compiled", "check_routes", "compile_route"]
