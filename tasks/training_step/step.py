"""One training step as a regularizer sees it: the batch, the network, and cached results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.functional.gradients import target_margin
from tasks.functional.leave_as_found import leave_as_found
from tasks.training_step.batchnorm import untracked
from tasks.training_step.network import Network, Pass, PixelNetwork, module_of
from tasks.training_step.rank import ALONE, Rank


@dataclass(frozen=True)
class Batch:
    """The samples of one step: tiles or bags.

    ``images`` float32 [B, 3, H, W] in [0, 1], augmented. Of bags they are the features [B, N, D] of the
    sampled tiles, and ``mask`` bool [B, N] is True on these; it is None for tiles. ``labels`` int64 [B];
    ``positions`` int64 [B], the index of each sample among the ``dataset_size`` training samples, the same
    in every epoch.
    """

    images: Tensor
    labels: Tensor
    positions: Tensor
    dataset_size: int
    mask: Tensor | None = None


@dataclass
class Step:
    """What the regularizers of an arm have in common in one step.

    ``inputs`` is the training input: the images, unless a regularizer replaced them. The *main* forward pass
    is the one on ``inputs``. It is made once, in train mode, and no other pass updates BatchNorm.
    ``generator`` is the random stream of the current regularizer, on the device of the images, and ``asked``
    is its label. ``progress`` runs from 0 to 1 over the whole training. ``cached`` names the cached values
    that the regularizers of the arm use. ``class_weights`` [K] are set by the loss. :meth:`note` fills
    ``notes``. Where several processes train, ``rank`` says which part of the whole batch this batch is.
    """

    model: Network
    batch: Batch
    epoch: int
    progress: float
    amp: bool = False
    cached: frozenset[str] = frozenset()
    generator: torch.Generator | None = None
    class_weights: Tensor | None = None
    rank: Rank = ALONE
    inputs: Tensor = field(init=False)
    settled: bool = field(init=False, default=False)
    asked: str = field(init=False, default="")
    notes: dict[str, Tensor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs = self.batch.images

    @property
    def images(self) -> Tensor:
        """The augmented tiles, float32 [B, 3, H, W] in [0, 1], or features, before any regularizer."""
        return self.batch.images

    @property
    def mask(self) -> Tensor:
        """Which places of bags hold tiles, bool [B, N].

        Raises:
            RuntimeError: the samples are no bags.
        """
        if self.batch.mask is None:
            raise RuntimeError("a mask was asked for, but the samples of this step are images")
        return self.batch.mask

    @property
    def labels(self) -> Tensor:
        """Class indices, int64 [B]."""
        return self.batch.labels

    @property
    def tile_weights(self) -> Tensor:
        """The weight of each tile's cross-entropy by its class, float32 [B]; 1 without class weights.

        A term that is itself a cross-entropy must use them too, or classes would be balanced in only one
        term.
        """
        if self.class_weights is None:
            return torch.ones_like(self.labels, dtype=torch.float32)
        return self.class_weights[self.labels]

    @cached_property
    def main(self) -> Pass:
        """The main forward pass.

        Raises:
            RuntimeError: it is used before every regularizer has given its training input.
        """
        if not self.settled:
            raise RuntimeError("the main forward pass was asked for before every regularizer gave its input")
        if self.cached & {"loss_gradient", "input_graph"}:
            self.inputs = self.inputs.detach().requires_grad_()
        return self._pass(self.inputs)

    @property
    def logits(self) -> Tensor:
        """Logits [B, K] of the main forward pass, float32, with their graph."""
        return self.main.logits

    @property
    def features(self) -> Tensor:
        """Last convolutional map [B, C, h, w] of the main forward pass, with its graph."""
        return self.main.features

    @cached_property
    def cross_entropy(self) -> Tensor:
        """Cross-entropy [B] of the main forward pass, unweighted."""
        return F.cross_entropy(self.logits, self.labels, reduction="none")

    @cached_property
    def loss_gradient(self) -> Tensor:
        """Gradient [B, 3, H, W] of each tile's cross-entropy by its training input, itself differentiable.

        Only for regularizers that use ``loss_gradient``. It costs one double backward pass.
        """
        (gradient,) = torch.autograd.grad(self.cross_entropy.sum(), self.inputs, create_graph=True)
        return gradient

    @cached_property
    def _clean(self) -> tuple[Tensor, Tensor]:
        leaf = self.images.detach().requires_grad_()
        with self.eval_mode(), torch.enable_grad():
            return leaf, self.logits_of(leaf)

    @property
    def clean_logits(self) -> Tensor:
        """Logits [B, K] of the clean images in eval mode, detached. The saliency uses the same pass."""
        return self._clean[1].detach()

    @cached_property
    def saliency(self) -> Tensor:
        """Gradient [B, 3, H, W] of the label's margin by the clean images, in eval mode, detached."""
        leaf, logits = self._clean
        (gradient,) = torch.autograd.grad(target_margin(logits, self.labels).sum(), leaf)
        return gradient

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Pass:
        """Return a pass of other images [B, 3, H, W] in train mode. Running statistics stay unchanged.

        Of bags it takes features [B, N, D], and a ``mask`` [B, N] in place of the step's own.
        """
        with untracked(module_of(self.model)):
            return self._pass(images, mask)

    def logits_of(self, images: Tensor) -> Tensor:
        """Return float32 logits [B, K] of ``images`` with their graph; for use inside :meth:`eval_mode`."""
        with self.autocast():
            own = self.batch.mask
            return _full(self.model(images) if own is None else self.model(images, own))

    def _pass(self, images: Tensor, mask: Tensor | None = None) -> Pass:
        mask = self.batch.mask if mask is None else mask
        if mask is not None:
            with self.autocast():
                return Pass(_full(self.model(images, mask)), None, ())
        model = cast("PixelNetwork", self.model)
        layers = model.pre_activation_layers if "pre_activations" in self.cached else ()
        with self.autocast():
            last = model.feature_layers
            seen, logits = model.observe(images, (*last, *layers))
        return Pass(_full(logits), seen[0] if last else None, seen[len(last) :])

    @contextmanager
    def eval_mode(self) -> Iterator[None]:
        """Switch to eval mode without weight gradients, as attacks need it, and restore everything after."""
        with leave_as_found(module_of(self.model)):
            yield

    def autocast(self) -> torch.autocast:
        """Return the precision of this step's forward passes: bfloat16 where the recipe asks for it."""
        return torch.autocast(self.images.device.type, dtype=torch.bfloat16, enabled=self.amp)

    def normal(self, like: Tensor | None = None) -> Tensor:
        """Return fresh standard normal float32 noise of the shape of ``like`` [B, ...], else of the images.

        It comes from this regularizer's stream and is drawn for the whole batch, so that a tile's noise does
        not depend on how many processes there are.
        """
        shape = self._whole_shape(like)
        return self.rank.of(torch.randn(shape, generator=self.generator, device=self.images.device))

    def uniform(self, like: Tensor | None = None) -> Tensor:
        """Return fresh float32 noise in [0, 1) of the shape of ``like`` [B, ...], by default the images."""
        shape = self._whole_shape(like)
        return self.rank.of(torch.rand(shape, generator=self.generator, device=self.images.device))

    def mean_over_batch(self, values: Tensor) -> Tensor:
        """Return the mean of ``values`` [B, ...] over the whole batch, detached: what a state remembers."""
        return self.rank.mean(values.detach().mean(0))

    def note(self, name: str, value: Tensor) -> None:
        """Record a scalar that describes what a method did to the batch, such as a mean over its images.

        It is not part of the loss. Its mean over the steps of an epoch becomes the column ``<label>.<name>``
        of the history. A step without it counts as 0, as with the parts of the loss.
        """
        self.notes[f"{self.asked}.{name}" if self.asked else name] = value.detach()

    def _whole_shape(self, like: Tensor | None) -> tuple[int, ...]:
        own, *rest = self.images.shape if like is None else like.shape
        return (self.rank.count * own, *rest)


def _full(logits: Tensor) -> Tensor:
    """Return logits in full precision; double stays double, for checks by finite differences."""
    return logits.float() if logits.dtype == torch.bfloat16 else logits


@dataclass(frozen=True)
class Finish:
    """What a regularizer may use at the end of an epoch or of the training.

    ``clean_batches()`` yields training tiles, each at most once, in a fixed random order, float32
    [B, 3, H, W], without augmentation. Of bags there are none.
    """

    model: Network
    clean_batches: Callable[[], Iterator[Tensor]]
