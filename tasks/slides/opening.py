"""How a slide is opened: all that is needed to open it again, in another thread, process or run."""

import weakref
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.slides.choice import ReaderChoice
from tasks.slides.feature_files import is_feature_file
from tasks.slides.feature_reader import open_feature_file
from tasks.slides.mirror import mirror_of
from tasks.slides.pixels import Resample
from tasks.slides.reader import SlideReader, open_slide
from tasks.slides.resolution import ManifestMpp
from tasks.slides.row import SlideRow
from tasks.slides.tile_lists.reader import open_tile_list
from tasks.slides.tile_lists.tile_list import is_tile_list

READER = "reader.json"
"""The file, in a payload that is made from a slide, that says how the slide was read."""


class Reading(BaseModel):
    """How the pixels of a payload were read, and are read again.

    Attributes:
        resample: how pixels are resampled where no level has the asked resolution.
        choice: which path reads the file, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resample: Resample
    choice: ReaderChoice

    def write(self, folder: Path) -> None:
        """Write it into the payload ``folder``."""
        (folder / READER).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_reading(folder: Path) -> Reading:
    """Return how the pixels of the payload ``folder`` were read."""
    return Reading.model_validate_json((folder / READER).read_bytes())


@dataclass(frozen=True)
class Opening:
    """A slide on disk, and how its tiles are read.

    Attributes:
        path: the file.
        mpp: micrometres per level-0 pixel that the manifest states, if it does, or an override.
        resample: how pixels are resampled where no level has the asked resolution.
        choice: how the file is read, as an earlier reader found out; None: it is found out.
    """

    path: Path
    mpp: ManifestMpp
    resample: Resample = "lanczos"
    choice: ReaderChoice | None = field(default=None, compare=False)

    @classmethod
    def of(cls, row: SlideRow, data_root: Path, resample: Resample = "lanczos") -> "Opening":
        """Return how the slide of a manifest's row is opened for the first time."""
        return cls(data_root / row.path, row.stated_mpp, resample)

    @classmethod
    def again(cls, row: SlideRow, data_root: Path, reading: Reading) -> "Opening":
        """Return how it is opened again, to be read as it was."""
        return cls(data_root / row.path, row.stated_mpp, reading.resample, reading.choice)

    def open(self, thumbnail_px: int = 1024) -> SlideReader:
        """Open the slide, with a thumbnail whose longer side has ``thumbnail_px``.

        Raises:
            SlideError: it cannot be opened.
        """
        mirror = mirror_of(self.path)
        if mirror is None:
            return self._opened(thumbnail_px)
        let_go = mirror.fetch(self.path)
        with ExitStack() as undo:
            undo.callback(let_go)
            reader = self._opened(thumbnail_px)
            undo.pop_all()
        # Its copy stays as long as the reader: decoders open files again and again.
        weakref.finalize(reader, let_go)
        return reader

    def _opened(self, thumbnail_px: int) -> SlideReader:
        if is_tile_list(self.path):
            return open_tile_list(self.path, self.mpp, thumbnail_px, self.resample)
        if is_feature_file(self.path):
            return open_feature_file(self.path, self.mpp, thumbnail_px)
        return open_slide(
            self.path, self.mpp, thumbnail_px=thumbnail_px, resample=self.resample, choice=self.choice
        )
