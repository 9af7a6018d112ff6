"""Score maps of your own network and images: the entry point for library users."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from torch import nn

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.evidence.sources import EvidenceError
from tasks.explainers.base import Explainer, ExplanationError
from tasks.faithfulness.base import Metric
from tasks.functional.arithmetic import arithmetic
from tasks.functional.gradients import LogitsError
from tasks.functional.passes import Passes
from tasks.functional.weight_noise import WeightNoiseError
from tasks.models.door.own_copy import own_copy
from tasks.plugins import recipe_of
from tasks.samples.axes import MapKind
from tasks.scoring.errors import NetworkWarning, ScoringError
from tasks.scoring.explain_in_memory import explain_in_memory, incomplete, made_by, settled_explainers
from tasks.scoring.input_checks import Values, checked_images, checked_maps
from tasks.scoring.memory import ImagesInMemory, MapsInMemory
from tasks.scoring.methods import (
    Kinds,
    Named,
    checked_kinds,
    checked_name,
    controls_asked,
    explainers_asked,
    lacking,
    metrics_asked,
)
from tasks.scoring.network import admitted, first_images
from tasks.scoring.table import FaithfulnessTable

_NONE: Mapping[str, Values] = MappingProxyType({})
_UNSTATED: Mapping[str, MapKind] = MappingProxyType({})


def evaluate(  # noqa: PLR0913  (the door of a library: what is brought is named, not packed)
    model: nn.Module,
    images: Values,
    targets: Values,
    *,
    metrics: Sequence[Metric | Named],
    attributions: Mapping[str, Values] | None = None,
    kinds: Kinds | None = _UNSTATED,
    explainers: Mapping[str, Explainer | Named] | None = None,
    controls: Sequence[Explainer | Named] = ("random_map",),
    masks: Mapping[str, Values] = _NONE,
    keys: Sequence[str] | None = None,
    patients: Sequence[str] | None = None,
    batch: int = 64,
    device: str = "cpu",
    advance: Callable[[int], None] = lambda n: None,
) -> FaithfulnessTable:
    """Score maps of N images by all metrics at once, in one shared plan.

    Everything is checked before anything is computed. All images and maps are held in memory on the host;
    what lies on the device is bounded by ``batch``. Float32 is exact, whatever TF32 is set to. The scores of
    an image do not depend on the others, except with the fill ``mean_tissue``, the mean colour of all given
    images.

    Args:
        model: maps float32 images [B, 3, H, W] in [0, 1] to logits [B, K], K at least 2, on ``device``; the
            normalisation is inside. It is asked a few questions first; see docs/library.md. Left as found.
        images: [N, 3, H, W], floats in [0, 1] (computed with in float32) or uint8.
        targets: integers [N], the class explained in each image; it counts as its label too.
        metrics: names, mappings as in a study file, or metrics.
        attributions: by name, maps [N, H, W], raw and signed, one value per pixel.
        kinds: ``contribution`` (the maps say what a pixel adds to the margin) or ``sensitivity`` (how the
            margin moves with it, such as a gradient), for all of these or by name. Metrics that must know it
            ask for it.
        explainers: by name, to make the maps; either these or ``attributions``.
        controls: maps that see no trained model, scored beside the others; () for none.
        masks: booleans [N, H, W] under ``annotation``, ``evidence``, ``decoy``, ``artefact`` or ``tissue``
            (everywhere by default).
        keys: a name for each image, by default its number. Random draws depend on (seed, key) alone, so an
            image with the same key gets the same draws whatever the other images are.
        patients: the patient of each image, by whom intervals are clustered. Without them each image is taken
            as independent of the others.
        batch: images in flight; changes no score beyond 1e-5.
        device: where the model lies.
        advance: called with the number of scores of maps just done.

    Returns:
        The scores, and why some metrics are not available: they need an explainer, a mask or slides.

    Raises:
        ScoringError: the inputs do not match; the message is one sentence.
    """
    settings, brought = (
        EvaluationSettings(batch, device),
        checked_images(images, targets, masks, keys, patients),
    )
    asked = metrics_asked(metrics)
    makers, maps = _sources(attributions, explainers, brought)
    controlling = controls_asked(controls, (*makers, *maps))
    given = checked_kinds(kinds, maps)
    admission = admitted(model, brought, device)
    missing = {metric.id: lacking(metric, masks, bool(makers)) for metric in asked}
    names, known = (*makers, *maps, *controlling), [metric for metric in asked if not missing[metric.id]]
    try:
        with arithmetic(), own_copy(model, admission.writes_on_images):
            called = settled_explainers(model, {**makers, **controlling}, first_images(brought, device))
            stated = given | {name: maker.map_kind for name, maker in called.items()}
            _refuse_unstated(stated, names, known, admission.classes)
            made, spent = explain_in_memory(model, called, brought, settings)
            evidence = Evidence(
                tile_sets=[brought],
                attributions={name: [{**maps, **made}[name]] for name in names},
                classes=[str(number) for number in range(admission.classes)],
                target=[brought.targets],
                explainers=called,
                kinds=stated,
            )
            wanted = [(name, metric) for name in names for metric in known]
            results = evaluate_pairs(model, evidence, wanted, settings, advance)
    except (EvidenceError, ExplanationError, LogitsError, WeightNoiseError) as error:
        raise ScoringError(str(error)) from error
    warned = (*admission.notes, *incomplete(called, made))
    for note in warned:
        warnings.warn(note, NetworkWarning, stacklevel=2)
    known_controls = (*(n for n, maker in makers.items() if maker.control), *controlling)
    return FaithfulnessTable(
        results=results,
        unavailable={name: why for name, why in missing.items() if why is not None},
        controls=known_controls,
        blind=tuple(name for name in known_controls if called[name].blind),
        recipes={name: recipe_of(called.get(name)) for name in names},
        passes=passes_of(results, spent),
        patients=brought.patients,
        notes=(*warned, *made_by(called)),
    )


def _refuse_unstated(
    kinds: Mapping[str, MapKind], names: Sequence[str], metrics: Sequence[Metric], classes: int
) -> None:
    """Refuse maps of an unstated kind where a metric must know it."""
    for name in names:
        for metric in metrics:
            try:
                metric.for_maps(kinds.get(name), classes)
            except EvidenceError as error:
                raise ScoringError(f"maps of {name!r}: {error}") from error


def _sources(
    attributions: Mapping[str, Values] | None,
    explainers: Mapping[str, Explainer | Named] | None,
    images: ImagesInMemory,
) -> tuple[dict[str, Explainer], dict[str, MapsInMemory]]:
    """Return the explainers that make the maps, or the maps that were brought."""
    if (attributions is None) == (explainers is None):
        raise ScoringError("give either attributions or explainers")
    if not (attributions or explainers):
        raise ScoringError("no map and no explainer was given")
    if explainers is not None:
        return explainers_asked(explainers), {}
    unmeasured = np.full(len(images.keys), np.nan)
    maps = {
        checked_name(name): MapsInMemory(images, checked_maps(name, values, images), unmeasured)
        for name, values in (attributions or {}).items()
    }
    return {}, maps


def passes_of(results: Mapping[tuple[str, str], MetricResult], making: Passes) -> dict[str, int]:
    """Return the passes of the metrics, of which all results share the plan, and those that made maps."""
    measures = next((result.measures for result in results.values()), {})
    kinds = ("forward_images", "backward_images", "minimum_forward_images", "minimum_backward_images")
    found = {kind.removesuffix("_images"): int(measures.get(f"plan_{kind}", 0)) for kind in kinds}
    explained = int(measures.get("plan_explained_images", 0))
    return found | {
        "explained": explained,
        "maps_forward": making.forward,
        "maps_backward": making.backward,
    }
