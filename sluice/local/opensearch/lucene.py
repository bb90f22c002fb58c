"""Lucene's query syntax, as people type it: words, "phrases", field:value, ranges, *, AND, OR, NOT, ( ).

The rules by which AND and OR make neighbours required are those of Lucene's classic parser (addClause in
QueryParserBase, 9.12), which knows no precedence. Refused: ~, ^ and /regular expressions/.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from sluice.local.opensearch.errors import bad, unsupported
from sluice.local.opensearch.found import Found, Hit, exists, like, within, words

_TOKEN: Final = re.compile(
    r"""\s+|(?P<op>&&|\|\||[()])|(?P<quoted>"(?:\\.|[^"\\])*")"""
    r"""|(?P<range>[\[{][^\]}]*[\]}])|(?P<sign>[+\-!](?=\S))|(?P<compare>[<>]=?)"""
    r"""|(?P<field>(?:\\.|[^\s+\-!():^\[\]"{}~*?\\/<>=&|])(?:\\.|[^\s!():^\[\]"{}~*?\\/])*)(?=:):"""
    r"""|(?P<word>(?:\\.|[^\s!():^\[\]"{}~\\/])(?:\\.|[^\s!():^\[\]"{}~\\/])*)|(?P<unknown>.)""",
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_RANGE: Final = re.compile(r"""([\[{])\s*("[^"]*"|\S+)\s+TO\s+("[^"]*"|\S+?)\s*([\]}])""")

Modifier = Literal["none", "required", "prohibited"]


class _Token(NamedTuple):
    kind: str
    text: str


class _Clause(NamedTuple):
    occur: Literal["must", "should", "must_not"]
    hit: Hit


def parsed(query: str, fields: Sequence[str] | None, *, every: bool) -> Hit:
    """Return what matches a query; without `fields`, words are looked for in all fields.

    Raises:
        Refused: it cannot be parsed, or the stand-in does not know it.
    """
    parser = _Parser(query, every=every)
    hit = parser.group(list(fields) if fields else None, top=True)
    if parser.left:
        raise parser.broken()
    return hit


