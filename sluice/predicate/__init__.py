"""SQL filters over events: parsed, checked against the contract and compiled to Python."""
