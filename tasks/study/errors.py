"""What the user got wrong. Each message is one sentence per problem."""

from tasks.artifacts.sentence import SentenceError


class ConfigError(SentenceError):
    """A study file that cannot be used."""


class UsageError(SentenceError):
    """The user asked for something that cannot be had."""
