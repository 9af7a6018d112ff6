"""Checkpoint: trained weights with everything needed to use them rightly.

Payload: ``weights.safetensors``, ``checkpoint.json`` (:class:`CheckpointInfo`), ``history.parquet``, one row
per epoch, and ``regularizers.safetensors`` where the training methods remember anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer
from safetensors.numpy import load_file

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.feature_set import EncoderFacts

WEIGHTS = "weights.safetensors"
INFO = "checkpoint.json"
HISTORY = "history.parquet"
REGULARIZERS = "regularizers.safetensors"


class BagFacts(BaseModel):
    """What a slide model takes.

    Attributes:
        model: the recipe of the slide model, as plain JSON.
        encoder: what made the features that it was trained on.
        dim: the numbers of a feature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Mapping[str, Any]
    encoder: EncoderFacts
    dim: int


class CheckpointInfo(BaseModel):
    """What travels with the weights.

    ``network`` is the recipe of a network of tiles; ``mean`` and ``std`` (RGB, inputs in [0, 1]) are also
    buffers of the model. Of a slide model these three are absent: ``bag`` holds its recipe, and the buffers
    alone hold mean and std of each feature. ``mpp`` and ``tile_px`` are those of the tiles that the network
    or the encoder sees. ``scores`` are validation figures, among them accuracy before and after BatchNorm
    re-estimation where a method asks for that.
    """

    model_config = ConfigDict(frozen=True)

    network: Mapping[str, Any] = {}
    classes: tuple[str, ...]
    target_class: str
    mpp: float
    tile_px: int
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    seed: int
    best_epoch: int
    scores: Mapping[str, float]
    bag: BagFacts | None = None

    @property
    def sample(self) -> Literal["tile", "bag"]:
        """What the model takes as one input."""
        return "tile" if self.bag is None else "bag"

    @model_serializer(mode="wrap")
    def _without_what_is_absent(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The file of a tile model does not mention slide models, and the other way round.
        absent = ("bag",) if self.bag is None else ("network", "mean", "std")
        return {name: value for name, value in whole(self).items() if name not in absent}


@dataclass(frozen=True)
class Checkpoint(Artifact):
    """A read-only view of one trained model."""

    @cached_property
    def info(self) -> CheckpointInfo:
        """The description beside the weights."""
        return CheckpointInfo.model_validate_json((self.folder / INFO).read_text(encoding="utf-8"))

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row per epoch: epoch, train_loss, val_loss, val_accuracy, val_auroc, learning_rate, ..."""
        return pd.read_parquet(self.folder / HISTORY)

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / WEIGHTS

    @cached_property
    def regularizers(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        """What each regularizer of the arm remembered when the weights were as they are, by label and name.

        Those that remember nothing are left out. A label is a name, numbered where one is used twice.
        """
        path = self.folder / REGULARIZERS
        found: dict[str, dict[str, np.ndarray]] = {}
        for key, value in (load_file(path) if path.is_file() else {}).items():
            label, _, name = key.partition("/")
            found.setdefault(label, {})[name] = value
        return found
