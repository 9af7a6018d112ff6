"""What every encoder is: a frozen recipe with the transform that belongs to it, and its weights."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from tasks.artifacts.feature_set import EncoderFacts
from tasks.plugins import Plugin, plugin_type


class Encoder(Plugin):
    """Turns tiles into vectors.

    The network that :meth:`build` returns maps images float32 [B, 3, H, W] in [0, 1] to features [B, D]; the
    transform of the encoder (resize, crop, mean, std) is inside. It is frozen and in eval mode.
    """

    package: ClassVar[str] = "tasks.models.encoders"

    def files(self) -> tuple[Path, ...]:
        """Return the files that it reads. Their bytes are hashed; a study names them from its own folder."""
        return ()

    def located(self, folder: Path) -> "Encoder":
        """Return the same encoder with its files found from ``folder``, the folder of the study file."""
        return self

    def refuse_tiles(self, tile_px: int, mpp: float) -> None:
        """Refuse tiles that the encoder was not made for.

        Raises:
            ModelError: naming the sizes and resolutions that are allowed.
        """

    def facts(self) -> EncoderFacts:
        """Return its name, licence and the digest of its weights."""
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
