"""The page that business users open."""
