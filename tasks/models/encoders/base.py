"""What every encoder is: a frozen recipe with the transform that belongs to it, and its weights."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from torch import nn

from tasks.artifacts.feature_set import EncoderFacts
from tasks.models.errors import ModelError
from tasks.plugins import Plugin, plugin_type, recipe_of


class Encoder(Plugin):
    """Turns tiles into vectors.

    The network that :meth:`build` returns maps images float32 [B, 3, H, W] in [0, 1] to features [B, D]; the
    transform of the encoder (resize, crop, mean, std) is inside. It is frozen and in eval mode.

    Example:
        Nine numbers on each colour of two tiles:

        >>> import torch
        >>> from tasks.models.encoders.colour_statistics import ColourStatistics
        >>> ColourStatistics().build()(torch.rand(2, 3, 8, 8)).shape
        torch.Size([2, 27])
    """

    package: ClassVar[str] = "tasks.models.encoders"

    paths: ClassVar[tuple[str, ...]] = ()
    """Its fields that name a file or folder. A study names them from its own folder, and what lies there is
    hashed, so the path itself is no recipe."""

    advice: ClassVar[str] = ""
    """Where its files come from, for the sentence about an absent one."""

    def files(self) -> Mapping[str, Path]:
        """Return the files that it reads, by what they are. A file may be absent."""
        return {field: Path(getattr(self, field)) for field in self.paths}

    def located(self, folder: Path) -> Self:
        """Return the same encoder with its files found from ``folder``, the folder of the study file."""
        found = {field: str((folder / getattr(self, field)).resolve()) for field in self.paths}
        return self.model_copy(update=found)

    def recipe(self) -> dict[str, Any]:
        """Return every setting that may change a feature, as plain JSON. Files count by their bytes."""
        return {name: value for name, value in recipe_of(self).items() if name not in self.paths}

    @property
    def is_ours(self) -> bool:
        """Whether the network is one of this package, and so holds no state beside its weights."""
        return True

    def refuse_tiles(self, tile_px: int, mpp: float) -> None:
        """Refuse tiles that the encoder was not made for.

        Args:
            tile_px: side of a tile in pixels.
            mpp: micrometres per pixel.

        Raises:
            ModelError: naming the sizes and resolutions that are allowed.
        """

    def facts(self) -> EncoderFacts:
        """Return its name, licence and the digest of its weights, which are read for that."""
        raise NotImplementedError(f"{type(self).__name__} does not say which network it is")

    def build(self) -> nn.Module:
        """Return the network on the CPU.

        Raises:
            ModelError: the file of the weights is absent or does not fit.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it encodes")


if TYPE_CHECKING:
    AnyEncoder = Encoder
else:
    AnyEncoder = plugin_type(Encoder)
"""The type of a field that holds any encoder."""


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits.

    Raises:
        ModelError: there is no such file.
    """
    if not path.is_file():
        raise ModelError(f"{path.name} is not a file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
