"""What can be wrong with a network that a study asks for."""


class ModelError(Exception):
    """A network cannot be built or its weights do not fit; the message is one sentence."""
