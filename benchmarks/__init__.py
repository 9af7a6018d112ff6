"""Measured comparisons with the floor and with other projects; not tests."""
