"""What a claim expects of a difference: its sign, and the difference that its test sets out to refute."""

from tasks.comparison.row import Row


def trained_once(row: Row) -> bool:
    """Return whether the row sets two arms against each other that have one training each."""
    return row.seeds == 1 and row.kind != "against_control" and row.arm != row.against


def is_tolerant(expected: str) -> bool:
    """Return whether a claim is that nothing is lost, rather than that something is gained."""
    return expected in ("not_lower", "not_higher")


def sign_of(expected: str) -> int:
    """Return the sign of the difference that a claim speaks of."""
    return 1 if expected in ("higher", "not_lower") else -1


def null_of(row: Row) -> float:
    """Return the difference that the test of a row sets out to refute."""
    return -sign_of(row.expected) * row.margin if is_tolerant(row.expected) else 0.0
