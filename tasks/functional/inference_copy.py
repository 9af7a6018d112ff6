"""A faster copy of a network for forward passes, with folded normalisation and optimal layouts."""

import copy
import warnings

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from tasks.functional.foreign_errors import SaidAs

TOLERANCE = 1e-4
"""Largest difference of the copy's logits from the network's, relative to the largest logit."""


class _NotRecordedError(Exception):
    """A network cannot be recorded."""


class InferenceCopy(nn.Module):
    """Maps images [B, C, H, W] to the logits [B, K] of the network it was made from, without gradients."""

    def __init__(self, program: torch.jit.ScriptModule) -> None:
        super().__init__()
        self._program = program

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, K]."""
        logits: Tensor = self._program(images)
        return logits


def inference_copy(model: nn.Module, images: Tensor) -> nn.Module:
    """Return a network with the outputs of ``model`` and faster forward passes, or ``model`` itself.

    PyTorch's own optimiser of frozen programs makes it (deprecated in favour of a compiler, which needs one
    for C++ on the user's machine), on CPUs only: elsewhere it was not measured. ``model`` itself is returned
    if it has hooks (they may change or watch values), if its Python code depends on values or sizes (a
    recorded program would keep the answer of one batch), if it cannot be recorded or run, if the copy's
    logits differ by more than :data:`TOLERANCE`, or if any logit of the check is not finite: where an
    optimised program fuses a ReLU into a convolution, NaN becomes a number. The copy keeps the current
    weights: later changes of ``model`` do not affect it.

    Args:
        model: in eval mode; left as it is.
        images: a few images [n, C, H, W] in [0, 1], n >= 1, to record with and to check on: as they are,
            mirrored, filled to a half, and filled as a whole with white and with their mean colour.
    """
    if images.device.type != "cpu" or model.training or _has_hooks(model):
        return model
    checked = _checks(images)
    with torch.no_grad():
        made = _recorded(model, images, checked)
        if made is None or not _equal(model(checked.clone()), made[1]):
            return model
    return InferenceCopy(made[0]).eval()


def _checks(images: Tensor) -> Tensor:
    """Return the images, mirrored ones, and filled ones as metrics ask about them, [2 n + 3, C, H, W]."""
    first = images[:1]
    half = first.clone()
    half[..., : half.shape[-1] // 2] = 1
    flat = first.mean((2, 3), keepdim=True).expand_as(first)
    return torch.cat([images, images.flip(-1), half, torch.ones_like(first), flat])


def _has_hooks(model: nn.Module) -> bool:
    return any(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks
        for module in model.modules()
    )


def _recorded(
    model: nn.Module, images: Tensor, others: Tensor
) -> tuple[torch.jit.ScriptModule, Tensor] | None:
    """Return the program and its answer to ``others``, or None where it cannot be recorded or run."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", TracerWarning)
        try:
            with SaidAs(_NotRecordedError, "no copy"):
                # Copies of the images: a network may write on what it is given.
                traced = torch.jit.trace(  # type: ignore[no-untyped-call]  # torch
                    copy.deepcopy(model), images.clone(), check_trace=False
                )
                program = torch.jit.optimize_for_inference(traced)
                answer = program(others.clone())
        except _NotRecordedError:
            return None
    # A tracer warning means that Python code depends on a value, which the program would not follow.
    looked = any(issubclass(warning.category, TracerWarning) for warning in raised)
    return None if looked else (program, answer)


def _equal(expected: Tensor, got: Tensor) -> bool:
    if expected.shape != got.shape or expected.dtype != got.dtype or not torch.isfinite(expected).all():
        return False
    scale = expected.abs().max().clamp_min(1.0)
    return bool(((expected - got).abs().max() <= TOLERANCE * scale).item())
