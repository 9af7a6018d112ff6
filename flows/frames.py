"""What the last two stages are told beyond their inputs: names, order, and what is missing and why."""

import secrets
from collections.abc import Iterable
from pathlib import Path

from flows import slots
from flows.carry_out import Progressing
from flows.outcome import failed_slides
from flows.places import explaining
from flows.session import Session
from tasks.artifacts.key import ModelKey
from tasks.artifacts.record import write_atomically
from tasks.comparison.job import ComparisonJob
from tasks.comparison.rows.prediction_units import slide_score
from tasks.heatmaps.review.job import ReviewedExplainer, ReviewJob
from tasks.reporting.pseudonyms import without_patients
from tasks.slides.manifest import SlideRow
from tasks.statistics.bootstrap import BootstrapSettings
from tasks.tracking.job import RecordJob


def comparison_frame(state: Progressing) -> ComparisonJob:
    """Return the comparison's job without its checkpoints and reports, which the verb opens."""
    session, config = state.session, state.session.config
    return ComparisonJob(
        study=config.study,
        command=command_of(session),
        arms=tuple(arm.id for arm in config.train.arms),
        classes=config.tile.classes,
        target=slots.target_of(session),
        checkpoints=(),
        reports=(),
        failed_slides=failed_slides(state),
        split_hash=session.split_hash,
        recipe=config.compare,
        salt=installation_salt(session.home),
    )


def review_frame(state: Progressing) -> ReviewJob:
    """Return the review page's job without what lies in the store; no patient is named in it."""
    session, config = state.session, state.session.config
    compare, patients = config.compare, {row.patient_id for row in session.manifest.slides}
    controls = {control.id for control in config.explain.controls}
    return ReviewJob(
        study=config.study,
        classes=config.tile.classes,
        target=slots.target_of(session),
        slides={},
        places=tuple(
            ModelKey(place.arm.id, place.seed, None if place.fold is None else place.fold.index)
            for place, _ in explaining(session, session.slides)
        ),
        explainers=tuple(
            ReviewedExplainer(e.id, e.signed_maps, e.id in controls, e.held is None)
            for e in config.explain.everything
        ),
        maps={},
        slide_score=lambda probabilities: slide_score(probabilities, compare.top_share),
        recipe=config.explain.heatmaps,
        bootstrap=BootstrapSettings(draws=compare.draws, seed=compare.seed, level=compare.confidence),
        failed={
            label: str(without_patients(why, patients, installation_salt(session.home)))
            for label, why in state.failed.items()
        },
        command=command_of(session),
    )


def command_of(session: Session) -> str:
    """Return the command that makes this study; a study file bears the study's name."""
    return f"veritile run pipeline_configs/{session.config.study}.yaml --data-root <folder of the slides>"


def record_frame(state: Progressing) -> RecordJob:
    """Return the recording's job without what the verb takes from the store."""
    session, config = state.session, state.session.config
    return RecordJob(
        study=config.study,
        fingerprint="",
        home=session.home,
        checkpoints=(),
        experiment=config.record.experiment or config.study,
        tracking_uri=config.record.tracking_uri,
        # The manifest's place is a path of this machine and tells a reader nothing.
        config={**config.model_dump(mode="json"), "manifest": Path(config.manifest).name},
        params=_headline(session),
        split_hash=session.split_hash,
        patients=frozenset(row.patient_id for row in session.manifest.slides),
        salt=installation_salt(session.home),
        failed_slides=failed_slides(state),
        command=command_of(session),
    )


def _headline(session: Session) -> dict[str, str | float]:
    """Return the few settings that tell one study from another at a glance."""
    config = session.config
    return {
        "arms": ", ".join(arm.id for arm in config.train.arms),
        "seeds": ", ".join(str(seed) for seed in config.train.seeds),
        "network": config.train.recipe.network.module or config.train.recipe.network.name,
        "mpp": config.tile.mpp,
        "tile_px": config.tile.tile_px,
        "explainers": ", ".join(explainer.id for explainer in config.explain.explainers),
        "metrics": ", ".join(metric.id for metric in config.evaluate.metrics),
        "device": session.device,
        **_folds(session),
    }


def _folds(session: Session) -> dict[str, str | float]:
    recipe = session.config.folds
    return {} if recipe is None else {"folds": f"{len(session.folds)} of {recipe.count} by {recipe.by}"}


def slides_by_split(
    session: Session, slides: Iterable[SlideRow]
) -> dict[int | None, dict[str, tuple[str, ...]]]:
    """Return {fold: {split: slide ids}}, splits that hold none left out.

    The whole study is fold None: the manifest's splits, with folds the one group ``all folds``.
    """
    rows = list(slides)
    if not session.folds:
        return {None: _by_split(rows)}
    whole = {"all folds": tuple(row.slide_id for row in rows)}
    return {None: whole, **{fold.index: _by_split(fold.rows(rows)) for fold in session.folds}}


def _by_split(rows: list[SlideRow]) -> dict[str, tuple[str, ...]]:
    splits = dict.fromkeys(row.split for row in rows)
    return {split: tuple(row.slide_id for row in rows if row.split == split) for split in splits}


def installation_salt(home: Path) -> str:
    """Return the secret that patient ids of this home are hashed with; made at the first call."""
    path = home / "salt"
    if not path.is_file():
        home.mkdir(parents=True, exist_ok=True)
        write_atomically(path, secrets.token_hex(16))
        path.chmod(0o600)
    return path.read_text(encoding="utf-8").strip()
