"""A study at work: its config, its manifest, its folders, and what is to be forced."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.config import STAGES, ConfigError, Stage, StudyConfig
from flows.folds import Fold, dealt_out, make_folds
from tasks.artifacts.part import digest_of
from tasks.artifacts.payload import sha256_of
from tasks.artifacts.record import write_atomically
from tasks.artifacts.store import Store
from tasks.slides.manifest import Manifest, SlideRow, input_files, load_manifest


class UsageError(Exception):
    """The user asked for something that cannot be had; the message is one sentence."""


@dataclass(frozen=True)
class Selection:
    """Which parts a forced stage makes again; an empty field selects every value."""

    arm: tuple[str, ...] = ()
    seed: tuple[int, ...] = ()
    slide: tuple[str, ...] = ()
    explainer: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    fold: tuple[int, ...] = ()

    def takes(self, coords: Mapping[str, str]) -> bool:
        """Say whether a part at ``coords`` is selected; a coordinate that a part has not is no hindrance."""
        return all(
            coords[name] in {str(value) for value in wanted}
            for name, wanted in vars(self).items()
            if wanted and name in coords
        )

    @property
    def empty(self) -> bool:
        """True where nothing is narrowed."""
        return not any(vars(self).values())


@dataclass(frozen=True)
class Orders:
    """What the user asked for beyond plain resuming: ``only`` or ``from_stage``, and for which parts."""

    only: Stage | None = None
    from_stage: Stage | None = None
    selection: Selection = field(default_factory=Selection)

    def __post_init__(self) -> None:
        if self.only and self.from_stage:
            raise UsageError("--only and --from exclude each other; give one of them")
        if not self.selection.empty and not (self.only or self.from_stage):
            raise UsageError(
                "--arm, --fold, --seed, --slide, --explainer and --metric narrow --only or --from; give one"
            )

    def forces(self, stage: Stage, coords: Mapping[str, str]) -> bool:
        """Say whether the part at ``coords`` is made again although it is there."""
        return stage in (self.only, self.from_stage) and self.selection.takes(coords)

    def wants(self, stage: Stage) -> bool:
        """Say whether parts of ``stage`` may be made at all."""
        return self.only in (None, stage)

    def reaches(self, stage: Stage) -> bool:
        """Say whether ``stage`` is looked at; those after ``only`` are left untouched."""
        return self.only is None or STAGES.index(stage) <= STAGES.index(self.only)


@dataclass(frozen=True)
class Session:
    """Everything a stage needs to know; read-only."""

    config: StudyConfig
    home: Path
    data_root: Path
    manifest: Manifest
    hashes: Mapping[str, str]
    """sha256 of every input file, by path relative to the data root."""
    device: str
    orders: Orders
    folds: tuple[Fold, ...] = ()
    """The folds that are run; none where slides have the splits of the manifest."""

    @property
    def slides(self) -> tuple[SlideRow, ...]:
        """The slides of the study: all of the manifest, with folds those that were dealt out."""
        folds = self.config.folds
        return self.manifest.slides if folds is None else dealt_out(folds, self.manifest.slides)

    @property
    def split_hash(self) -> str:
        """Hash over who lies in which split, with folds in which split of which fold."""
        own = self.manifest.split_hash
        return digest_of([own, [[f.index, f.roles] for f in self.folds]]) if self.folds else own

    @property
    def store(self) -> Store:
        """The artifact store of this home."""
        return Store(self.home)


class FileHashes:
    """Hashes of input files, kept by path, size and time, so that a cohort is read once."""

    def __init__(self, home: Path) -> None:
        self._path = home / "work" / "file_hashes.json"
        self._known: dict[str, str] = {}
        if self._path.is_file():
            self._known = json.loads(self._path.read_text(encoding="utf-8"))

    def __call__(self, path: Path) -> str:
        """Return the hex sha256 of ``path``, read only if the file is new or was touched."""
        stat = path.stat()
        key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in self._known:
            self._known[key] = sha256_of(path)
        return self._known[key]

    def save(self) -> None:
        """Keep what was hashed for the next run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(self._known, indent=0, sort_keys=True))


def open_session(config: StudyConfig, home: Path, data_root: Path | None, orders: Orders) -> Session:
    """Check the manifest and its files, and return the session.

    Raises:
        ManifestError: with every problem of the manifest.
        ConfigError: an arm learns from a site that has no slide, or slides cannot be dealt out as asked.
        UsageError: a fold is named that the study has not.
    """
    csv = Path(config.manifest)
    root = (data_root or csv.parent).resolve()
    hashes = FileHashes(home)
    shared = frozenset(config.shared_patients)
    manifest, _ = load_manifest(csv, root, shared, hashes)
    found = {path: hashes(root / path) for row in manifest.slides for path in input_files(row).values()}
    found |= _initial_weights(config, hashes)
    hashes.save()
    _refuse_unknown_sites(config, manifest)
    folds = make_folds(config.folds, manifest.slides, shared) if config.folds is not None else ()
    _refuse_unknown_folds(orders.selection, folds)
    return Session(config, home, root, manifest, found, _device(config), orders, folds)


def _refuse_unknown_sites(config: StudyConfig, manifest: Manifest) -> None:
    known = sorted({row.site for row in manifest.slides if row.site is not None and row.split != "test"})
    for arm in config.train.arms:
        strangers = [site for site in arm.sites or () if site not in known]
        if strangers:
            there = f"there are: {', '.join(known)}" if known else "there are none"
            raise ConfigError(
                f"arm {arm.id!r} learns from site {strangers[0]!r}, which no slide to train or validate on "
                f"has; {there}"
            )


def _refuse_unknown_folds(selection: Selection, folds: Sequence[Fold]) -> None:
    known = [fold.index for fold in folds]
    strangers = [index for index in selection.fold if index not in known]
    if strangers:
        there = f"the folds are {', '.join(map(str, known))}" if known else "the study has no folds"
        raise UsageError(f"no fold {strangers[0]}; {there}")


def _initial_weights(config: StudyConfig, hashes: FileHashes) -> dict[str, str]:
    path = config.train.recipe.network.init
    if path is None:
        return {}
    if not Path(path).is_file():
        raise UsageError(f"train.recipe.network.init names no file: {path}")
    return {path: hashes(Path(path))}


def _device(config: StudyConfig) -> str:
    if config.device != "auto":
        return config.device
    import torch  # heavy: not needed to refuse a wrong study file

    return "cuda" if torch.cuda.is_available() else "cpu"
