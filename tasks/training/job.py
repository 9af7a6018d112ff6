"""The training of a tile classifier: its tiles, and whether it may use them."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.checkpoint import CheckpointInfo
from tasks.artifacts.tile_set import TileSet
from tasks.models.classifier import Classifier, Colour, ask_foreign, build_classifier
from tasks.models.errors import ModelError
from tasks.training.base_job import BaseJob, Model, check_splits, check_steps
from tasks.training.batches import tile_batches
from tasks.training.errors import TrainingDataError
from tasks.training.half_precision import refuse_tiny_maps
from tasks.training.tiles import LabelledTiles, labelled_tiles
from tasks.training_step.step import Batch

_SAMPLED_TILES = 4096


@dataclass(frozen=True)
class TrainingJob(BaseJob[TileSet]):
    """One arm and seed on the tiles of some slides."""

    @property
    def tile_sets(self) -> tuple[TileSet, ...]:
        """The tiles of each slide."""
        return self.sources

    @cached_property
    def train(self) -> LabelledTiles:
        """The tiles that are trained on."""
        return labelled_tiles(self.tile_sets, "train", self.recipe.classes, self.roles, self.resources)

    @cached_property
    def val(self) -> LabelledTiles:
        """The tiles that choose the epoch."""
        return labelled_tiles(self.tile_sets, "val", self.recipe.classes, self.roles, self.resources)

    @property
    def draws_globally(self) -> bool:
        """Whether it is a network of another package, whose dropout nobody knows. Ours have none."""
        return self.recipe.network.module is not None

    def new_model(self) -> Classifier:
        """Return the classifier, whose normalisation is that of the training tiles."""
        device, side = torch.device(self.device), self.train.pixels[0].shape[1]
        mean, std = colour_statistics(self.train)
        model = build_classifier(self.recipe.network, len(self.recipe.classes), mean, std, self.seed)
        if self.recipe.amp and device.type == "cpu":
            refuse_tiny_maps(model, side)
        model = model.to(device).channels_last()
        if self.recipe.network.module is not None:
            ask_foreign(model, len(self.recipe.classes), side)
        return model

    def batches(self, epoch: int, done: int = 0) -> Generator[Batch, None, None]:
        """Yield batches of changed tiles."""
        return tile_batches(self, epoch, done)

    def info(self, model: Model, best_epoch: int, scores: Mapping[str, float]) -> CheckpointInfo:
        """Return the network's recipe, and what its tiles have in common."""
        assert isinstance(model, Classifier)
        return CheckpointInfo(
            # The starting weights are part of the recipe. Their path would differ between machines.
            network=self.recipe.network.model_copy(update={"init": None}).model_dump(mode="json"),
            classes=self.recipe.classes,
            target_class=self.recipe.target_class,
            mpp=common_mpp(self.tile_sets),
            tile_px=self.train.pixels[0].shape[1],
            mean=_buffered(model.mean),
            std=_buffered(model.std),
            seed=self.seed,
            best_epoch=best_epoch,
            scores=scores,
        )

    def check(self) -> None:
        """Refuse what :func:`check_job` refuses."""
        check_job(self)


def check_job(job: TrainingJob) -> None:
    """Check before any work that the tiles can be trained on, and may be.

    Raises:
        TrainingDataError: a test tile is here, a patient is in train and val and not allowed to be, a
            class is missing, tiles differ in size or resolution, or batches cannot be split evenly.
        ModelError: a regularizer looks into a network that does not say where.
    """
    _check_network(job)
    check_splits(job, {each.facts.slide_id: each.facts.patients for each in job.tile_sets})
    common_mpp(job.tile_sets)
    _check_pairs(job)
    check_steps(job)
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


def _check_pairs(job: TrainingJob) -> None:
    """Refuse parts of one tile: BatchNorm needs two."""
    if job.recipe.accumulate > 1 and job.rank.count * job.process_batch < 2:
        raise TrainingDataError(
            f"{len(job.train)} training tiles are too few to split a step into {job.recipe.accumulate} parts "
            "of two tiles or more"
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


def _buffered(buffer: Tensor) -> Colour:
    return _colour(buffer.flatten().numpy(force=True))
