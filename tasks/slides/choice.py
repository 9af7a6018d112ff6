"""Which way a slide file is read, and why: decided once per file and stored with its tiles."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.slides.direct.layout import DirectLayout
from tasks.slides.facts import FileFacts


class ReaderChoice(BaseModel):
    """How a slide file is read.

    Attributes:
        name: ``direct`` where the file's own tiles are decoded; ``openslide`` where OpenSlide reads; ``list``
            where ready-made tile images are pasted together; ``features`` where there are no pixels.
        reason: why.
        facts: what the file states of itself.
        levels_left_out: levels that are never read, with the reason.
        layout: where the tiles of a directly read file lie.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["direct", "openslide", "list", "features"]
    reason: str
    facts: FileFacts
    levels_left_out: dict[int, str] = {}
    layout: DirectLayout | None = None
