"""Windows of live metrics: partial aggregates that merge, and the table that keeps them."""
