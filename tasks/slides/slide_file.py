"""How a slide is opened: all that is needed to open it again, elsewhere and later."""

from dataclasses import dataclass
from pathlib import Path

from tasks.slides.pixels import Resample
from tasks.slides.reader import SlideReader, open_slide
from tasks.slides.row import SlideRow


@dataclass(frozen=True)
class SlideFile:
    """A slide on disk.

    Attributes:
        path: the file.
        mpp: micrometres per level-0 pixel that the manifest states, if it does.
        resample: how its pixels are resampled.
    """

    path: Path
    mpp: float | None
    resample: Resample = "lanczos"

    @classmethod
    def of(cls, row: SlideRow, data_root: Path, resample: Resample = "lanczos") -> "SlideFile":
        """Return the file of a manifest's row."""
        return cls(data_root / row.path, row.mpp, resample)

    def open(self, thumbnail_px: int = 1024) -> SlideReader:
        """Open it, with a thumbnail whose longer side has ``thumbnail_px``.

        Raises:
            SlideError: it cannot be opened.
        """
        return open_slide(self.path, self.mpp, thumbnail_px=thumbnail_px, resample=self.resample)
