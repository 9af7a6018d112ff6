"""The questions that any network is asked, in at most three forward passes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tasks.functional.foreign_errors import SaidAs
from tasks.functional.leave_as_found import leave_as_found
from tasks.models.door.ambient import refuse_inference_mode, said_of_autocast, tolerance
from tasks.models.door.state import unchanged
from tasks.models.errors import ModelError


@dataclass(frozen=True)
class Admission:
    """What the door found out.

    Attributes:
        classes: K, the number of logits per image.
        notes: sentences about what does not stop the work but changes what its numbers mean.
        writes_on_images: whether the network changes the images that it is given, in place.
    """

    classes: int
    notes: tuple[str, ...] = ()
    writes_on_images: bool = False


def ask_network(model: nn.Module, images: Tensor, title: str = "") -> Admission:
    """Ask a network what everything behind the door relies on.

    It must give finite logits [B, K], the same logits for the same image at every call, and the same logits
    for an image alone and beside others. Three forward passes answer that: three images, the same three
    again, and the first one alone.

    Args:
        model: on the device of ``images``; asked in eval mode, left as found.
        images: float32 [n, C, H, W] in [0, 1], n at least 1; never written on.
        title: what to call the network in a sentence; by default the name of its class.

    Raises:
        ModelError: an answer does not fit, or the network raised an error; one sentence says which.
    """
    refuse_inference_mode(model)
    title, together = title or type(model).__name__, _company(images)
    with leave_as_found(model), torch.no_grad(), unchanged(model):
        given = together.clone()
        first = _logits(model, title, given)
        writes = not torch.equal(given, together)
        again = _logits(model, title, together.clone())
        _refuse_other_answers(first, again, _unlike_itself(title))
        with torch.enable_grad():
            shown = together[:1].clone().requires_grad_().clone()
            before = shown.grad_fn
            alone = _logits(model, title, shown)
        _refuse_other_answers(first[:1], alone, _unlike_alone(title))
        if writes and shown.grad_fn is before:
            raise ModelError(
                f"{title} writes on its images where autograd does not see it (under no_grad or through "
                ".data), so every gradient lacks what it did; let it compute new images instead"
            )
    notes = (*said_of_autocast(images.device.type), *said_of_probabilities(title, first))
    return Admission(int(first.shape[1]), notes, writes)


def _company(images: Tensor) -> Tensor:
    """Return [3, C, H, W]: the first image, another one, and one that differs from any: it gets paler."""
    first = images[:1]
    other = images[1:2] if len(images) > 1 else first.flip(-1)
    ramp = torch.linspace(0, 1, first.shape[-1], dtype=first.dtype, device=first.device)
    return torch.cat([first, other, 0.5 * first + 0.5 * ramp])


def _logits(model: nn.Module, title: str, images: Tensor) -> Tensor:
    shape, count = list(images.shape), len(images)
    with SaidAs(ModelError, f"{title} does not take images of shape {shape}"):
        logits: object = model(images)
    if not isinstance(logits, Tensor):
        raise ModelError(
            f"{title} gave {type(logits).__name__}; needed a tensor of logits [B, K]: say which output they "
            "are (network.logits in a study file), or hand in a module that returns the logits alone"
        )
    if logits.ndim != 2 or len(logits) != count or logits.shape[1] < 2 or not logits.is_floating_point():
        raise ModelError(
            f"{title} gave {logits.dtype} of shape {list(logits.shape)} for {count} images; needed "
            f"logits [{count}, K] with K >= 2"
        )
    if not torch.isfinite(logits).all():
        raise ModelError(f"{title} gave logits that are not finite")
    # A copy: some networks return the same memory at every call.
    return logits.detach().clone()


def _refuse_other_answers(one: Tensor, other: Tensor, sentence: str) -> None:
    scale = one.abs().max().clamp_min(1.0)
    difference = float((one - other).abs().max() / scale)
    if not difference <= tolerance(one.device.type):
        raise ModelError(f"{sentence}; the logits differ by {difference:.2g} of the largest")


def _unlike_itself(title: str) -> str:
    return (
        f"{title} gives the same images other logits at a second call, in eval mode: something in it draws "
        "at random, such as a dropout that never turns off (F.dropout without training=self.training)"
    )


def _unlike_alone(title: str) -> str:
    return (
        f"{title} gives an image other logits alone than beside other images, in eval mode: something in it "
        "looks at the whole batch, such as a BatchNorm without running statistics"
    )


def said_of_probabilities(title: str, logits: Tensor) -> tuple[str, ...]:
    """Return a sentence where logits [B, K] look like probabilities, else nothing."""
    inside = bool(((logits >= 0) & (logits <= 1)).all())
    if not (inside and torch.allclose(logits.sum(1), torch.ones_like(logits[:, 0]), atol=1e-4)):
        return ()
    return (
        f"the outputs of {title} look like probabilities: each row lies in [0, 1] and sums to 1. Everything "
        "here takes them for logits, so a softmax inside the network flattens maps and scores of confident "
        "images; leave it out",
    )
