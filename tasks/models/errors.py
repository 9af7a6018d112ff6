"""The error of a network that cannot be used."""

from tasks.artifacts.sentence import SentenceError


class ModelError(SentenceError):
    """A network cannot be built, its weights do not fit, or it does not answer as it must.

    The message is one sentence.
    """
