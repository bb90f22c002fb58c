"""Windows of live metrics: partial aggregates that merge, and the table that keeps them.

`sluice.windows.reader` is for programs that read them: `WindowReader`.
"""
