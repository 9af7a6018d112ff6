"""Open a study: check its manifest and files before any work starts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.input_hashes import InputHashes
from tasks.artifacts.backends.address import url_in
from tasks.artifacts.backends.errors import StoreAddressError
from tasks.artifacts.store import Store
from tasks.embed import EmbedSection, encoder_files
from tasks.slides.manifest import Manifest, SlideRow, input_files, load_manifest
from tasks.slides.mirror import mirror_for, mirror_of
from tasks.slides.present import is_present
from tasks.study.config import StudyBase
from tasks.study.errors import ConfigError, UsageError
from tasks.study.folds import make_folds
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection, models, weakly_labelled


def open_study(config: StudyBase, home: Path, data_root: Path | None) -> Study:
    """Check the manifest and its files, and return the study.

    Raises:
        ManifestError: with every problem of the manifest.
        ConfigError: an arm learns from a site that has no slide, the folds cannot be made, tiles would be
            trained on labels of whole slides although the study does not say so, or slides have no label
            although slide models are trained on them, or a class has no slide to train or validate on.
        UsageError: a file of weights is absent, or a file cannot be read.
        StoreError: the store cannot be reached.
    """
    home, csv = home.resolve(), Path(config.manifest)
    _refuse_unreachable_store(config, home)
    root = _data_root(config, home, data_root or csv.parent)
    hashes = InputHashes(home)
    shared = frozenset(config.shared_patients)
    classes = config.section(TilingRecipe).classes
    manifest, slides = load_manifest(csv, root, shared, hashes, classes)
    found = {row.path: slides[row.slide_id] for row in manifest.slides}
    found |= _other_files(config, manifest, root, hashes)
    _refuse_unknown_sites(config, manifest)
    folds = make_folds(config.folds, manifest.slides, shared) if config.folds is not None else ()
    mirror = mirror_of(root)
    url = None if mirror is None else str(mirror.address)
    study = Study(config, home, root, manifest, found, _device(config), folds, url)
    if config.level == "slide":
        _refuse_unlabelled_slides(study)
        _refuse_absent_classes(study)
    _refuse_weak_labels(study)
    _refuse_features(study)
    return study


def _data_root(config: StudyBase, home: Path, stated: Path) -> Path:
    """Return the folder that paths start from; of a URL the one that copies lie in."""
    url = url_in(stated)
    if url is None:
        return stated.resolve()
    try:
        return mirror_for(url, home, config.resources.slide_cache_gb).files
    except StoreAddressError as error:
        raise UsageError(f"--data-root: {error}") from None


def _refuse_unreachable_store(config: StudyBase, home: Path) -> None:
    resources = config.resources
    try:
        store = Store(home, resources.store, resources.cache_gb)
    except StoreAddressError as error:
        raise ConfigError(f"resources.store: {error}") from None
    store.backend.probe(write=False)


def _other_files(config: StudyBase, manifest: Manifest, root: Path, hashes: InputHashes) -> Mapping[str, str]:
    """Return the sha256 of every input file that is no slide, by its path in the manifest or study file."""
    named = {
        path: root / path
        for row in manifest.slides
        for name, path in input_files(row).items()
        if name != "slide"
    }
    named |= {path: Path(path) for path in (*_initial_weights(config), *_of_encoder(config))}
    try:
        read = hashes.all_files(named.values())
    except OSError as error:
        raise UsageError(f"{Path(error.filename or '').name} cannot be read: {error.strerror}") from error
    return {path: read[file] for path, file in named.items()}


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


def _refuse_unlabelled_slides(study: Study) -> None:
    rows = [row for row in study.slides if row.label is None]
    if rows:
        raise ConfigError(
            f"{len(rows)} slides have no label ({_named(rows)}); a study of level slide learns and judges by "
            f"the column 'label' of the manifest, which must be one of "
            f"{', '.join(study.section(TilingRecipe).classes)}"
        )


def _refuse_absent_classes(study: Study) -> None:
    classes = study.section(TilingRecipe).classes
    for model in models(study):
        rows = model.learns_from(study.slides)
        for split in ("train", "val"):
            there = {row.label for row in rows if row.split == split}
            absent = [name for name in classes if name not in there]
            if absent:
                raise ConfigError(
                    f"{model.key}: no slide of class {absent[0]!r} is of split {split!r}; slide models need "
                    "slides of every class to train and to validate on"
                )


def _named(rows: Sequence[SlideRow]) -> str:
    return ", ".join(row.slide_id for row in rows[:3]) + (" and others" if len(rows) > 3 else "")


def _refuse_weak_labels(study: Study) -> None:
    rows = weakly_labelled(study)
    if rows and study.config.level == "tile" and not study.section(TrainSection).weak_labels:
        raise ConfigError(
            f"{len(rows)} slides to train or validate on have only a label of the whole slide, such as "
            f"{rows[0].label!r} ({_named(rows)}); each of their tiles would be trained with it, also where "
            "it shows nothing of it. Name an annotation or points in the manifest, use a slide-level model, "
            "or say train.weak_labels: true"
        )


def _refuse_features(study: Study) -> None:
    """Refuse slides without pixels where models eat tiles, and features of several origins in one study."""
    bare = [row.slide_id for row in study.slides if not row.has_pixels]
    if bare and study.config.level == "tile":
        raise ConfigError(
            f"slide {bare[0]!r} has features and no pixels, and models of level tile eat pixels; "
            "name its slide file in the manifest's path, or say level: slide"
        )
    without = [row.slide_id for row in study.slides if row.features is None]
    if study.config.level == "slide" and 0 < len(without) < len(study.slides):
        raise ConfigError(
            f"{len(study.slides) - len(without)} slides of the manifest name features and {len(without)} do "
            f"not, such as {without[0]!r}; features of one study come from one encoder: name all or none"
        )


def _initial_weights(config: StudyBase) -> tuple[str, ...]:
    path = config.section(TrainSection).recipe.network.init
    if path is None:
        return ()
    if not is_present(Path(path)):
        raise UsageError(f"train.recipe.network.init names no file: {path}")
    return (path,)


def _of_encoder(config: StudyBase) -> tuple[str, ...]:
    files, advice = encoder_files(config), config.section(EmbedSection).encoder.advice
    for name, path in files.items():
        if not is_present(Path(path)):
            told = f": {advice}" if advice else ""
            raise UsageError(f"embed.encoder: there is no file of its {name} at {path}{told}")
    return tuple(files.values())


def refuse_absent_devices(study: Study) -> None:
    """Refuse devices that this machine does not have, before any work starts.

    Raises:
        UsageError: naming the first and what there is.
    """
    resources = study.config.resources
    if resources.runner == "dask" and not resources.joined.is_local:
        return  # its workers are asked
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


def refuse_unfit_encoder(study: Study) -> None:
    """Refuse an encoder that does not fit its weights or the tiles, before any work starts.

    It is made once and asked about two made-up tiles.

    Raises:
        ConfigError: it cannot be made, was made for other tiles, or gives no finite features.
    """
    if study.config.level != "slide":
        return
    from tasks.embedding.admission import check_encoder  # heavy: not needed to plan
    from tasks.models.errors import ModelError

    tiles = study.section(TilingRecipe)
    try:
        check_encoder(study.section(EmbedSection).encoder, tiles.tile_px, tiles.mpp)
    except ModelError as error:
        raise ConfigError(f"embed: {error}") from error


def _device(config: StudyBase) -> str:
    slots = config.resources.devices
    if slots:
        return slots[0].partition(":")[0]
    if config.device != "auto":
        return config.device
    import torch  # heavy: not needed to refuse a wrong study file

    return "cuda" if torch.cuda.is_available() else "cpu"
