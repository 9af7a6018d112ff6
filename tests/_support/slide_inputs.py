"""Looks into slide files for tests of the manifest, counting how often each file is read."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.slides.content import SlideContent, digest_of_files, entries_of
from tasks.slides.dicom import series_of
from tasks.slides.slide_facts import SlideFacts, facts_of, sample_digest
from tasks.slides.slide_files import slide_files


class PlainInputs:
    """Keeps nothing."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.sampled: Counter[str] = Counter()

    def contents(self, paths: Sequence[Path]) -> Mapping[Path, SlideContent]:
        return {path: self._content(path) for path in paths}

    def _content(self, path: Path) -> SlideContent:
        hashes = [(name, self._hash(file)) for name, file in self.files(path)]
        return SlideContent(self._hash(path), digest_of_files([*hashes, *entries_of(path)]))

    def _hash(self, path: Path) -> str:
        self.read[path.name] += 1
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def facts(self, paths: Sequence[Path]) -> Mapping[Path, SlideFacts]:
        return {path: facts_of(path) for path in paths}

    def sample_digest(self, path: Path) -> str:
        self.sampled[path.name] += 1
        return sample_digest(path)

    def files(self, path: Path) -> Sequence[tuple[str, Path]]:
        return slide_files(path, series_in)


def series_in(folder: Path) -> Mapping[Path, str]:
    """Return the series of every DICOM file of a folder."""
    every = {path: series_of(path) for path in folder.iterdir() if path.is_file()}
    return {path: series for path, series in every.items() if series}
