"""Short trainings with and without a method, and what its check is on the validation tiles."""

import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import torch

from tasks.artifacts.checkpoint import HISTORY, Checkpoint
from tasks.dosing.settings import DoseSettings
from tasks.model_metrics.base import MeasureSettings, ModelMetric, measure_model
from tasks.models.classifier import load_classifier
from tasks.plugins import plugin_class
from tasks.regularizers.base import ManipulationCheck
from tasks.samples.measured_tiles import MeasuredTiles
from tasks.training.errors import StoppedError
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe
from tasks.training.tiles import split_of
from tasks.training.train import train_classifier

Advance = Callable[[int], None]
"""Takes the number of tiles just trained on."""


@dataclass(frozen=True)
class TrainedNetwork:
    """One network: its dose (NaN without the method), its check, its AUROC, and what stopped it."""

    dose: float
    seed: int
    quantity: float
    val_auroc: float
    stopped: str = ""


class Trials:
    """Trains and measures networks; what was trained before, in the same ``work``, is not trained again."""

    def __init__(
        self, settings: DoseSettings, check: ManipulationCheck, work: Path, advance: Advance
    ) -> None:
        self._settings, self._check, self._work, self._advance = settings, check, work, advance
        metric = plugin_class(ModelMetric.package, check.metric)()
        assert isinstance(metric, ModelMetric)
        self._metric = metric
        job = settings.job
        val = [tiles for tiles in job.tile_sets if split_of(tiles, job.roles) == "val"]
        self.tiles = MeasuredTiles(val, job.recipe.classes)
        self.made: list[TrainedNetwork] = []

    def mean(self, arm: ArmRecipe, dose: float = math.nan) -> float:
        """Return the mean of the check over networks of ``arm``, one of each seed; NaN where one stopped."""
        trials = [self._network(arm, dose, seed) for seed in self._settings.seeds]
        self.made += trials
        return sum(trial.quantity for trial in trials) / len(trials)

    def table(self) -> pd.DataFrame:
        """Return one row for each network, in the order in which they were trained."""
        return pd.DataFrame([asdict(trial) for trial in self.made])

    def _network(self, arm: ArmRecipe, dose: float, seed: int) -> TrainedNetwork:
        job = replace(self._settings.job, arm=arm, seed=seed)
        try:
            checkpoint = self._trained(job, f"{dose:g}_seed{seed}")
        except StoppedError as stopped:
            return TrainedNetwork(dose, seed, math.nan, math.nan, str(stopped))
        return TrainedNetwork(
            dose, seed, self._measured(checkpoint, seed), checkpoint.info.scores["val_auroc"]
        )

    def _trained(self, job: TrainingJob, name: str) -> Checkpoint:
        out, work = self._work / f"{name}_out", self._work / f"{name}_work"
        if not (out / HISTORY).is_file():
            # What a kill or a full disk left of a checkpoint is made again; its last epoch is kept.
            draft = out.with_name(f"{name}_draft")
            shutil.rmtree(draft, ignore_errors=True)
            for folder in (draft, work):
                folder.mkdir(parents=True, exist_ok=True)
            train_classifier(job, draft, work, lambda row, epoch: None, self._advance)
            shutil.rmtree(out, ignore_errors=True)
            draft.rename(out)
        return Checkpoint(out)

    def _measured(self, checkpoint: Checkpoint, seed: int) -> float:
        device = self._settings.job.device
        model = load_classifier(checkpoint, torch.device(device))
        settings = MeasureSettings(self._settings.target, seed, self._settings.batch, device)
        scores = measure_model(self._metric, model, self.tiles, settings).measured.scores
        return float(scores.loc[scores["score"] == self._check.score, "value"].mean())
