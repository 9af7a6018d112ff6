"""Studies from Python: load a study file, run it."""

from pathlib import Path

from flows.config import StudyConfig
from flows.config import load_study as _load
from flows.engine.outcome import Outcome
from flows.engine.rerun import RerunOptions, Selection
from flows.environment import prepare


def load_study(path: str | Path) -> StudyConfig:
    """Read a study file. Its manifest and initial weights come back as absolute paths.

    Raises:
        ConfigError: with every problem of the file at once.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from veritile import load_study
        >>> text = '''
        ... study: example
        ... manifest: cohort.csv
        ... tile: {mpp: 1.0, tile_px: 32}
        ... train: {arms: [{id: standard}], seeds: [0]}
        ... explain: {explainers: [{name: gradient}]}
        ... evaluate: {metrics: [{name: deletion}]}
        ... '''
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "example.yaml")
        ...     _ = path.write_text(text)
        ...     study = load_study(path)
        >>> study.study, study.resources.batch
        ('example', 64)
    """
    return _load(Path(path))


def run_study(  # the options of `veritile run`
    config: StudyConfig | str | Path,
    home: str | Path = ".veritile",
    *,
    data_root: str | Path | None = None,
    only: str | None = None,
    from_stage: str | None = None,
    selection: Selection | None = None,
) -> Outcome:
    """Run a study as ``veritile run`` does. Finished artifacts are reused.

    Args:
        config: a loaded study, or the path of its file.
        home: the folder of all state.
        data_root: the folder that the manifest's paths start from; the manifest's own folder by default.
        only: make this stage again from stored inputs and leave the rest untouched.
        from_stage: make this stage again and go on to the end.
        selection: which artifacts of that stage; all by default.

    Raises:
        ConfigError: the study file or its folds cannot be used.
        ManifestError: the manifest cannot be used.
        UsageError: ``only``, ``from_stage`` or ``selection`` name what the study does not have.
        ArtifactsFailedError: some artifacts failed; the others are stored.

    Example:
        `docs/library.md` runs a whole study. What cannot run is refused first, in one sentence:

        >>> from veritile import run_study
        >>> run_study("absent.yaml")
        Traceback (most recent call last):
        tasks.study.errors.ConfigError: no study file at absent.yaml
    """
    loaded = load_study(config) if isinstance(config, str | Path) else config
    options = RerunOptions(only, from_stage, selection or Selection())
    root = None if data_root is None else Path(data_root)
    prepare(Path(home))
    # Prefect reads its settings when it is imported, so they must be in place first.
    from flows.study import study

    return study(loaded, Path(home), root, options.only, options.from_stage, options.selection)
