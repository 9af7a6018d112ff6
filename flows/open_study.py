"""Open a study: check its manifest and files before any work starts."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from tasks.artifacts.payload import sha256_of
from tasks.artifacts.record import write_atomically
from tasks.slides.errors import ManifestError, SlideError
from tasks.slides.manifest import Manifest, input_files, load_manifest
from tasks.slides.slide_labels import refuse_strange_label
from tasks.study.config import StudyBase
from tasks.study.errors import ConfigError, UsageError
from tasks.study.folds import make_folds
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection, weakly_labelled

_log = logging.getLogger("veritile.study")


class FileHashes:
    """Hashes of input files, kept by path, size and time, so that a cohort is read once."""

    def __init__(self, home: Path) -> None:
        self._path = home / "work" / "file_hashes.json"
        self._hashes: dict[str, str] = {}
        if self._path.is_file():
            self._hashes = _read_hashes(self._path)

    def __call__(self, path: Path) -> str:
        """Return the hex sha256 of ``path``, read only if the file is new or was touched."""
        stat = path.stat()
        key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in self._hashes:
            self._hashes[key] = sha256_of(path)
        return self._hashes[key]

    def save(self) -> None:
        """Keep what was hashed for the next run."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(self._hashes, indent=0, sort_keys=True))
        except OSError as error:
            # A home that may only be read: the next command hashes again.
            _log.debug("hashes of input files are not kept: %s", error)


def _read_hashes(path: Path) -> dict[str, str]:
    """Return what is kept; a damaged file is as good as none, as everything in it can be had again."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        kept = None
    if isinstance(kept, dict):
        return kept
    _log.warning("%s is damaged; input files are hashed again", path.name)
    return {}


def open_study(config: StudyBase, home: Path, data_root: Path | None) -> Study:
    """Check the manifest and its files, and return the study.

    Raises:
        ManifestError: with every problem of the manifest.
        ConfigError: an arm learns from a site that has no slide, the folds cannot be made, or tiles would be
            trained on labels of whole slides although the study does not say so.
        UsageError: the file of initial weights is absent.
    """
    home, csv = home.resolve(), Path(config.manifest)
    root = (data_root or csv.parent).resolve()
    hashes = FileHashes(home)
    shared = frozenset(config.shared_patients)
    manifest, _ = load_manifest(csv, root, shared, hashes)
    found = {path: hashes(root / path) for row in manifest.slides for path in input_files(row).values()}
    found |= _initial_weights(config, hashes)
    hashes.save()
    _refuse_unknown_sites(config, manifest)
    _refuse_strange_labels(config, manifest)
    folds = make_folds(config.folds, manifest.slides, shared) if config.folds is not None else ()
    study = Study(config, home, root, manifest, found, _device(config), folds)
    _refuse_weak_labels(study)
    return study


def _refuse_unknown_sites(config: StudyBase, manifest: Manifest) -> None:
    there = sorted({row.site for row in manifest.slides if row.site is not None and row.split != "test"})
    for arm in config.section(TrainSection).arms:
        strangers = [site for site in arm.sites or () if site not in there]
        if strangers:
            listed = f"there are: {', '.join(there)}" if there else "there are none"
            raise ConfigError(
                f"arm {arm.id!r} learns from site {strangers[0]!r}, which no slide to train or validate on "
                f"has; {listed}"
            )


def _refuse_strange_labels(config: StudyBase, manifest: Manifest) -> None:
    problems = []
    for row in manifest.slides:
        try:
            refuse_strange_label(row, config.section(TilingRecipe).classes)
        except SlideError as error:
            problems.append(str(error))
    if problems:
        raise ManifestError(tuple(problems))


def _refuse_weak_labels(study: Study) -> None:
    rows = weakly_labelled(study)
    if rows and not study.section(TrainSection).weak_labels:
        named = ", ".join(row.slide_id for row in rows[:3]) + (" and others" if len(rows) > 3 else "")
        raise ConfigError(
            f"{len(rows)} slides to train or validate on have only a label of the whole slide, such as "
            f"{rows[0].label!r} ({named}); each of their tiles would be trained with it, also where it shows "
            "nothing of it. Name an annotation or points in the manifest, use a slide-level model, or say "
            "train.weak_labels: true"
        )


def _initial_weights(config: StudyBase, hashes: FileHashes) -> Mapping[str, str]:
    path = config.section(TrainSection).recipe.network.init
    if path is None:
        return {}
    if not Path(path).is_file():
        raise UsageError(f"train.recipe.network.init names no file: {path}")
    return {path: hashes(Path(path))}


def refuse_absent_devices(study: Study) -> None:
    """Refuse devices that this machine does not have, before any work starts.

    Raises:
        UsageError: naming the first and what there is.
    """
    import torch  # heavy: not needed to plan

    there = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    allowed = {*there, "cuda"} if len(there) > 1 else {*there}
    absent = [slot for slot in study.device_slots if slot not in allowed]
    if absent:
        raise UsageError(f"device {absent[0]} is not on this machine, which has: {', '.join(there)}")


def refuse_unfit_network(study: Study) -> tuple[str, ...]:
    """Refuse a network of another package, or initial weights, that cannot be used, before any work starts.

    Returns:
        Sentences about what does not stop the work but changes what its numbers mean.

    Raises:
        ConfigError: the network cannot be made, does not answer as it must, or its weights do not fit.
    """
    network = study.section(TrainSection).recipe.network
    if network.module is None and network.init is None:
        return ()
    from tasks.models.classifier import check_recipe  # heavy: not needed to plan
    from tasks.models.errors import ModelError

    tiles = study.section(TilingRecipe)
    try:
        return check_recipe(network, len(tiles.classes), tiles.tile_px)
    except ModelError as error:
        raise ConfigError(f"train.recipe: {error}") from error


def _device(config: StudyBase) -> str:
    slots = config.resources.devices
    if slots:
        return slots[0].partition(":")[0]
    if config.device != "auto":
        return config.device
    import torch  # heavy: not needed to refuse a wrong study file

    return "cuda" if torch.cuda.is_available() else "cpu"
