"""A classifier of tiles that a study trained, as an encoder for slides."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from tasks.artifacts.checkpoint import INFO, WEIGHTS, Checkpoint
from tasks.artifacts.feature_set import EncoderFacts
from tasks.functional.final_map import NoFinalMapError
from tasks.functional.foreign_errors import SaidAs
from tasks.models.classifier import Classifier, load_classifier
from tasks.models.door.made_up import made_up_tiles
from tasks.models.encoders.base import Encoder, digest_of_file
from tasks.models.errors import ModelError

_SAME_MPP = 1e-3
"""Resolutions closer than this, as a fraction, are the same."""


class CheckpointEncoder(Encoder):
    """The last convolutional map of a trained classifier, averaged over the tile.

    ``folder`` is a checkpoint of a study: a folder with ``weights.safetensors`` and ``checkpoint.json``. The
    normalisation is the classifier's own. Tiles must have the size and resolution that it was trained at.
    """

    source: ClassVar[str] = "ours"
    paths: ClassVar[tuple[str, ...]] = ("folder",)

    folder: str
    """The folder of the checkpoint."""

    def files(self) -> Mapping[str, Path]:
        """Return the weights and their description."""
        return {"weights": Path(self.folder) / WEIGHTS, "info": Path(self.folder) / INFO}

    def refuse_tiles(self, tile_px: int, mpp: float) -> None:
        """Refuse tiles of another size or resolution than it was trained at."""
        info = self._opened().info
        if tile_px != info.tile_px or abs(mpp - info.mpp) > _SAME_MPP * info.mpp:
            raise ModelError(
                f"the checkpoint in {Path(self.folder).name} was trained on tiles of {info.tile_px} px at "
                f"{info.mpp:g} um/px, got {tile_px} px at {mpp:g}: set tile.tile_px and tile.mpp"
            )

    @property
    def is_ours(self) -> bool:
        """Whether the network is one of this package."""
        return self._opened().info.network.get("module") is None

    def facts(self) -> EncoderFacts:
        """Its name and the digest of its weights; its licence is that of whoever trained it."""
        return EncoderFacts(
            name=self.name,
            digest=digest_of_file(self.files()["weights"]),
            licence="of the study that trained it",
        )

    def build(self) -> nn.Module:
        """Return the network."""
        checkpoint = self._opened()
        with SaidAs(ModelError, f"the checkpoint in {Path(self.folder).name} is none of a tile classifier"):
            classifier = load_classifier(checkpoint, torch.device("cpu")).requires_grad_(False)
        tiles = made_up_tiles(classifier.mean, classifier.std, checkpoint.info.tile_px)
        try:
            classifier.settle(tiles)
        except NoFinalMapError as error:
            raise ModelError(str(error)) from error
        return LastMap(classifier).eval()

    def _opened(self) -> Checkpoint:
        for path in self.files().values():
            if not path.is_file():
                raise ModelError(
                    f"the folder {Path(self.folder).name} is no checkpoint: it has no {path.name}"
                )
        checkpoint = Checkpoint(Path(self.folder))
        with SaidAs(ModelError, f"{INFO} in {Path(self.folder).name} is none of a tile classifier"):
            checkpoint.info  # noqa: B018  # read, and kept by the view
        return checkpoint


class LastMap(nn.Module):
    """Maps images [B, 3, H, W] in [0, 1] to the mean [B, C] of the classifier's last map."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        """Return the features."""
        return self.classifier.features(images).mean((2, 3))
