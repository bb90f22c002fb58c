"""Lambda filter patterns: SQL conditions said exactly in them, or the reason why they cannot be."""
