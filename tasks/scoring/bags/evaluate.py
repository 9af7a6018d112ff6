"""Score maps of tiles of your own slide model and features: the entry point for library users."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.sources import EvidenceError
from tasks.explainers.base import Explainer
from tasks.faithfulness.base import Metric
from tasks.functional.arithmetic import arithmetic
from tasks.functional.gradients import LogitsError
from tasks.plugins import recipe_of
from tasks.samples.axes import MapKind
from tasks.scoring.bags.brought import BroughtBags, bags_in_memory
from tasks.scoring.bags.explain import MadeScores, explained_bags, incomplete_bags, settled_on_bags
from tasks.scoring.bags.network import EMPTY, BroughtNetwork, Takes, admitted_bags
from tasks.scoring.errors import NetworkWarning, ScoringError
from tasks.scoring.evaluate import passes_of
from tasks.scoring.explain_in_memory import made_by
from tasks.scoring.input_checks import Values, as_array
from tasks.scoring.methods import (
    NOT_AVAILABLE,
    Kinds,
    Named,
    checked_kinds,
    checked_name,
    controls_asked,
    explainers_asked,
    metrics_asked,
)
from tasks.scoring.table import FaithfulnessTable

METRICS = (
    "tile_deletion",
    "tile_insertion",
    "matched_tile_deletion",
    "sufficiency",
    "necessity",
    "tile_localisation",
)
"""What is asked where nobody says otherwise: both axes."""
CONTROLS = ("random_map", "centre_distance", "darkness")
"""Those that a cohort of features can have; of what is not known they are left out with a note."""

_NONE: Mapping[str, Any] = MappingProxyType({})
Scores = Mapping[str, Mapping[str, Values]]
"""By explainer and slide, the scores [N] of its tiles, raw and signed."""


def evaluate_bags(  # noqa: PLR0913  (the door of a library: what is brought is named, not packed)
    model: nn.Module,
    features: Mapping[str, Values] | BroughtBags,
    target: int = 1,
    *,
    metrics: Sequence[Metric | Named] = METRICS,
    attributions: Scores = _NONE,
    kinds: Kinds | None = _NONE,
    explainers: Mapping[str, Explainer | Named] = _NONE,
    controls: Sequence[Explainer | Named] = CONTROLS,
    classes: Sequence[str] | None = None,
    labels: Mapping[str, str] = _NONE,
    patients: Mapping[str, str] = _NONE,
    coordinates: Mapping[str, Values] = _NONE,
    darkness: Mapping[str, Values] = _NONE,
    tile_labels: Mapping[str, Sequence[str]] = _NONE,
    takes: Takes = "auto",
    logits: int | str | None = None,
    batch: int = 64,
    device: str = "cpu",
    advance: Callable[[int], None] = lambda n: None,
) -> FaithfulnessTable:
    """Score maps of tiles by all metrics at once. No slides and no GPU are needed.

    Everything is checked before anything is computed. Features that lie in files are read block by block.

    Args:
        model: a slide model on ``device``, called with features [B, N, D] and a mask [B, N], with one bag
            [1, N, D], or with its tiles [N, D]. It is asked a few questions first. Left as found.
        features: by slide, [N, D]; or bags in files, see :func:`tasks.scoring.bags.files.read_bags`.
        target: the class that is explained, counted from 0.
        metrics: names, mappings as in a study file, or metrics.
        attributions: by explainer and slide, scores [N], raw and signed; instead of or beside makers.
        kinds: ``contribution`` or ``sensitivity``, for all given scores or by name.
        explainers: by name, to make scores here.
        controls: maps that see no trained model, scored beside the others; () for none.
        classes: the names of the classes; by default their numbers.
        labels: by slide, its class. Metrics score slides of the target alone; unlabelled slides count as such
            where no label is given at all.
        patients: by slide, its patient, by whom intervals are clustered.
        coordinates: by slide, [N, 2] in any unit.
        darkness: by slide, [N], the mean optical density of each tile.
        tile_labels: by slide, the class of each tile; empty where it is not known.
        takes: how the model is called, see :data:`tasks.scoring.bags.network.Takes`.
        logits: the place or name of the logits in what the model returns, where that is not a tensor.
        batch: bags in flight; changes no score beyond 1e-5.
        device: where the model lies.
        advance: called with the number of scores of maps just done.

    Returns:
        The scores, and why some metrics are not available.

    Raises:
        ScoringError: the inputs do not match; the message is one sentence.
    """
    asked = metrics_asked(metrics)
    missing = {metric.id: _lacking(metric) for metric in asked}
    names = None if classes is None else tuple(classes)
    if not isinstance(features, BroughtBags):
        features = bags_in_memory(features, coordinates, darkness, tile_labels, names or ("0", "1"))
    tiles = torch.from_numpy(np.require(features.features[0], np.float32, "W")).to(device)
    way, admission = admitted_bags(model, tiles, takes, logits)
    names = _class_names(names, admission.classes, target)
    bags = _told(features, labels, patients, names, target)
    brought = BroughtNetwork(model, way, logits, *bags.moments()).to(device)
    makers, given = explainers_asked(explainers), _given(attributions, bags)
    if not (makers or given):
        raise ScoringError("no map and no explainer was given")
    controlling = controls_asked(controls, (*makers, *given))
    stated, source = checked_kinds(kinds, given), _evidence(bags, names, target)
    settings = EvaluationSettings(batch, device)
    with arithmetic():
        called = settled_on_bags(brought, {**makers, **controlling}, source, torch.device(device))
        made, spent = explained_bags(brought, called, source, batch, torch.device(device))
        silent = {name: made[name].silent for name in controlling if made[name].silent}
        shown = [name for name in (*makers, *given, *controlling) if name not in silent]
        called = {name: maker for name, maker in called.items() if name not in silent}
        kinds_of = stated | {name: maker.map_kind for name, maker in called.items()}
        evidence = _with_maps(source, shown, given, made, called, kinds_of)
        known = [metric for metric in asked if not missing[metric.id]]
        results = _scored(brought, evidence, known, settings, advance)
    notes = (*admission.notes, *incomplete_bags(called, made))
    for note in notes:
        warnings.warn(note, NetworkWarning, stacklevel=2)
    of_controls = tuple(name for name, maker in called.items() if maker.control)
    return FaithfulnessTable(
        results=results,
        unavailable={name: why for name, why in missing.items() if why is not None},
        controls=of_controls,
        blind=tuple(name for name in of_controls if called[name].blind),
        recipes={name: recipe_of(called.get(name)) for name in shown},
        passes=passes_of(results, spent),
        patients=bags.patients,
        notes=(*notes, *made_by(called), *_left_out(silent), *_empty(brought)),
        samples="slides",
    )


def _with_maps(
    source: BagEvidence,
    names: Sequence[str],
    given: Mapping[str, list[NDArray[np.float32]]],
    made: Mapping[str, MadeScores],
    called: Mapping[str, Explainer],
    kinds: Mapping[str, MapKind],
) -> BagEvidence:
    return replace(
        source,
        attributions={name: given[name] if name in given else made[name].values for name in names},
        errors={name: np.array(made[name].errors) for name in names if name in made},
        explainers=called,
        kinds=kinds,
    )


def _left_out(silent: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"control {name} is left out: {why}" for name, why in silent.items())


def _scored(
    model: nn.Module,
    evidence: BagEvidence,
    metrics: Sequence[Metric],
    settings: EvaluationSettings,
    advance: Callable[[int], None],
) -> dict[tuple[str, str], MetricResult]:
    wanted = [
        (name, metric)
        for name in evidence.attributions
        for metric in metrics
        if "attribution" not in metric.needs or name in evidence.explainers
    ]
    try:
        return evaluate_pairs(model, evidence, wanted, settings, advance)
    except (EvidenceError, LogitsError) as error:
        raise ScoringError(str(error)) from error


def _lacking(metric: Metric) -> str | None:
    return None if "tile" in metric.supports else f"{NOT_AVAILABLE} images of tiles"


def _class_names(names: Sequence[str] | None, classes: int, target: int) -> tuple[str, ...]:
    found = tuple(map(str, range(classes))) if names is None else tuple(names)
    if len(found) != classes:
        raise ScoringError(f"{len(found)} classes are named, and the model has {classes}")
    if not 0 <= target < classes:
        raise ScoringError(f"target {target} is none of the {classes} classes, counted from 0")
    return found


def _told(
    bags: BroughtBags,
    labels: Mapping[str, str],
    patients: Mapping[str, str],
    classes: Sequence[str],
    target: int,
) -> BroughtBags:
    """Return the bags with the labels and patients that are stated beside them."""
    said = labels or dict(zip(bags.names, bags.labels, strict=True))
    strangers = sorted({label for label in said.values() if label} - set(classes))
    if strangers:
        raise ScoringError(f"a slide is labelled {strangers[0]!r}; the classes are {', '.join(classes)}")
    if not any(said.values()):
        said = dict.fromkeys(bags.names, classes[target])
    if classes[target] not in said.values():
        raise ScoringError(f"no slide is labelled {classes[target]!r}, the class that is explained")
    named = patients or dict(zip(bags.names, bags.patients, strict=True))
    known = [named.get(name, "") for name in bags.names]
    if any(known) and not all(known):
        raise ScoringError("some slides name a patient and some do not; name one for each slide, or none")
    return replace(bags, labels=tuple(said.get(name, "") for name in bags.names), patients=tuple(known))


def _given(attributions: Scores, bags: BroughtBags) -> dict[str, list[NDArray[np.float32]]]:
    """Return the scores that were brought, one [N] per slide; NaN of slides that have none."""
    found = {}
    for name, of_slides in attributions.items():
        strangers = sorted(set(of_slides) - set(bags.names))
        if strangers:
            raise ScoringError(f"attributions[{name!r}] hold slide {strangers[0]!r}, which has no features")
        found[checked_name(name)] = [
            _scores(name, slide, count, of_slides)
            for slide, count in zip(bags.names, bags.counts, strict=True)
        ]
    return found


def _scores(name: str, slide: str, count: int, of_slides: Mapping[str, Values]) -> NDArray[np.float32]:
    if slide not in of_slides:
        return np.full(count, np.nan, np.float32)
    scores = as_array(of_slides[slide], f"attributions[{name!r}][{slide!r}]").squeeze()
    if scores.ndim == 0:
        scores = scores[None]
    if scores.shape != (count,) or scores.dtype.kind not in "fiu":
        raise ScoringError(
            f"attributions[{name!r}] of slide {slide!r} are {scores.dtype} {list(scores.shape)}; needed "
            f"numbers [{count}], one per tile"
        )
    return scores.astype(np.float32)


def _evidence(bags: BroughtBags, classes: Sequence[str], target: int) -> BagEvidence:
    return BagEvidence(
        features=bags.features,
        table=bags.table,
        attributions={},
        classes=classes,
        target=target,
        about=bags.about,
        tile_classes=bags.tile_classes,
        tile_ids=bags.tile_ids,
        counts=bags.counts,
    )


def _empty(model: BroughtNetwork) -> tuple[str, ...]:
    return () if model.is_pooled else (EMPTY,)
