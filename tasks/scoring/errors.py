"""The error of invalid input."""


class ScoringError(ValueError):
    """Images, maps, a network or settings that cannot be scored; the message is one sentence."""
