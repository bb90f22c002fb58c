"""The words and signs of BigQuery's SQL: those that a filter takes, and what to write instead of others."""

SIGNS = frozenset({"(", ")", ",", ".", "=", "!=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "||"})
KEYWORDS = frozenset({
    "AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL", "TRUE", "FALSE", "CASE", "WHEN", "THEN",
    "ELSE", "END", "IF", "UNNEST", "EXTRACT", "FROM",
})  # fmt: skip
TYPES = frozenset({"DATE", "TIMESTAMP", "NUMERIC", "DECIMAL", "BIGNUMERIC", "BIGDECIMAL"})
"""What may stand before a string to say its type."""
RESERVED = frozenset({
    "ALL", "ANY", "ARRAY", "AS", "ASC", "ASSERT_ROWS_MODIFIED", "AT", "BY", "CAST", "COLLATE", "CONTAINS",
    "CREATE", "CROSS", "CUBE", "CURRENT", "DEFAULT", "DEFINE", "DESC", "DISTINCT", "ENUM", "ESCAPE",
    "EXCEPT", "EXCLUDE", "EXISTS", "FETCH", "FOLLOWING", "FOR", "FULL", "GROUP", "GROUPING", "GROUPS",
    "HASH", "HAVING", "IGNORE", "INNER", "INTERSECT", "INTERVAL", "INTO", "JOIN", "LATERAL", "LEFT",
    "LIMIT", "LOOKUP", "MERGE", "NATURAL", "NEW", "NO", "NULLS", "OF", "ON", "ORDER", "OUTER", "OVER",
    "PARTITION", "PRECEDING", "PROTO", "QUALIFY", "RANGE", "RECURSIVE", "RESPECT", "RIGHT", "ROLLUP",
    "ROWS", "SELECT", "SET", "SOME", "STRUCT", "TABLESAMPLE", "TO", "TREAT", "UNBOUNDED", "UNION", "USING",
    "WHERE", "WINDOW", "WITH", "WITHIN",
})  # fmt: skip
"""cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords (as of 2025), without the
keywords above."""
HINTS = {
    "AT": "AT TIME ZONE is not taken: EXTRACT and DATE are in UTC",
    "CAST": "CAST is not taken: values are compared as the types that they have",
    "DISTINCT": "IS DISTINCT FROM is not taken; compare with = and IS NULL",
    "ESCAPE": "LIKE has no ESCAPE in BigQuery; a backslash escapes: LIKE r'10\\%'",
    "INTERVAL": "INTERVAL is not taken; compare with TIMESTAMP '...'",
    "SELECT": "SELECT is not taken: a filter sees one event, no tables",
}
SIGN_HINTS = {
    "/": "; use SAFE_DIVIDE(a, b), as BigQuery stops at a division by zero",
    "%": "; use MOD(a, b)",
    "==": "; write =",
    "!": "; write NOT",
    "&&": "; write AND",
    "[": "; ask x IN UNNEST(list) or ARRAY_LENGTH(list)",
    ";": "; write one condition",
    "@": "; write the value itself",
    "?": "; write the value itself",
}
