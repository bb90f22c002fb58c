"""Sinks: one module per place that events go to, each stating its delivery guarantee."""
