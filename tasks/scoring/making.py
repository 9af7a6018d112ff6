"""The maps of an explainer, made in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.evaluation.plan import EvaluationSettings
from tasks.evidence.slide import SlideEvidence
from tasks.explainers.base import Explainer
from tasks.functional.gradients import target_margin
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.functional.pixels import spans
from tasks.functional.tile_keys import tile_keys
from tasks.scoring.errors import ScoringError
from tasks.scoring.memory import ImagesInMemory, MapsInMemory


@dataclass(frozen=True)
class _Job:
    name: str
    explainer: Explainer
    network: nn.Module
    slide: SlideEvidence
    device: torch.device


def maps_made(
    model: nn.Module,
    explainers: Mapping[str, Explainer],
    images: ImagesInMemory,
    settings: EvaluationSettings,
) -> tuple[dict[str, MapsInMemory], Passes]:
    """Return the maps of each explainer, and the passes that they cost all together.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found.
        explainers: by name.
        images: what is explained, each as its own target.
        settings: resources.

    Raises:
        ScoringError: an explainer gave values that are not finite, or maps of another shape.
    """
    slide = SlideEvidence(images, {}, images.targets, "")
    found, spent = {}, Passes()
    for name, explainer in explainers.items():
        with leave_as_found(model), torch.no_grad():
            job = _Job(name, explainer, explainer.prepare(model), slide, torch.device(settings.device))
            with counted_passes(job.network) as counter:
                pieces = [
                    _explain(job, images.usable[span]) for span in spans(len(images.keys), settings.batch)
                ]
        spent += counter.spent
        values, errors = zip(*pieces, strict=True)
        found[name] = MapsInMemory(images, np.concatenate(values), np.concatenate(errors))
    return found, spent


def _explain(job: _Job, rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the maps [n, H, W] and the completeness errors [n] of one batch, on the host."""
    images = job.slide.images(rows, job.device)
    targets = torch.from_numpy(job.slide.targets[rows]).to(job.device)
    keys = tile_keys(job.slide.tile_ids(rows)).to(job.device)
    maps = job.explainer.attribute(job.network, images, targets, keys).detach()
    wanted = (len(images), *images.shape[2:])
    if maps.shape != wanted:
        raise ScoringError(
            f"explainer {job.name!r} gave maps of shape {list(maps.shape)}; needed {list(wanted)}"
        )
    if not torch.isfinite(maps).all():
        raise ScoringError(f"explainer {job.name!r} gave maps that hold values that are not finite")
    errors = _completeness(job, images, targets, maps)
    return maps.float().cpu().numpy(), errors.cpu().numpy()


def _completeness(job: _Job, images: Tensor, targets: Tensor, maps: Tensor) -> Tensor:
    """Return float64 [n]: the sum of each map less the margin it is measured against; NaN if none."""
    reference = job.explainer.reference(job.network, images)
    if reference is None:
        return torch.full((len(images),), torch.nan, dtype=torch.float64, device=images.device)
    present, absent = (target_margin(job.network(given), targets) for given in (images, reference))
    return maps.double().sum((1, 2)) - (present - absent).double()
