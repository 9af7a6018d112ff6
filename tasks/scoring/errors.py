"""The error of invalid input."""

from tasks.artifacts.sentence import SentenceError


class ScoringError(SentenceError, ValueError):
    """Images, maps, a network or settings that cannot be scored; the message is one sentence."""


class NetworkWarning(UserWarning):
    """What does not stop the scoring but changes what its numbers mean; the message is one sentence."""
