"""Bags and scores of their tiles as the store holds them, read bag by bag."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.afresh import Afresh
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.tile_scores import TileScores
from tasks.artifacts.tile_set import MARKS, Mark
from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.read_when_taken import ReadWhenTaken
from tasks.evidence.sources import EvidenceError
from tasks.samples.axes import MapKind


def stored_bags(
    features: Sequence[FeatureSet],
    scores: Mapping[str, TileScores],
    classes: Sequence[str],
    target: int,
    kinds: Mapping[str, MapKind],
    explainers: Mapping[str, ExplainerLike],
) -> BagEvidence:
    """Return the evidence of some slides. What is in memory at once is one block of bags.

    Args:
        features: one per slide.
        scores: per explainer those of all slides; an explainer may have scored more.
        classes: the names of the classes, in the order of the logits.
        target: the explained class.
        kinds: per explainer what its scores say.
        explainers: those that metrics may call.

    Raises:
        EvidenceError: an explainer scored none of the tiles of a slide.
    """
    sets, facts = Afresh(list(features)), [each.facts for each in Afresh(list(features))]
    slides = [each.slide_id for each in facts]
    for name, found in scores.items():
        missing = sorted(set(slides) - set(found.slides))
        if missing:
            raise EvidenceError(f"explainer {name!r} has no scores of the tiles of slide {missing[0]!r}")
    table = pd.DataFrame(
        {
            "slide_id": slides,
            "patient_id": [each.patient_id for each in facts],
            "label": [each.label for each in facts],
        }
    )
    count = len(slides)
    return BagEvidence(
        features=ReadWhenTaken(count, lambda place: sets[place].features()),
        table=table,
        attributions={name: _of(found, slides) for name, found in scores.items()},
        classes=classes,
        target=target,
        explainers=explainers,
        errors={name: _errors(found, slides) for name, found in scores.items()},
        kinds=kinds,
        about=ReadWhenTaken(count, lambda place: sets[place].about()),
        tile_classes=ReadWhenTaken(count, lambda place: sets[place].labels(classes)),
        marks={mark: _covered(sets, mark) for mark in MARKS if any(mark in each.marks for each in facts)},
        tile_ids=ReadWhenTaken(count, lambda place: sets[place].tile_ids),
        counts=[each.count for each in facts],
    )


def _covered(sets: Sequence[FeatureSet], mark: Mark) -> Sequence[NDArray[np.float32]]:
    return ReadWhenTaken(len(sets), lambda place: sets[place].marked(mark))


def _of(scores: TileScores, slides: Sequence[str]) -> Sequence[NDArray[np.floating]]:
    names = list(slides)
    return ReadWhenTaken(len(names), lambda place: scores.values(names[place]))


def _errors(scores: TileScores, slides: Sequence[str]) -> NDArray[np.float64]:
    """Return float64 [B]; NaN where the explainer names no reference."""
    found = scores.index.set_index("slide_id")["completeness_error"]
    return found.reindex(list(slides)).to_numpy(dtype=np.float64)
