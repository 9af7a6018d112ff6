"""What the user got wrong. Each message is one sentence per problem."""


class ConfigError(Exception):
    """A study file that cannot be used."""


class UsageError(Exception):
    """The user asked for something that cannot be had."""
