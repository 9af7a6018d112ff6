"""How a slide is opened: all that is needed to open it again, elsewhere and later."""

from dataclasses import dataclass
from pathlib import Path

from tasks.slides.reader import SlideReader, open_slide
from tasks.slides.resolution import ManifestMpp
from tasks.slides.row import SlideRow


@dataclass(frozen=True)
class SlideFile:
    """A slide on disk.

    Attributes:
        path: the file.
        mpp: micrometres per level-0 pixel that the manifest states, if it does, or an override.
    """

    path: Path
    mpp: ManifestMpp

    @classmethod
    def of(cls, row: SlideRow, data_root: Path) -> "SlideFile":
        """Return the file of a manifest's row."""
        return cls(data_root / row.path, row.stated_mpp)

    def open(self, thumbnail_px: int = 1024) -> SlideReader:
        """Open it, with a thumbnail whose longer side has ``thumbnail_px``.

        Raises:
            SlideError: it cannot be opened.
        """
        return open_slide(self.path, self.mpp, thumbnail_px=thumbnail_px)
