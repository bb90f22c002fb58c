"""Functions' packages, looked into: their hash and size, what they hold, and whether they can be imported."""
