"""Synthetic slides with known answers."""
