"""Every mistake in a filter is one line: what was given, what is accepted, what to write."""

import pytest

from sluice.errors import ContractError
from sluice.predicate import check
from tests.unit.predicate.bids import BID

REFUSED = {
    "colour = 1": "`colour` is no field: ",
    "txt = 'a'": "did you mean text? Bid has bid_id, bid_at, text",
    "place.cty = 'a'": "`place.cty` is no field: did you mean city? Bid.place has city, floor, tags",
    "text.a = 1": "Bid.text is STRING and holds no fields, so not `a`",
    "bids.text = 'a'": "`bids` is no field",
    "place = 'a'": "place is a struct, which has no value to compare; name one of its fields, such as",
    "tags = 'a'": "tags is a list; a filter takes x IN UNNEST(tags) and ARRAY_LENGTH(tags)",
    "tags IS NULL": "tags is a list, never NULL; ask ARRAY_LENGTH(tags) = 0",
    "tags[0] = 'a'": "`[` is nothing that a filter takes; ask x IN UNNEST(list)",
    "ARRAY_LENGTH(place.tags) = 0": "place may be NULL",
    "ARRAY_LENGTH(text) = 0": "ARRAY_LENGTH takes one field that is a list",
    "'a' IN UNNEST(text)": "text is no list",
    "'a' IN UNNEST(['a'])": "`[` is nothing",
    "1 IN UNNEST(tags)": "brings together 1 (INT64) and tags (STRING)",
    "free = 1": "Bid.free is free JSON",
    "old = 'a'": "Bid.old is retired, no event carries it; drop it",
    "order = 1": "`order` is a reserved word that has no place in a filter; a field of that name stands in",
    "whole = '7'": "whole (INT64) and 7 (STRING), which BigQuery refuses; write the number without quotes",
    "text = 7": "text (STRING) and 7 (INT64), which BigQuery refuses; put the text in quotes",
    "yes = 'true'": "write TRUE or FALSE without quotes",
    "yes = 1": "yes (BOOL) and 1 (INT64)",
    "day = seen_at": "compare DATE(...) of the TIMESTAMP",
    "day = '2024-02-30'": "'2024-02-30' is no DATE; write it as '2024-03-31'",
    "seen_at > 'noon'": "'noon' is no TIMESTAMP; write it as '2024-03-31 10:00:00Z'",
    "seen_at > '2024-01-01 00:00:00 Europe/Vienna'": "is no TIMESTAMP",
    "channel = 'wob'": "channel is never 'wob': did you mean 'web'? it is one of 'web', 'phone'",
    "level IN (1, 4)": "level is never 4: it is one of 1, 2, 3",
    "'fax' IN UNNEST(channels)": "channels is never 'fax'",
    "text = NULL": "a comparison with NULL is never TRUE; ask IS NULL or IS NOT NULL",
    "whole > 9223372036854775808": "9223372036854775808 is no INT64; it has at most 64 bits",
    "real > 1e400": "1e400 is beyond the largest FLOAT64",
    "price > 0.1234567891": "does not fit a NUMERIC, which holds 29 digits before the point and 9 after it",
    "price > NUMERIC 'much'": "'much' is no NUMERIC; write it as '123.45'",
    "fine > 1.5": "1.5 beside a BIGNUMERIC: write BIGNUMERIC '1.5'",
    "whole / 2 > 1": "`/` is nothing that a filter takes; use SAFE_DIVIDE(a, b)",
    "whole % 2 = 1": "`%` is nothing that a filter takes; use MOD(a, b)",
    "whole == 1": "`==` is nothing that a filter takes; write =",
    "!yes": "`!` is nothing that a filter takes; write NOT",
    "yes && firm": "write AND",
    "whole = @most": "`@` is nothing that a filter takes; write the value itself",
    "whole = 0x1F": "`0x1F` is nothing that a filter takes",
    "whole + text > 1": "`+` takes numbers, not text (STRING)",
    "-text = 'a'": "a minus sign takes a number, not text (STRING)",
    "MOD(real, 2) = 1": "MOD takes INT64 and NUMERIC, not FLOAT64",
    "MOD(whole, 0) = 1": "MOD by 0 is an error in BigQuery",
    "whole": "whole is INT64, and a filter takes a condition, such as x > 0",
    "NOT text": "text is STRING, and NOT takes a condition",
    "yes AND whole": "whole is INT64, and AND takes a condition",
    "whole IS TRUE": "whole is INT64, and IS TRUE takes a condition",
    "LOWR(text) = 'a'": "LOWR is no function that a filter takes; did you mean LOWER?",
    "LOWER(whole) = 'a'": "LOWER takes (STRING), not whole (INT64)",
    "LOWER(text, text) = 'a'": "LOWER takes 1 arguments, not 2",
    "SUBSTR(text) = 'a'": "SUBSTR takes 2 to 3 arguments, not 1",
    "SUBSTR(text, 1, -1) = 'a'": "SUBSTR takes a length of 0 or more, not -1",
    "CONCAT(text, 1) = 'a'": "CONCAT and || take STRINGs, not 1 (INT64)",
    "REGEXP_CONTAINS(text, 'a')": "REGEXP_CONTAINS is not taken: it runs RE2's expressions",
    "CONTAINS_SUBSTR(text, 'a')": "CONTAINS_SUBSTR is not taken",
    "seen_at < CURRENT_TIMESTAMP()": "CURRENT_TIMESTAMP is not taken: an event read again would",
    "CAST(whole AS STRING) = '1'": "CAST is not taken",
    "SAFE.SUBSTR(text, 1) = 'a'": "SAFE.SUBSTR(text, 1) is not taken; docs/filters.md",
    "EXTRACT(WEEK FROM day) = 1": "EXTRACT(WEEK FROM ...) of a DATE is not taken; DAYOFWEEK, DAY",
    "EXTRACT(HOUR FROM day) = 1": "EXTRACT(HOUR FROM ...) of a DATE is not taken",
    "EXTRACT(HOUR FROM seen_at AT TIME ZONE 'UTC') = 1": "AT TIME ZONE is not taken",
    "EXTRACT(HOUR FROM text) = 1": "EXTRACT takes a TIMESTAMP or DATE, not text (STRING)",
    "text LIKE title": "LIKE takes a pattern that is written out",
    "text LIKE 'a\\\\'": "ends with a backslash, which escapes nothing",
    "text LIKE 'a!%' ESCAPE '!'": "LIKE has no ESCAPE in BigQuery",
    "whole LIKE '1%'": "LIKE takes STRINGs, not whole (INT64)",
    "text = '\\d'": "BigQuery knows no escape \\d in a string; write \\\\d for a backslash, or r'...'",
    "text = '\\ud800'": "BigQuery knows no escape \\ud800 in a string",
    "text = 'a\nb'": "goes over several lines",
    "text = 'a' 'b'": "two strings stand side by side; join them with ||",
    "whole > 1 > 2": "put parentheses around whole > 1: BigQuery chains no comparisons",
    "whole IS DISTINCT FROM 1": "IS DISTINCT FROM is not taken",
    "whole IN (SELECT 1)": "SELECT is not taken: a filter sees one event, no tables",
    "whole IN ()": "IN takes values in parentheses",
    "(whole, 1) = (1, 1)": "is not taken: a list stands behind IN alone",
    "IF(yes, 1) = 1": "IF takes a condition and two values",
    "text = 'a' -- why": "it holds a comment; leave it out",
    "text = 'a';": "`;` is nothing that a filter takes; write one condition",
    "text = 'a": "it is no SQL condition",
    "text = ": "it is no SQL condition, near '='",
    "(text = 'a'": "it is no SQL condition",
    "text 'a'": "text '...' is no literal that a filter takes; it takes BIGDECIMAL, BIGNUMERIC, DATE",
    "12abc = 1": "does not start with a number",
    "(" * 60 + "yes" + ")" * 60: "it is nested more than 40 deep",
    "NOT " * 60 + "yes": "it is nested more than 40 deep",
    "+".join(["whole"] * 600) + " > 1": "it is nested more than 40 deep",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_a_mistake_is_one_line_that_quotes_the_filter(sql: str) -> None:
    with pytest.raises(ContractError) as caught:
        check(sql, BID)
    line = str(caught.value)
    assert line.startswith("where=")
    assert REFUSED[sql] in line
    assert "\n" not in line
    assert len(line) < 500
