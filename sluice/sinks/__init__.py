"""Sinks: one package per place that events go to, each stating its delivery guarantee."""
