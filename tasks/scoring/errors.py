"""What can be wrong with what a user brings."""


class ScoringError(ValueError):
    """Images, maps, a network or settings that cannot be scored; the message is one sentence."""
