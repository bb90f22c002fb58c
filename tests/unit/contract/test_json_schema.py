"""The JSON Schema tells a producer in any language what the contract accepts."""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated

from sluice.contract import Contract, Event, Json, Nested, field
from sluice.contract.json_schema import json_schema, type_schema


class Side(Enum):
    LEFT = "left"


class Spot(Nested):
    x: int


class Full(Event, type="full/one", table="full", id="key", time="at"):
    """Everything."""

    key: Annotated[str, field("The key", max_length=9)]
    at: datetime
    day: date | None = None
    amount: Annotated[Decimal | None, field(ge=0, scale=2)] = None
    ratio: Annotated[float, field(gt=0, le=1)] = 0.5
    side: Side | None = None
    spot: Spot | None = None
    spots: Annotated[list[Spot], field(min_items=1, max_items=3)]
    free: Json | None = None
    old: Annotated[bool | None, field(retired=True)] = None


SCHEMA = type_schema(Contract([Full]).types["full/one"])


def test_an_event_has_its_required_fields_and_no_others() -> None:
    assert SCHEMA["required"] == ["type", "key", "at", "spots"]
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["properties"]["type"] == {"const": "full/one"}
    assert SCHEMA["description"] == "Everything."


def test_rules_become_keywords() -> None:
    found = SCHEMA["properties"]
    assert found["key"] == {"type": "string", "minLength": 1, "maxLength": 9, "description": "The key"}
    assert found["at"] == {"type": "string", "format": "date-time"}
    assert found["day"] == {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    assert found["ratio"] == {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    assert found["side"] == {"anyOf": [{"enum": ["left"]}, {"type": "null"}]}
    assert found["spots"]["minItems"] == 1
    assert found["spots"]["maxItems"] == 3
    assert found["spots"]["items"]["properties"]["x"]["maximum"] == 2**63 - 1
    assert found["free"] == {}
    assert found["old"]["deprecated"] is True


def test_a_decimal_is_a_string_of_digits_or_a_number() -> None:
    text, number = SCHEMA["properties"]["amount"]["anyOf"][0]["anyOf"]
    assert number == {"type": "number", "minimum": 0}
    for fine in ("0", "12.5", "12.50", "9" * 29):
        assert re.search(text["pattern"], fine)
    for wrong in ("", "12.505", "1e5", "NaN", "9" * 30, "1."):
        assert not re.search(text["pattern"], wrong)


def test_the_stream_is_exactly_one_of_its_types() -> None:
    schema = json_schema(Contract([Full]))
    assert schema["oneOf"] == [{"$ref": "#/$defs/full~1one"}]
    assert list(schema["$defs"]) == ["full/one"]
    json.dumps(schema)
