"""Sales as any producer may write them, and conditions over them."""

import json

from hypothesis import strategies as st

WORDS = [
    "",
    "a",
    "b",
    "A",
    "ab",
    "aXb",
    "ä",
    "😀a",
    'q"',
    "q",
    '"',
    "null",
    "true",
    "1",
    "a::b",
    "A::b",
    "1.2.3.4",
    "x.y",
]
words = st.sampled_from(WORDS)


def raw(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def escaped(word: str) -> str:
    """The same text with each character as an escape."""
    return '"' + "".join(f"\\u{unit:04x}" for unit in _units(word)) + '"'


def _units(word: str) -> list[int]:
    encoded = word.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2)]


texts = (
    words.map(json.dumps) | words.map(escaped) | words.map(lambda word: json.dumps(word, ensure_ascii=False))
)
NULL = raw("null")
amounts = raw(
    "0",
    "-0",
    "-0.0",
    "0.00",
    "1",
    "1.0",
    "1e0",
    "10e-1",
    "100",
    "1E+2",
    "-0.01",
    "0.01",
    "2.50",
    "2.5000000000000000000",
    "1000000",
    "-1000000",
    "999999.99",
    "0e-400",
    "1e400",
    '"1"',
)
tips = raw("0", "0.01", "5", "5.0", "999.99", "null")
rates = raw(
    "5000000000",
    "-5e9",
    "4999999999.99999",
    "0.00001",
    "-0.00001",
    "1.00001",
    "1.000010",
    "3507215452.42845",
    "3507215452.42846",
    "null",
)
wholes = raw(
    "0", "-0", "1", "5", "1000", "5000000000", "5000000001", "9223372036854775807", "123456789012", "null"
)


def _object(fields: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in fields.items()) + "}"


places = st.one_of(
    NULL,
    st.fixed_dictionaries({"city": texts}, optional={"floor": raw("0", "3", "null"), "zone": texts}).map(
        _object
    ),
)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "tip": tips,
    "rate": rates,
    "fee": raw("0", "1.5", "1.50", "10"),
    "price": raw('"1"', "1", '"2.5"', "0", "null"),
    "fine": raw("0.000000001", "0", "1", "null"),
    "pieces": raw("0", "-0", "1", "5", "1000"),
    "score": wholes,
    "whole": wholes,
    "real": raw("0", "1.5", "0.0000001", "5e0", "1", "10", "null"),
    "title": texts,
    "text": texts | NULL,
    "currency": raw('"EUR"', '"USD"', '"CHF"'),
    "paid": raw("true", "false", "null"),
    "first": raw("true", "false"),
    "method": raw('"card"', '"cash"', '"bank"', "null"),
    "level": raw("1", "2", "3"),
    "day": raw('"2024-02-29"', '"2026-11-20"', "null"),
    "seen_at": raw('"2024-02-29T00:00:00Z"', '"2024-02-29T01:00:00.000+01:00"', "null"),
    "place": places,
    "home": places.filter(lambda text: text != "null"),
    "shop": places.map(lambda place: f'{{"place":{place}}}')
    | raw("null", "{}", '{"tags":["a"]}', '{"tags":[]}'),
    "tags": st.lists(texts, max_size=3).map(lambda items: f"[{','.join(items)}]"),
    "steps": raw("[]", "[1]", "[2,-0]", "[100,-100]"),
    "given": raw("[]", '["b"]', '["a","c"]'),
    "methods": raw("[]", '["card"]', '["cash","bank"]'),
}
events = st.tuples(amounts, st.fixed_dictionaries({}, optional=VALUES))


def form(template: str, **parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(parts).map(lambda found: template.format(**found))


TEXT = raw(
    "text",
    "title",
    "currency",
    "place.city",
    "place.zone",
    "home.zone",
    "home.city",
    "shop.place.city",
    "TITLE",
)
NUMBER = raw(
    "amount",
    "tip",
    "rate",
    "fee",
    "pieces",
    "score",
    "whole",
    "place.floor",
    "price",
    "fine",
    "real",
    "level",
)
ANY = TEXT | NUMBER | raw("method", "paid", "first", "day", "seen_at", "place", "home", "shop", "shop.place")
number = raw(
    "0",
    "1",
    "5",
    "-0.01",
    "0.01",
    "2.5",
    "1.5",
    "100",
    "1e2",
    "3507215452.42846",
    "0.005",
    "5000000000",
    "-1",
)
written = words.map(lambda word: json.dumps(word, ensure_ascii=False)) | raw("'EUR'", "'home'")
like = raw(
    "'a%'", "'%b'", "'%'", "'ab'", "''", "'a%b'", "'_'", "'\"%'", "'%\"'", "'q\"%'", "'%\"q'", r"r'a\%'"
)
operator = raw("=", "!=", "<", "<=", ">", ">=")
METHOD = raw("'card'", "'cash'", "'bank'")
leaves = st.one_of(
    form("{a} {o} {b}", a=NUMBER, o=operator, b=number),
    form("{b} {o} {a}", a=NUMBER, o=operator, b=number),
    form("{a} BETWEEN {b} AND {c}", a=NUMBER, b=number, c=number),
    form("{a} IN ({b}, {c})", a=NUMBER, b=number, c=number),
    form("{a} NOT IN ({b}, NULL)", a=NUMBER, b=number),
    form("{a} {o} {b}", a=TEXT, o=operator, b=written),
    form("{a} {n}IN ({b}, {c})", a=TEXT, n=raw("", "NOT "), b=written, c=written),
    form("{a} {n}LIKE {b}", a=TEXT, n=raw("", "NOT "), b=like),
    form("STARTS_WITH({a}, {b})", a=TEXT, b=written),
    form("{a} IS {n}NULL", a=ANY, n=raw("", "NOT ")),
    form("method {o} {a}", o=raw("=", "!="), a=METHOD),
    form("LOWER(method) IN ({a}, {b})", a=METHOD, b=METHOD),
    raw(
        "paid",
        "first",
        "NOT paid",
        "paid = TRUE",
        "TRUE",
        "FALSE",
        "NULL",
        "type = 'sale'",
        "type = 'other'",
        "first != paid",
    ),
    form("day {o} DATE '2024-02-29'", o=operator),
    form("seen_at {o} TIMESTAMP '2024-02-29'", o=operator),
    form("{a} {n}IN UNNEST({b})", a=written, n=raw("", "NOT "), b=raw("tags", "given", "shop.tags")),
    form("{a} IN UNNEST(steps)", a=raw("1", "0", "2.0", "1.5", "100")),
    form("{a} IN UNNEST(methods)", a=METHOD),
    form("COALESCE({a}, {b}) {o} {c}", a=raw("tip", "pieces", "rate"), b=number, o=operator, c=number),
    form("IF({a} > {b}, text, 'x') = {c}", a=raw("amount"), b=number, c=written),
    form("COALESCE(text, {a}) = {b}", a=written, b=written),
    form("ABS(amount) > {a}", a=number),
)


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        form("({a} AND {b})", a=inner, b=inner),
        form("({a} OR {b})", a=inner, b=inner),
        form("(NOT {a})", a=inner),
        form("(({a}) IS {w})", a=inner, w=raw("TRUE", "NOT TRUE", "FALSE", "NOT FALSE")),
        form("(({a}) IS NULL)", a=inner),
    )


filters = st.recursive(leaves, conditions, max_leaves=5)
