"""The maps of an explainer, made in memory."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.evaluation.plan import EvaluationSettings
from tasks.evidence.slide import SlideEvidence
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.batch import BatchExplainer
from tasks.functional.completeness import completeness_note
from tasks.functional.foreign_errors import SaidAs
from tasks.functional.gradients import LogitsError
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.functional.pixels import spans
from tasks.functional.tile_keys import tile_keys
from tasks.functional.weight_noise import WeightNoiseError
from tasks.scoring.errors import ScoringError
from tasks.scoring.memory import ImagesInMemory, MapsInMemory

_SENTENCES = (ExplanationError, LogitsError, WeightNoiseError)


def explain_in_memory(
    model: nn.Module,
    explainers: Mapping[str, Explainer],
    images: ImagesInMemory,
    settings: EvaluationSettings,
) -> tuple[dict[str, MapsInMemory], Passes]:
    """Return the maps of each explainer, and the total number of passes.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found.
        explainers: by name.
        images: the images, each explained for its own target.
        settings: resources.

    Raises:
        ScoringError: an explainer gave values that are not finite, or maps of another shape.
    """
    slide = SlideEvidence(images, {}, images.targets, "")
    maps, spent = {}, Passes()
    for name, explainer in explainers.items():
        title = f"explainer {name!r} cannot explain {type(model).__name__}"
        with SaidAs(ScoringError, title, _SENTENCES), leave_as_found(model), torch.no_grad():
            explaining = BatchExplainer(explainer, explainer.prepare(model), settings.batch)
            with counted_passes(explaining.network) as counter:
                pieces = [
                    _explain(name, explaining, _opened(slide, images.usable[span], settings.device))
                    for span in spans(len(images.keys), settings.batch)
                ]
        spent += counter.spent
        values, errors = zip(*pieces, strict=True)
        maps[name] = MapsInMemory(images, np.concatenate(values), np.concatenate(errors))
    return maps, spent


def settled_explainers(
    model: nn.Module, explainers: Mapping[str, Explainer], first: Tensor
) -> dict[str, Explainer]:
    """Return the explainers with all decided that is found in the network.

    Args:
        model: left as found.
        explainers: by name.
        first: float [n, 3, H, W], the first images.

    Raises:
        ExplanationError: an explainer cannot explain this network.
    """
    return {name: explainer.settled(model, first) for name, explainer in explainers.items()}


def made_by(explainers: Mapping[str, Explainer]) -> tuple[str, ...]:
    """Return how maps were made, where an explainer decided something by itself."""
    return tuple(f"{name}: {note}" for name, explainer in explainers.items() for note in explainer.notes())


def incomplete(explainers: Mapping[str, Explainer], maps: Mapping[str, MapsInMemory]) -> tuple[str, ...]:
    """Return a sentence for each explainer that claims complete maps and gave incomplete ones."""
    return tuple(
        f"{name}: {note}"
        for name, explainer in explainers.items()
        if explainer.complete
        for note in completeness_note(
            maps[name].completeness, maps[name].values.sum((1, 2), dtype=np.float64)
        )
    )


def _opened(slide: SlideEvidence, rows: NDArray[np.intp], device_name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return images [n, 3, H, W], targets [n] and tile keys [n] on the device."""
    device = torch.device(device_name)
    targets = torch.from_numpy(slide.targets[rows]).to(device)
    return slide.images(rows, device), targets, tile_keys(slide.sample_ids(rows)).to(device)


def _explain(
    name: str, explaining: BatchExplainer, opened: tuple[Tensor, Tensor, Tensor]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the maps [n, H, W] and the completeness errors [n] of one batch, on the host."""
    images, targets, keys = opened
    maps = explaining.maps(images, targets, keys)
    wanted = (len(images), *images.shape[2:])
    if maps.shape != wanted:
        raise ScoringError(f"explainer {name!r} gave maps of shape {list(maps.shape)}; needed {list(wanted)}")
    if not torch.isfinite(maps).all():
        raise ScoringError(f"explainer {name!r} gave maps that hold values that are not finite")
    errors = explaining.completeness_errors(images, targets, maps)
    return maps.float().cpu().numpy(), errors.cpu().numpy()
