"""The error of files that come from elsewhere."""

from tasks.artifacts.sentence import SentenceError


class InterchangeError(SentenceError):
    """A file or table of another tool cannot be used; one sentence for the person who brought it."""
