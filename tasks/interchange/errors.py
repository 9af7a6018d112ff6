"""The error of files that come from elsewhere."""


class InterchangeError(Exception):
    """A file or table of another tool cannot be used; one sentence for the person who brought it."""
