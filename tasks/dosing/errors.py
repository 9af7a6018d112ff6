"""Errors of the search for a dose."""


class DoseSearchError(ValueError):
    """A search for a dose that has no answer. One sentence says why."""
