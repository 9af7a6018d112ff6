"""What one check found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "fault"]
"""A fault keeps something from working; a warning may cost time or surprise later."""


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        check: what was looked at, in a word or two.
        level: how it is.
        told: what was found and, where it is not right, what to do.
    """

    check: str
    level: Level
    told: str
