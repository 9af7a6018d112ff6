"""The inputs of a recording: the results of a study, with digests so that nothing is logged twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.dose import Dose
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.feature_set import EncoderFacts, FeatureFacts
from tasks.artifacts.key import ModelKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.spec import digest_of
from tasks.artifacts.tile_set import TileSet

PREFECT_PAGE = "prefect.url"
"""The tag of a run that holds the address of its page in Prefect."""


@dataclass(frozen=True)
class RecordedReport:
    """One faithfulness report of a checkpoint."""

    explainer: str
    metric: str
    is_control: bool
    report: FaithfulnessReport


@dataclass(frozen=True)
class RecordedCheckpoint:
    """One trained model with its results: one child run.

    Attributes:
        arm: id of the arm.
        seed: training seed.
        fingerprint: changes with anything the run shows (weights, predictions, reports, heatmaps).
        digest: digest of the checkpoint alone. Equal weights are uploaded once.
        checkpoint: the weights and their history.
        predictions: predictions of the evaluated tiles, if evaluated.
        reports: its faithfulness reports.
        params: the recipe of the arm, nested as in the study file.
        measures: training costs from the record of the checkpoint (seconds, tiles_per_second, ...).
        fold: its fold, in a study with folds.
        datasets: one per split of its fold. Empty without folds, which uses those of the study.
        calibrations: {explainer id: calibration of its sigma}.
        exemplars: {id: its exemplars}.
        dose: the strength that was searched for its arm.
    """

    arm: str
    seed: int
    fingerprint: str
    digest: str
    checkpoint: Checkpoint
    predictions: Predictions | None = None
    reports: tuple[RecordedReport, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    fold: int | None = None
    datasets: tuple["RecordedDataset", ...] = ()
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    exemplars: Mapping[str, ExemplarSet] = field(default_factory=dict)
    dose: Dose | None = None

    @property
    def name(self) -> str:
        """``<arm>_s<seed>`` as in heatmap file names; with folds ``<arm>_f<fold>_s<seed>``."""
        return ModelKey(self.arm, self.seed, self.fold).short

    @property
    def words(self) -> str:
        """``<arm> seed <seed>``, with folds ``<arm> fold <fold> seed <seed>``: the name of its run."""
        fold = "" if self.fold is None else f" fold {self.fold}"
        return f"{self.arm}{fold} seed {self.seed}"

    @property
    def tags(self) -> dict[str, str]:
        """The tags that tell which checkpoint a run is of."""
        fold = {} if self.fold is None else {"veritile.fold": str(self.fold)}
        return {"veritile.arm": self.arm, **fold, "veritile.seed": str(self.seed)}


@dataclass(frozen=True)
class RecordedHeatmaps:
    """The drawings of one explainer on one slide, for all arms and seeds."""

    explainer: str
    slide_id: str
    folder: Path


@dataclass(frozen=True)
class RecordedDataset:
    """The tiles of one split, an MLflow dataset. It names no patient."""

    name: str
    context: str
    digest: str
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class RecordJob:
    """A whole study to be recorded.

    Attributes:
        study: name of the study.
        fingerprint: changes with anything recorded. A finished parent run with the same one is reused.
        home: the home folder, absolute.
        checkpoints: one child run each.
        experiment: name of the MLflow experiment. Empty uses the name of the study.
        tracking_uri: address of a server. None uses the database in ``home``.
        config: the configuration of the study, recorded as ``config.json``.
        params: the settings that distinguish this study, recorded as params of the parent run.
        comparison: folder of the Comparison payload, if available.
        review: the review page, if available.
        heatmaps: drawings per explainer and slide.
        datasets: one per split. With folds there is one for all splits, as they differ between folds.
        split_hash: hash of the split.
        patients: every patient id of the manifest. None of them leaves the store.
        salt: secret of this installation, used to hash patient ids.
        failed_slides: {slide id: reason}.
        failures: {artifact: reason} of what failed although the study does not tolerate it.
        live: what tells the runs that were written while this study ran; empty: none were.
        command: the command that was typed.
        costs: what training cost, a markdown table; it is measured and part of no payload.
        tags: further tags, for instance ``prefect.flow_run_id``.
    """

    study: str
    fingerprint: str
    home: Path
    checkpoints: tuple[RecordedCheckpoint, ...]
    experiment: str = ""
    tracking_uri: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    comparison: Path | None = None
    review: Path | None = None
    heatmaps: tuple[RecordedHeatmaps, ...] = ()
    datasets: tuple[RecordedDataset, ...] = ()
    split_hash: str = ""
    patients: frozenset[str] = frozenset()
    salt: str = ""
    failed_slides: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    live: str = ""
    command: str = ""
    costs: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class RecordSummary(BaseModel):
    """Where a study is stored in MLflow, and what this recording did to get it there.

    Its JSON holds the first four fields only. It stays the same when an unchanged study is recorded again,
    and names no path of this machine.

    Attributes:
        tracking_uri: the server; None for the database in the home folder.
        experiment_id: id of the MLflow experiment.
        parent: run id of the study.
        children: {checkpoint name: run id}.
        created: names of the runs that were made.
        reused: names of the runs that showed the same already.
        swept: ids of the runs that were set to KILLED.
    """

    model_config = ConfigDict(frozen=True)

    tracking_uri: str | None
    experiment_id: str
    parent: str
    children: dict[str, str]
    created: tuple[str, ...] = Field(default=(), exclude=True)
    reused: tuple[str, ...] = Field(default=(), exclude=True)
    swept: tuple[str, ...] = Field(default=(), exclude=True)


def encoder_params(encoder: EncoderFacts) -> dict[str, str]:
    """Return what is said of an encoder: its name, what its weights may be used for, and their digest."""
    return {
        "encoder": encoder.name,
        "encoder_licence": encoder.licence or "not stated",
        "encoder_digest": encoder.digest or "not known",
        **({"encoder_claimed": "by the file of the features"} if encoder.claimed else {}),
    }


def dataset_of_bags(split: str, facts: Sequence[FeatureFacts], digests: Sequence[str]) -> RecordedDataset:
    """Describe the bags of a split by counts. ``digests`` are those of the feature payloads."""
    profile = {
        "slides": len(facts),
        "patients": len({each.patient_id for each in facts}),
        "tiles": sum(each.count for each in facts),
        "labels": dict(sorted(Counter(each.label or "none" for each in facts).items())),
        "features": facts[0].dim,
        "encoder": facts[0].encoder.name,
        "mpp": facts[0].mpp,
    }
    return RecordedDataset(split, split, digest_of(sorted(digests)), profile)


def dataset_of(
    split: str, context: str, tile_sets: Sequence[TileSet], digests: Sequence[str]
) -> RecordedDataset:
    """Describe the tiles of a split by counts. ``digests`` are those of the tile set payloads."""
    table = pd.concat([tiles.table for tiles in tile_sets])
    profile = {
        "slides": len(tile_sets),
        "patients": int(table["patient_id"].nunique()),
        "tiles": len(table),
        "failed_tiles": int((table["state"] != "ok").sum()),
        "labels": {str(k): int(v) for k, v in table["label"].value_counts().sort_index().items()},
        "mpp": float(table["mpp"].iloc[0]),
    }
    return RecordedDataset(split, context, digest_of(sorted(digests)), profile)
