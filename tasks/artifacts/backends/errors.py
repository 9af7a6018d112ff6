"""What goes wrong with a store; each message is one sentence for the person who fixes it."""


class StoreError(OSError):
    """A store cannot be reached, or refuses what is asked of it.

    It is an error of the file system, so that a build that met one is tried again.
    """


class StoreAddressError(ValueError):
    """An address that names no store, or holds a secret."""


class MissingArtifactError(LookupError):
    """An artifact that was asked for is not in the store, or is damaged."""
