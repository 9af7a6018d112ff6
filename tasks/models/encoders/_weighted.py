"""Encoders whose weights lie in one file."""

from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from tasks.artifacts.feature_set import EncoderFacts
from tasks.models.encoders.base import Encoder, digest_of_file


class WeightedEncoder(Encoder):
    """An encoder with one file of weights."""

    paths: ClassVar[tuple[str, ...]] = ("weights",)

    weights: str
    """A safetensors file, or one of ``torch.save`` that holds tensors and nothing else."""

    @property
    def network(self) -> str:
        """The name of the network under which its features are stored."""
        return self.name

    @property
    def licence(self) -> str:
        """What the published weights may be used for."""
        raise NotImplementedError(f"{type(self).__name__} does not say its licence")

    @property
    def file(self) -> Path:
        """Where the weights lie."""
        return self.files()["weights"]

    @property
    def title(self) -> str:
        """What to call the file in a sentence."""
        return f"encoder.weights {self.file.name!r}"

    def facts(self) -> EncoderFacts:
        """Its name, licence and the digest of its file."""
        return EncoderFacts(name=self.network, digest=digest_of_file(self.file), licence=self.licence)


def frozen(network: nn.Module) -> nn.Module:
    """Return ``network`` in eval mode, without gradients of its weights.

    Convolutions get their weights channels last, as tiles are: half as fast again on a CPU core.
    """
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)
