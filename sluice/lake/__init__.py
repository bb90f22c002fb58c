"""Reading the lake: Athena's queries and their typed answers, and what the lake holds."""
