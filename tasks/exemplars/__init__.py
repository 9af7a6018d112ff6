"""Explanations that are not maps: one file per method."""
