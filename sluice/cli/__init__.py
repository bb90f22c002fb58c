"""The command line: one module per command, over a few shared ones."""
