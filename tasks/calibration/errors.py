"""Errors of the search for sigma."""


class SigmaSearchError(ValueError):
    """A search for sigma that has no answer. One sentence says why."""
