"""What the training loop needs of a job, whatever its model eats."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

import torch
from torch import Tensor

from tasks.artifacts.checkpoint import CheckpointInfo
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.spec import digest_of
from tasks.artifacts.tile_set import TileSet
from tasks.functional.noise import seed_of
from tasks.models.bag_classifier import BagClassifier
from tasks.models.classifier import Classifier
from tasks.plugins import recipe_of
from tasks.samples.inputs import Inputs
from tasks.training.errors import TrainingDataError
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resources import TrainingResources
from tasks.training.tiles import Positions, Roles, split_of
from tasks.training_step.rank import ALONE, Rank
from tasks.training_step.step import Batch


class Samples(Protocol):
    """What a model is trained on or judged on: N samples of one split, read when they are asked for."""

    @property
    def labels(self) -> Tensor:
        """Class indices, int64 [N]."""
        ...

    @property
    def noun(self) -> Literal["tiles", "slides"]:
        """What one sample is, in the plural."""
        ...

    @property
    def at_once(self) -> int:
        """How many are judged at once. It changes no number beyond rounding."""
        ...

    def __len__(self) -> int: ...

    def batches(
        self, order: Positions, size: int, device: torch.device
    ) -> Iterator[tuple[Inputs, Positions]]:
        """Yield the inputs of whole samples on ``device`` with their positions, without any change."""
        ...


Model = Classifier | BagClassifier
"""What is trained."""

S = TypeVar("S", TileSet, FeatureSet)


@dataclass(frozen=True)
class BaseJob(ABC, Generic[S]):
    """One arm and seed on some slides.

    ``device`` is a torch device that exists (``cpu``, ``cuda``, ``cuda:1``). A patient of
    ``shared_patients`` may have slides both to train and to validate on. ``roles`` maps slide ids to the
    splits they have in a fold; without it the slides have the splits of the manifest. ``rank`` says which
    part of every batch this process holds. ``resources`` change no number.
    """

    sources: tuple[S, ...]
    recipe: TrainingRecipe
    arm: ArmRecipe
    seed: int
    device: str
    shared_patients: frozenset[str] = frozenset()
    roles: Roles | None = None
    rank: Rank = ALONE
    resources: TrainingResources = field(default_factory=TrainingResources)

    @property
    @abstractmethod
    def train(self) -> Samples:
        """What is trained on."""

    @property
    @abstractmethod
    def val(self) -> Samples:
        """What chooses the epoch."""

    @property
    @abstractmethod
    def draws_globally(self) -> bool:
        """Whether the network may draw from the global generators, as dropout does."""

    @abstractmethod
    def new_model(self) -> Model:
        """Return the model before its first step, on the device of the job, in train mode.

        Raises:
            TrainingDataError: the recipe asks for what cannot be trusted on this device.
            ModelError: the network cannot be made.
        """

    @abstractmethod
    def batches(self, epoch: int, done: int = 0) -> Generator[Batch, None, None]:
        """Yield this process's batches of an epoch, without its first ``done`` steps.

        ``accumulate`` batches make this process's part of a step.
        """

    @abstractmethod
    def info(self, model: Model, best_epoch: int, scores: Mapping[str, float]) -> CheckpointInfo:
        """Return what is written beside the weights of ``model``."""

    @abstractmethod
    def check(self) -> None:
        """Check before any work that the slides can be trained on, and may be.

        Raises:
            TrainingDataError: they cannot be, or may not.
            ModelError: a regularizer cannot work on the network.
        """

    @property
    def batch(self) -> int:
        """Samples per step that the recipe asks for."""
        return self.recipe.batch

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch: whole batches only, but at least one."""
        return max(1, self._shown // self.batch)

    @property
    def step_size(self) -> int:
        """Samples per step of all processes: the recipe's batch, or what there is, in equal parts."""
        return min(self._shown, self.batch) // self._parts * self._parts

    @property
    def process_batch(self) -> int:
        """Samples that one process works on at once."""
        return self.step_size // self._parts

    @property
    def tiles_per_epoch(self) -> int:
        """Samples trained on in an epoch, by all processes."""
        return self.steps_per_epoch * self.step_size

    @property
    def _parts(self) -> int:
        return self.recipe.accumulate * self.rank.count

    @property
    def _shown(self) -> int:
        return min(self._available, self.recipe.tiles_per_epoch or self._available)

    @property
    def _available(self) -> int:
        classes = len(self.recipe.classes)
        balanced = self.recipe.class_balance == "sampling"
        return len(self.train) // classes * classes if balanced else len(self.train)

    @property
    def capped(self) -> bool:
        """Whether an epoch shows fewer samples than it would without ``tiles_per_epoch``."""
        return self._shown < self._available

    @property
    def identity(self) -> str:
        """The digest of everything that an unfinished training must share to be resumed."""
        return digest_of(
            {
                "recipe": recipe_of(self.recipe),
                "arm": recipe_of(self.arm.regularizers),
                "seed": self.seed,
                "device": torch.device(self.device).type,
                "slides": sorted([each.facts.slide_id, each.facts.count] for each in self.sources),
                **({} if self.roles is None else {"roles": dict(self.roles)}),
                **({} if self.rank.count == 1 else {"processes": self.rank.count}),
            }
        )

    def stream(self, *what: int | str) -> torch.Generator:
        """Return a CPU generator of (seed, purpose), the same in every arm."""
        return torch.Generator().manual_seed(seed_of(self.seed, *what))


AnyJob = BaseJob[Any]
"""A job of either kind."""


def check_steps(job: AnyJob) -> None:
    """Refuse batches that cannot be split evenly."""
    recipe, count, noun = job.recipe, job.rank.count, job.train.noun
    if job.batch % (recipe.accumulate * count):
        raise TrainingDataError(
            f"batch {job.batch} must be split evenly by accumulate {recipe.accumulate} x processes {count}"
        )
    if not job.process_batch:
        raise TrainingDataError(
            f"{len(job.train)} training {noun} are too few for {count} processes of {recipe.accumulate} parts"
            if recipe.accumulate > 1
            else f"{len(job.train)} training {noun} are too few for {count} processes"
        )


def check_splits(job: AnyJob, patients_of: Mapping[str, Iterable[str]]) -> None:
    """Refuse held-out slides, and patients both to train and to validate on.

    Args:
        job: whose slides.
        patients_of: the patients of each slide, by slide id.
    """
    patients: dict[str, set[str]] = {"train": set(), "val": set()}
    for each in job.sources:
        if not each.facts.count:
            continue
        split = split_of(each, job.roles)
        if split not in patients:
            raise TrainingDataError(
                f"slide {each.facts.slide_id!r} is of split {split!r}; training may see train and val"
            )
        patients[split] |= set(patients_of[each.facts.slide_id])
    shared = (patients["train"] & patients["val"]) - job.shared_patients
    if shared:
        raise TrainingDataError(
            f"{len(shared)} patients have slides in train and in val; a study allows that by name only"
        )
