"""Hashes of input files, kept one by one as they are made, so that no file is read twice."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from flows.fetched_inputs import FetchedInputs, Learned
from flows.side_by_side import side_by_side
from tasks.artifacts.journal import Journal
from tasks.slides.content import SlideContent, digest_of_files, entries_of
from tasks.slides.dicom import series_of
from tasks.slides.errors import SlideError
from tasks.slides.mirror import mirror_of
from tasks.slides.slide_facts import OPENED_WITH, SlideFacts, facts_of, sample_digest
from tasks.slides.slide_files import slide_files
from tasks.slides.tile_lists.tile_list import is_tile_list

_log = logging.getLogger("veritile.study")
_CHUNK = 1 << 20
_TICK_S = 2.0
"""The coarsest clock of a file system. A file that changes twice within a tick shows no later time."""


class _Read(NamedTuple):
    """What came of reading a file: its hex sha256, or the error."""

    digest: str
    error: OSError | None = None


class _Nameless(Journal):
    """A journal whose file holds no key in clear: keys are paths, which may name patients."""

    def get(self, key: str) -> Any:
        """Return the result of ``key``, also where an earlier version kept it in clear."""
        found = super().get(_hidden(key))
        return super().get(key) if found is None else found

    def put(self, key: str, result: Any) -> None:
        """Keep the result of ``key``."""
        super().put(_hidden(key), result)


class InputHashes:
    """What is known of input files, kept below a home; files of an object store are fetched for it.

    A file is known by its path, size, time of change and number on the disk. If any of them differs, it is
    read again. So is a file that changed just before it was read, as it may change once more at the same
    time. Answers are kept as they come: neither an error in another row nor a kill loses them.
    """

    def __init__(self, home: Path) -> None:
        self._hashes = _Nameless(home / "work" / "file_hashes.jsonl")
        self._opened = _Nameless(home / "work" / "slide_facts.jsonl")
        self._before = home / "work" / "file_hashes.json"
        self._series: dict[Path, Mapping[Path, str]] = {}
        self._files: dict[Path, tuple[tuple[str, Path], ...]] = {}
        self._fetched = FetchedInputs(Journal(home / "work" / "fetched.jsonl"), self._look, self._sha256)

    def file(self, path: Path) -> str:
        """Return the hex sha256 of a file, read only if it is new or was touched.

        Raises:
            OSError: it cannot be read.
        """
        return self.all_files([path])[path]

    def all_files(self, paths: Iterable[Path]) -> dict[Path, str]:
        """Return the hex sha256 of files, those that are not kept several at a time, with progress.

        Raises:
            OSError: one cannot be read; the hashes of the others are kept.
        """
        here, away = _parted(paths)
        read = self._read_all(here)
        for each in read.values():
            if each.error is not None:
                raise each.error
        hashes = {path: each.digest for path, each in read.items()}
        return hashes | self._fetched.all_files(away)

    def contents(self, paths: Sequence[Path]) -> dict[Path, SlideContent]:
        """Return the bytes of slides, each with all its files; a slide that cannot be read says why."""
        here, away = _parted(paths)
        learned = self._fetched.learn(away)
        return self._contents(here) | {path: each.content for path, each in learned.items()}

    def _contents(self, paths: Sequence[Path]) -> dict[Path, SlideContent]:
        members = {path: self._files_of(path) for path in paths}
        read = self._read_all(file for files in members.values() for _, file in files)
        contents = {}
        for path, files in members.items():
            errors = [(file, error) for _, file in files if (error := read[file].error) is not None]
            try:
                entries = entries_of(path)
            except SlideError as error:
                contents[path] = SlideContent("", "", str(error))
                continue
            if errors:
                file, failed = errors[0]
                contents[path] = SlideContent("", "", f"{file.name} cannot be read: {failed.strerror}")
            else:
                listed = [(name, read[file].digest) for name, file in files]
                contents[path] = SlideContent(read[path].digest, digest_of_files([*listed, *entries]))
        return contents

    def facts(self, paths: Sequence[Path]) -> dict[Path, SlideFacts]:
        """Return what opening each slide says."""
        here, away = _parted(paths)
        learned = self._fetched.learn(away)
        return self._facts(here) | {path: each.facts for path, each in learned.items()}

    def _facts(self, paths: Sequence[Path]) -> dict[Path, SlideFacts]:
        keys = {path: f"facts|{OPENED_WITH}|{self._key(path)}" for path in paths}
        kept = {path: self._opened.get(key) for path, key in keys.items()}

        def open_one(path: Path, _advance: Callable[[int], None]) -> SlideFacts:
            facts = facts_of(path)
            # A disk that did not answer may answer next time.
            if not facts.problem and not any(just_changed(file) for _, file in self._files_of(path)):
                self._opened.put(keys[path], facts.model_dump(mode="json"))
            return facts

        opened = side_by_side("opening slides", [p for p, facts in kept.items() if facts is None], open_one)
        return {
            p: opened[p] if facts is None else SlideFacts.model_validate(facts) for p, facts in kept.items()
        }

    def sample_digest(self, path: Path) -> str:
        """Return a hash of some of the pixels of a slide."""
        if mirror_of(path) is not None:
            return self._fetched.kept(f"sample|{OPENED_WITH}", path, sample_digest)
        return self._kept(f"sample|{OPENED_WITH}|{self._key(path)}", path, lambda: sample_digest(path))

    def files(self, path: Path) -> tuple[tuple[str, Path], ...]:
        """Return every file of a slide, with its name in the slide."""
        return self._files_of(path) if mirror_of(path) is None else self._fetched.learn([path])[path].files

    def _sha256(self, path: Path) -> str:
        """Return the hex sha256 of a file that is on the disk now."""
        read = self._read_all([path])[path]
        if read.error is not None:
            raise read.error
        return read.digest

    def _look(self, path: Path) -> Learned:
        """Return what a slide says that is on the disk now."""
        return Learned(self._contents([path])[path], self._facts([path])[path], self._files_of(path))

    def _files_of(self, path: Path) -> tuple[tuple[str, Path], ...]:
        if path not in self._files:
            try:
                self._files[path] = slide_files(path, self._series_in)
            except (OSError, SlideError):  # reading it says why
                self._files[path] = (("", path),)
        return self._files[path]

    def _series_in(self, folder: Path) -> Mapping[Path, str]:
        if folder not in self._series:
            files = sorted(path for path in folder.iterdir() if path.is_file())
            series = {p: self._kept(f"series|{signature(p)}", p, partial(_series, p)) for p in files}
            self._series[folder] = {path: its for path, its in series.items() if its}
        return self._series[folder]

    def _key(self, path: Path) -> str:
        """Return what changes whenever any file of a slide does, as far as its facts rest on it."""
        if is_tile_list(path):  # its size is told by the list alone
            return signature(path)
        return "|".join(signature(file) for _, file in self._files_of(path))

    def _kept(self, key: str, path: Path, ask: Callable[[], str]) -> str:
        kept = self._opened.get(key)
        if kept is None:
            fresh = just_changed(path)
            kept = ask()
            if not fresh:
                self._opened.put(key, kept)
        return str(kept)

    def _stored(self, key: str) -> str | None:
        kept = self._hashes.get(key) or self._legacy.get(key.rpartition("|")[0])
        return None if kept is None else str(kept)

    @cached_property
    def _legacy(self) -> Mapping[str, str]:
        """The hashes that earlier versions kept in one file, without the number on the disk."""
        try:
            kept = json.loads(self._before.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _read_all(self, paths: Iterable[Path]) -> dict[Path, _Read]:
        keys: dict[Path, str] = {}
        read: dict[Path, _Read] = {}
        for path in dict.fromkeys(paths):
            try:
                keys[path] = signature(path)
            except OSError as error:
                read[path] = _Read("", error)
        stored = {path: self._stored(key) for path, key in keys.items()}
        new = [path for path, digest in stored.items() if digest is None]
        hashed = side_by_side(
            "reading input files",
            new,
            lambda path, advance: self._hash(path, keys[path], advance),
            sized=True,
        )
        return read | {
            path: hashed[path] if digest is None else _Read(digest) for path, digest in stored.items()
        }

    def _hash(self, path: Path, key: str, advance: Callable[[int], None]) -> _Read:
        digest = hashlib.sha256()
        try:
            fresh = just_changed(path)
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    advance(len(chunk))
            unchanged = signature(path) == key  # else it was written while it was read
        except OSError as error:
            return _Read("", error)
        if unchanged and not fresh:
            self._hashes.put(key, digest.hexdigest())
        return _Read(digest.hexdigest())


def _parted(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Return the paths on this machine, and those of an object store."""
    unique = list(dict.fromkeys(paths))
    away = [path for path in unique if mirror_of(path) is not None]
    return [path for path in unique if path not in away], away


def _series(path: Path) -> str:
    try:
        return series_of(path) or ""
    except OSError:  # a file beside the slide that is not ours to read
        return ""


def _hidden(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def signature(path: Path) -> str:
    """Return what a file is known by: path, size in bytes, time of change in nanoseconds, number on the disk.

    Raises:
        OSError: there is no such file.
    """
    stat = path.stat()
    return f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}"


def just_changed(path: Path) -> bool:
    """Say whether a file changed so lately that a further change may not show in its time.

    Raises:
        OSError: there is no such file.
    """
    return abs(time.time() - path.stat().st_mtime) < _TICK_S
