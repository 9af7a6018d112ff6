"""Whether a name that somebody wrote is a file: a name of thousands of letters is none, and no error."""

from pathlib import Path


def is_present(path: Path) -> bool:
    r"""Return whether there is such a file; False also for a name that no file can have.

    Example:
        >>> is_present(Path("a" * 5000)), is_present(Path("a\0b"))
        (False, False)
    """
    try:
        return path.is_file()
    except OSError:
        return False
