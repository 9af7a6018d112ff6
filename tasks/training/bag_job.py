"""The training of a slide model: its bags, and whether it may use them."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from tasks.artifacts.checkpoint import BagFacts, CheckpointInfo
from tasks.artifacts.feature_set import FeatureSet
from tasks.models.bag_classifier import BagClassifier, build_bag_classifier
from tasks.models.errors import ModelError
from tasks.training.bag_recipe import BagRecipe
from tasks.training.bag_statistics import feature_statistics
from tasks.training.bags import (
    LabelledBags,
    LabelledFeatures,
    SlideRows,
    Split,
    Wanted,
    read_bags,
    split_bags,
)
from tasks.training.base_job import BaseJob, Model, check_splits, check_steps
from tasks.training.batches import shown_from
from tasks.training.errors import TrainingDataError
from tasks.training.fit import no_second_derivative
from tasks.training.tiles import Positions
from tasks.training_step.step import Batch


@dataclass(frozen=True)
class BagJob(BaseJob[FeatureSet]):
    """One arm and seed on the features of some slides.

    A model that learns from labels of tiles is trained on bags of one labelled tile, and judged on slides as
    any other.
    """

    @property
    def bag(self) -> BagRecipe:
        """How bags are made, and the model."""
        assert self.recipe.bag is not None
        return self.recipe.bag

    @property
    def batch(self) -> int:
        """Slides per step, or tiles per step of a model that learns from labels of tiles."""
        return self.bag.tile_batch if self._of_tiles else self.recipe.batch

    @cached_property
    def train(self) -> LabelledBags | LabelledFeatures:
        """What is trained on."""
        split = self._split("train")
        return split.tiles() if self._of_tiles else split.bags()

    @cached_property
    def val(self) -> LabelledBags:
        """The slides that choose the epoch."""
        return self._split("val").bags()

    @property
    def draws_globally(self) -> bool:
        """Whether dropout draws: always said yes, as it costs nothing."""
        return True

    def new_model(self) -> BagClassifier:
        """Return the slide model, whose normalisation is that of the training tiles."""
        mean, std = feature_statistics(self.train.store)
        classes = len(self.recipe.classes)
        model = build_bag_classifier(self.bag.model, classes, mean, std, self.seed)
        return model.to(torch.device(self.device))

    def batches(self, epoch: int, done: int = 0) -> Generator[Batch, None, None]:
        """Yield batches of sampled bags."""
        device, wanted = torch.device(self.device), list(self._wanted(epoch, done))
        for bags, positions in read_bags(self.train.store, wanted, device, self.resources.prefetch):
            places = torch.from_numpy(positions)
            yield Batch(
                images=bags.features,
                labels=self.train.labels[places].to(device, non_blocking=True),
                positions=places.to(device, non_blocking=True),
                dataset_size=len(self.train),
                mask=bags.mask,
            )

    def info(self, model: Model, best_epoch: int, scores: Mapping[str, float]) -> CheckpointInfo:
        """Return the model's recipe, and what its features have in common."""
        facts = self.sources[0].facts
        recipe = self.bag.model.model_dump(mode="json")
        return CheckpointInfo(
            classes=self.recipe.classes,
            target_class=self.recipe.target_class,
            mpp=facts.mpp,
            tile_px=facts.tile_px,
            seed=self.seed,
            best_epoch=best_epoch,
            scores=scores,
            bag=BagFacts(model=recipe, encoder=facts.encoder, dim=facts.dim),
        )

    def check(self) -> None:
        """Refuse held-out slides, shared patients, absent classes, and features of several encoders."""
        check_splits(self, {each.facts.slide_id: {each.facts.patient_id} for each in self.sources})
        _check_features(self.sources)
        _check_penalties(self)
        check_steps(self)
        # Read here, so that an absent class is said before any work.
        assert len(self.val)

    @property
    def _of_tiles(self) -> bool:
        return self.bag.model.labels == "tile"

    def _split(self, name: str) -> Split:
        return split_bags(self.sources, name, self.recipe.classes, self.roles, self.resources)

    def _wanted(self, epoch: int, done: int) -> Iterator[Wanted]:
        """Yield this process's batches before they are read.

        All processes pad to the longest bag of a part, so that noise drawn for all of it has one shape.
        """
        for part in shown_from(self, epoch, done):
            length = max(self._sampled(int(position)) for position in part.ravel())
            own = part[self.rank.number]
            yield Wanted(tuple(self._shown_rows(int(p), epoch) for p in own), length, own)

    def _sampled(self, position: int) -> int:
        """Return how many tiles of a bag a step shows."""
        if self._of_tiles:
            return 1
        count = min(int(self.train.store.counts[position]), self.bag.tiles_per_bag)
        return max(1, round(count * (1 - self.bag.tile_dropout)))

    def _shown_rows(self, position: int, epoch: int) -> SlideRows:
        """Return the tiles of a bag that an epoch shows, drawn without replacement."""
        slide, rows = self.train.rows_of(position)
        if self._of_tiles:
            return slide, rows
        drawn = torch.randperm(len(rows), generator=self.stream("bag", epoch, position))
        chosen: Positions = np.sort(drawn[: self._sampled(position)].numpy())
        return slide, chosen


def _check_penalties(job: BagJob) -> None:
    """Refuse penalties on gradients of a model that has no second derivative."""
    why = no_second_derivative(job.arm, job.bag.model)
    if why is not None:
        raise ModelError(why)


def _check_features(sets: tuple[FeatureSet, ...]) -> None:
    """Refuse features that do not mean the same."""
    there = [each.facts for each in sets if each.facts.count]
    for what, kinds in (
        ("encoders", {(facts.encoder.name, facts.encoder.digest) for facts in there}),
        ("lengths", {facts.dim for facts in there}),
        ("resolutions", {facts.mpp for facts in there}),
    ):
        if len(kinds) > 1:
            raise TrainingDataError(
                f"the features are of {len(kinds)} {what}, {sorted(kinds)}; one is needed"
            )
