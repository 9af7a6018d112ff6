"""Explanations that are not maps: one file a method."""