class _Parser:
    def __init__(self, query: str, *, every: bool) -> None:
        self._query, self._every = query, every
        self._tokens = [
            _Token(found.lastgroup, found[found.lastgroup])
            for found in _TOKEN.finditer(query)
            if found.lastgroup is not None
        ]
        self._at = 0

    @property
    def left(self) -> bool:
        """Whether something is left to read."""
        return self._at < len(self._tokens)

    def broken(self) -> Exception:
        """What OpenSearch says of a query that cannot be parsed."""
        where = self._tokens[self._at].text if self.left else "<EOF>"
        reason = f"Cannot parse '{self._query}': Encountered \"{where}\""
        cause = {"type": "parse_exception", "reason": reason}
        return bad(f"Failed to parse query [{self._query}]", "query_shard_exception", caused_by=cause)

    def group(self, fields: list[str] | None, *, top: bool = False) -> Hit:
        """Read clauses up to a closing bracket."""
        clauses: list[_Clause] = []
        while self.left and self._tokens[self._at].text != ")":
            conjunction = self._conjunction() if clauses else "none"
            modifier = self._modifier()
            self._add(clauses, conjunction, modifier, self._clause(fields))
        if not clauses:
            if top:
                return _nothing
            raise self.broken()
        return _combined(clauses, top=top)

    def _next(self) -> _Token:
        if not self.left:
            raise self.broken()
        self._at += 1
        return self._tokens[self._at - 1]

    def _conjunction(self) -> str:
        token = self._tokens[self._at]
        for name, spelled in (("and", ("AND", "&&")), ("or", ("OR", "||"))):
            if token.kind in ("word", "op") and token.text in spelled:
                self._at += 1
                return name
        return "none"

    def _modifier(self) -> Modifier:
        token = self._tokens[self._at] if self.left else None
        if token is None:
            raise self.broken()
        if token.text == "NOT" or (token.kind == "sign" and token.text in "-!"):
            self._at += 1
            return "prohibited"
        if token.kind == "sign":
            self._at += 1
            return "required"
        return "none"

    def _clause(self, fields: list[str] | None) -> Hit:
        token = self._next()
        if token.kind == "field":
            name = _plain(token.text)
            if name == "_exists_":
                return exists(_plain(self._next().text))
            return self._clause([name])
        if token.kind == "op" and token.text == "(":
            hit = self.group(fields)
            if self._next().text != ")":
                raise self.broken()
            return hit
        return self._leaf(token, fields)

    def _leaf(self, token: _Token, fields: list[str] | None) -> Hit:
        if token.kind == "range":
            return _any(fields, self._range(token.text))
        if token.kind == "compare":
            name = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[token.text]
            return _any(fields, {name: _plain(self._next().text.strip('"'))})
        if token.kind == "quoted":
            return _words(fields, _plain(token.text[1:-1]), every=True, phrase=True)
        if token.kind == "word" and token.text not in ("AND", "OR", "NOT", "&&", "||"):
            return self._word(fields, token.text)
        if token.text in "~^/":
            raise unsupported(f"{token.text} in a query")
        self._at -= 1
        raise self.broken()

    def _word(self, fields: list[str] | None, text: str) -> Hit:
        if re.search(r"(?<!\\)[*?]", text):
            if text == "*":
                return _anything if fields is None else _or([exists(name) for name in fields])
            return _like(fields, text)
        return _words(fields, _plain(text), every=self._every, phrase=False)

    def _range(self, text: str) -> dict[str, str]:
        found = _RANGE.fullmatch(text)
        if found is None:
            raise self.broken()
        low, high = found[2].strip('"'), found[3].strip('"')
        bounds = {"gte" if found[1] == "[" else "gt": low, "lte" if found[4] == "]" else "lt": high}
        return {name: bound for name, bound in bounds.items() if bound != "*"}

    def _add(self, clauses: list[_Clause], conjunction: str, modifier: Modifier, hit: Hit) -> None:
        if clauses and clauses[-1].occur != "must_not":
            if conjunction == "and":
                clauses[-1] = clauses[-1]._replace(occur="must")
            elif conjunction == "or" and self._every:
                clauses[-1] = clauses[-1]._replace(occur="should")
        if modifier == "prohibited":
            clauses.append(_Clause("must_not", hit))
            return
        required = conjunction != "or" if self._every else modifier == "required" or conjunction == "and"
        clauses.append(_Clause("must" if required else "should", hit))


def _combined(clauses: Sequence[_Clause], *, top: bool) -> Hit:
    must = [one.hit for one in clauses if one.occur == "must"]
    should = [one.hit for one in clauses if one.occur == "should"]
    never = [one.hit for one in clauses if one.occur == "must_not"]

    def hit(found: Found) -> bool:
        if not must and not should:
            return top and not any(one(found) for one in never)
        return (
            all(one(found) for one in must)
            and (bool(must) or any(one(found) for one in should))
            and not any(one(found) for one in never)
        )

    return hit


def _words(fields: list[str] | None, text: str, *, every: bool, phrase: bool) -> Hit:
    def hit(found: Found) -> bool:
        return any(words(name, text, every=every, phrase=phrase)(found) for name in fields or found.fields)

    return hit


def _like(fields: list[str] | None, pattern: str) -> Hit:
    if "\\" in pattern:
        raise unsupported("an escape in a pattern")

    def hit(found: Found) -> bool:
        return any(like(name, pattern)(found) for name in fields or found.fields)

    return hit


def _any(fields: list[str] | None, bounds: dict[str, str]) -> Hit:
    if fields is None:
        raise unsupported("a range without a field")
    return _or([within(name, bounds) if bounds else exists(name) for name in fields])


def _or(hits: Sequence[Hit]) -> Hit:
    return lambda found: any(hit(found) for hit in hits)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _nothing(_found: Found) -> bool:
    return False


def _anything(_found: Found) -> bool:
    return True
