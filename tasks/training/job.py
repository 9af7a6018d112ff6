"""One training: its inputs, and whether it may use them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.artifacts.spec import digest_of
from tasks.artifacts.tile_set import TileSet
from tasks.models.classifier import Colour
from tasks.models.errors import ModelError
from tasks.plugins import recipe_of
from tasks.training.errors import TrainingDataError
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resources import TrainingResources
from tasks.training.tiles import LabelledTiles, Roles, labelled_tiles, slide_of, split_of
from tasks.training_step.rank import ALONE, Rank

_SAMPLED_TILES = 4096


@dataclass(frozen=True)
class TrainingJob:
    """One arm and seed on the tiles of some slides.

    ``device`` is a torch device that exists (``cpu``, ``cuda``, ``cuda:1``). A patient of
    ``shared_patients`` may have slides both to train and to validate on. ``roles`` maps slide ids to the
    splits they have in a fold; without it the tiles have the splits of the manifest. ``rank`` says which part
    of every batch this process holds. ``resources`` change no number.
    """

    tile_sets: tuple[TileSet, ...]
    recipe: TrainingRecipe
    arm: ArmRecipe
    seed: int
    device: str
    shared_patients: frozenset[str] = frozenset()
    roles: Roles | None = None
    rank: Rank = ALONE
    resources: TrainingResources = field(default_factory=TrainingResources)

    @cached_property
    def train(self) -> LabelledTiles:
        """The tiles that are trained on."""
        return labelled_tiles(self.tile_sets, "train", self.recipe.classes, self.roles, self.resources)

    @cached_property
    def val(self) -> LabelledTiles:
        """The tiles that choose the epoch."""
        return labelled_tiles(self.tile_sets, "val", self.recipe.classes, self.roles, self.resources)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch: whole batches only, but at least one."""
        return max(1, self._shown // self.recipe.batch)

    @property
    def step_size(self) -> int:
        """Tiles per step of all processes: the recipe's batch, or what there is, in equal parts."""
        return min(self._shown, self.recipe.batch) // self._parts * self._parts

    @property
    def process_batch(self) -> int:
        """Tiles that one process works on at once."""
        return self.step_size // self._parts

    @property
    def tiles_per_epoch(self) -> int:
        """Tiles trained on in an epoch, by all processes."""
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
        """Whether an epoch shows fewer tiles than it would without ``tiles_per_epoch``."""
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
                "slides": sorted([t.facts.slide_id, t.facts.count] for t in self.tile_sets),
                **({} if self.roles is None else {"roles": dict(self.roles)}),
                **({} if self.rank.count == 1 else {"processes": self.rank.count}),
            }
        )


def check_job(job: TrainingJob) -> None:
    """Check before any work that the tiles can be trained on, and may be.

    Raises:
        TrainingDataError: a test tile is here, a patient is in train and val and not allowed to be, a
            class is missing, tiles differ in size or resolution, or batches cannot be split evenly.
        ModelError: a regularizer looks into a network that does not say where.
    """
    _check_network(job)
    _check_splits(job)
    common_mpp(job.tile_sets)
    _check_parts(job)
    sizes = [tiles.pixels[0].shape[1:] for tiles in (job.train, job.val)]
    if sizes[0] != sizes[1]:
        raise TrainingDataError(f"train has tiles of shape {sizes[0]} and val of {sizes[1]}; one is needed")


def _check_network(job: TrainingJob) -> None:
    module = job.recipe.network.module
    for regularizer in job.arm.regularizers:
        if module is not None and "pre_activations" in regularizer.cached_values():
            raise ModelError(
                f"regularizer {regularizer.id!r} needs the values before the last ReLU of each stage; these "
                f"are known of our own networks, not of network.module {module!r}"
            )


def _check_parts(job: TrainingJob) -> None:
    recipe, count = job.recipe, job.rank.count
    if recipe.batch % (recipe.accumulate * count):
        raise TrainingDataError(
            f"batch {recipe.batch} must be split evenly by accumulate {recipe.accumulate} x processes {count}"
        )
    if recipe.accumulate > 1 and count * job.process_batch < 2:
        raise TrainingDataError(
            f"{len(job.train)} training tiles are too few to split a step into {recipe.accumulate} parts of "
            "two tiles or more"
        )
    if not job.process_batch:
        raise TrainingDataError(f"{len(job.train)} training tiles are too few for {count} processes")


def _check_splits(job: TrainingJob) -> None:
    patients: dict[str, set[str]] = {"train": set(), "val": set()}
    for tiles in job.tile_sets:
        if not tiles.facts.count:
            continue
        split = split_of(tiles, job.roles)
        if split not in patients:
            raise TrainingDataError(
                f"slide {slide_of(tiles)!r} is of split {split!r}; training may see train and val"
            )
        patients[split] |= tiles.facts.patients
    shared = (patients["train"] & patients["val"]) - job.shared_patients
    if shared:
        raise TrainingDataError(
            f"{len(shared)} patients have slides in train and in val; a study allows that by name only"
        )


def common_mpp(tile_sets: Iterable[TileSet]) -> float:
    """Return the one resolution, in micrometres per pixel, that all tiles have.

    Raises:
        TrainingDataError: they have several.
    """
    found = sorted({mpp for tiles in tile_sets for mpp in tiles.facts.resolutions})
    if len(found) != 1:
        raise TrainingDataError(f"the tiles have resolutions {found} um/px; training needs one")
    return found[0]


def colour_statistics(tiles: LabelledTiles) -> tuple[Colour, Colour]:
    """Return mean and standard deviation of red, green and blue, in [0, 1].

    They are exact over the training tiles, or over 4096 of them evenly spaced where there are more.
    """
    count = len(tiles)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED_TILES)).round().astype(np.intp))
    histogram = np.zeros((3, 256), np.int64)
    for part in np.array_split(chosen, -(-len(chosen) // 256)):
        histogram += _histogram(tiles.gather(part).numpy())
    values = np.arange(256) / 255
    weights = histogram / histogram.sum(1, keepdims=True)
    mean = weights @ values
    std = np.sqrt(np.maximum(weights @ values**2 - mean**2, 1e-6))
    return _colour(mean), _colour(std)


def _histogram(pixels: NDArray[np.uint8]) -> np.ndarray:
    return np.stack([np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(3)])


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
