"""Study: everything that a stage may know of the study; read-only and small enough to send elsewhere."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tasks.artifacts.record import write_atomically
from tasks.artifacts.spec import digest_of
from tasks.artifacts.store import Store
from tasks.slides.manifest import Manifest, SlideRow
from tasks.slides.mirror import mirror_for
from tasks.study.config import S, StudyBase
from tasks.study.folds import Fold, dealt_out


@dataclass(frozen=True)
class Study:
    """A study that was checked and opened.

    Attributes:
        config: the study file.
        home: the folder of all state, absolute.
        data_root: the folder that the manifest's paths start from, absolute.
        manifest: the cohort.
        hashes: sha256 of every input file, by its path in the manifest or study file.
        device: ``cpu`` or ``cuda``.
        folds: the folds that are run; none where slides have the splits of the manifest.
        data_url: the data root where it is a URL; ``data_root`` then holds copies.
    """

    config: StudyBase
    home: Path
    data_root: Path
    manifest: Manifest
    hashes: Mapping[str, str]
    device: str
    folds: tuple[Fold, ...] = ()
    data_url: str | None = None

    def at(self, home: Path) -> "Study":
        """Return the study as a process sees it whose home is ``home``, such as one of another machine.

        Slides of a URL are copied below that home, and artifacts of an object store cached there.
        """
        if self.data_url is None:
            return replace(self, home=home)
        mirror = mirror_for(self.data_url, home, self.config.resources.slide_cache_gb)
        return replace(self, home=home, data_root=mirror.files)

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.config.study

    def section(self, kind: type[S]) -> S:
        """Return the section of type ``kind`` of the study file."""
        return self.config.section(kind)

    @cached_property
    def slides(self) -> tuple[SlideRow, ...]:
        """The slides of the study: all of the manifest, with folds those that were shared out."""
        folds = self.config.folds
        return self.manifest.slides if folds is None else dealt_out(folds, self.manifest.slides)

    @cached_property
    def row(self) -> Mapping[str, SlideRow]:
        """The manifest row of each slide of the study, by slide id."""
        return {row.slide_id: row for row in self.slides}

    @property
    def patients(self) -> frozenset[str]:
        """Every patient id of the manifest; none of them leaves the store."""
        return frozenset(row.patient_id for row in self.manifest.slides)

    @property
    def split_hash(self) -> str:
        """Hash over who lies in which split, with folds in which split of which fold."""
        own = self.manifest.split_hash
        return digest_of([own, [[f.index, f.roles] for f in self.folds]]) if self.folds else own

    @property
    def device_slots(self) -> tuple[str, ...]:
        """The devices that take one model each at a time."""
        return self.config.resources.devices or (self.device,)

    @property
    def store(self) -> Store:
        """The artifact store that the study names; by default that of this home."""
        resources = self.config.resources
        return Store(self.home, resources.store, resources.cache_gb)

    @property
    def salt(self) -> str:
        """The secret that patient ids of this home are hashed with; made at the first call."""
        path = self.home / "salt"
        if not path.is_file():
            self.home.mkdir(parents=True, exist_ok=True)
            write_atomically(path, secrets.token_hex(16))
            path.chmod(0o600)
        return path.read_text(encoding="utf-8").strip()
