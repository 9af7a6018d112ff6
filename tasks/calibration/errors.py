"""Errors of the search for sigma."""


class CalibrationError(ValueError):
    """A search for sigma that has no answer. One sentence says why."""
