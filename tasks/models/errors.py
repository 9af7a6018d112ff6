"""The error of a network that cannot be built."""


class ModelError(Exception):
    """A network cannot be built or its weights do not fit; the message is one sentence."""
