"""What the local cloud assumes of Lambda and BigQuery, asked of a real account: `sluice probe`.

`mappings` and `orders` are what the command, its function and the program have in common. `function` is what
runs in Lambda; `cases` and `rows` are what is tried, `assumptions` what each trial is about.
"""
