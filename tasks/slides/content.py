"""What a slide consists of: the bytes of all its files, and what tells it from other slides."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tasks.slides.slide_facts import SlideFacts
from tasks.slides.tile_lists.images import archived_digests
from tasks.slides.tile_lists.tile_list import is_tile_list, read_tile_list


class SlideContent(NamedTuple):
    """The bytes of a slide.

    Attributes:
        own: hex sha256 of the file that the manifest names.
        digest: hex digest over all files of the slide; of a slide of one file it is ``own``.
        problem: why they cannot be read; empty where they can.
    """

    own: str
    digest: str
    problem: str = ""


class SlideInputs(Protocol):
    """Looks into slide files. Each answer is kept, so that no file is read twice."""

    def contents(self, paths: Sequence[Path]) -> Mapping[Path, SlideContent]:
        """Return the bytes of slides, which takes reading all of them."""

    def facts(self, paths: Sequence[Path]) -> Mapping[Path, SlideFacts]:
        """Return what opening each slide says."""

    def sample_digest(self, path: Path) -> str:
        """Return a hash of some of the pixels."""

    def files(self, path: Path) -> Sequence[tuple[str, Path]]:
        """Return every file of a slide, with its name in the slide."""


def entries_of(path: Path) -> list[tuple[str, str]]:
    """Return (name, digest) of every part of a slide that is no file: the entries of archives of a tile list.

    Raises:
        SlideError: the list or an archive cannot be read, or an entry is not there.
    """
    return archived_digests(path.parent, read_tile_list(path).images) if is_tile_list(path) else []


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """Return the digest of a slide from the names and sha256 of its files, in any sequence."""
    listed = sorted(files)
    if len(listed) == 1:
        return listed[0][1]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
