"""BigQuery SQL, bound name by name and type by type, then written as DuckDB SQL.

Every function, operator and clause has to be known here to be accepted: what is not known is refused by name,
so that no query gets an answer that BigQuery would not give.
"""
