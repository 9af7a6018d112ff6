"""The logits of one slide model on whole slides."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.predictions import COLUMNS, PREDICTIONS, SLIDE_COLUMNS, SLIDES
from tasks.functional.ahead import read_ahead
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.probabilities import softmax
from tasks.models.bag_classifier import BagClassifier
from tasks.models.errors import ModelError


def predict_bags(
    model: BagClassifier,
    sets: Sequence[FeatureSet],
    device: str,
    advance: Callable[[int], None] = lambda n: None,
) -> pd.DataFrame:
    """Return one row per slide that has tiles, with its logits and the softmax of these as scores.

    Args:
        model: on ``device``; left as found.
        sets: the slides, in the order of the rows. Each is read as a whole, one ahead of the model.
        device: where the model lies, as a torch device name.
        advance: called with the number of tiles just done.

    Raises:
        ModelError: the logits of a slide are not finite.
    """
    there = [each for each in sets if each.facts.count]
    logits = []
    with leave_as_found(model), torch.no_grad():
        for features in read_ahead(lambda each: torch.from_numpy(each.features()), there):
            bag = features[None].to(device)
            logits.append(model(bag, torch.ones(bag.shape[:2], dtype=torch.bool, device=bag.device)))
            advance(len(features))
    if not there:
        return pd.DataFrame(columns=list(SLIDE_COLUMNS))
    values = torch.cat(logits).cpu().double().numpy()
    broken = np.flatnonzero(~np.isfinite(values).all(1))
    if len(broken):
        raise ModelError(
            f"the slide model gives logits that are not finite on {len(broken)} of {len(there)} slides, "
            f"first {there[broken[0]].facts.slide_id}"
        )
    facts = (each.facts for each in there)
    described = [(f.slide_id, f.patient_id, f.split, f.label, f.count) for f in facts]
    scores = softmax(values)
    return pd.DataFrame(described, columns=list(SLIDE_COLUMNS)).assign(
        **{f"logit_{k}": values[:, k] for k in range(values.shape[1])},
        **{f"score_{k}": scores[:, k] for k in range(values.shape[1])},
    )


def write_bag_predictions(slides: pd.DataFrame, out: Path) -> dict[str, float]:
    """Write the Predictions of slides, with an empty table of tiles, into ``out`` and return measures."""
    tiles = pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})
    tiles.to_parquet(out / PREDICTIONS, index=False)
    slides.to_parquet(out / SLIDES, index=False)
    return {"tiles": int(slides["tiles"].sum()), "slides": len(slides)}
