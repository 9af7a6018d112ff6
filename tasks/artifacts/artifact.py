"""Artifact: a read-only view of one stored payload."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tasks.artifacts.pixel_source import PixelSource


class OutdatedArtifactError(ValueError):
    """A stored payload that today's code cannot read."""


@dataclass(frozen=True)
class Artifact:
    """A view of the payload in ``folder``; a subclass says what lies there and reads it.

    The name of the subclass is the kind under which the store keeps the payload.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path, source: "PixelSource | None" = None) -> Self:
        """Return the view of a payload; ``source`` gives the pixels of tiles that keep none."""
        return cls(folder)

    @classmethod
    def kind(cls) -> str:
        """The kind under which the store keeps such payloads."""
        return cls.__name__

    def check(self) -> None:
        """Refuse a payload that was written before today's layout.

        Raises:
            OutdatedArtifactError: naming what is missing.
        """
