"""Sluice: a streaming analytics pipeline that a team owns as code."""
