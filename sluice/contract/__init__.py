"""Event classes and what is made of them: a validator, tables, schemas.

    from sluice.contract import Event, Json, Nested, field

Importing this needs msgspec and the standard library alone; fake data, JSON Schema and the evolution check
are modules of their own, so that a Lambda does not load them.
"""

from sluice.contract.contract import Contract, EventType
from sluice.contract.events import Event, Nested
from sluice.contract.fields import Json, field
from sluice.contract.violations import ContractViolation

__all__ = ["Contract", "ContractViolation", "Event", "EventType", "Json", "Nested", "field"]
