"""A comparison of as many arms as wanted, each with its own planted gain: for claims and for wide pages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.checkpoint import Checkpoint
from tasks.comparison.claims.claim import Claim
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonJob
from tasks.comparison.recipe import ComparisonRecipe
from tests._support.comparison_jobs import CLASSES, make_predictions, make_report, places

NOISE = 0.1
METHODS = (
    "standard", "noise_modulation", "single_product_noise", "gaussian_noise", "scaat", "scaat_random_mask",
    "scaat_top_mask", "consistency", "consistency_without_features", "activation_sensitivity", "jacobian",
    "input_gradient", "trades", "saliency_guided",
)  # fmt: skip
GAINS = {arm: 0.03 * number for number, arm in enumerate(METHODS)}
"""Fourteen arms, each a little better than the one before."""


def claim(**changed: object) -> Claim:
    """A claim that arm ``better`` has the higher removal gap than ``standard``."""
    said: dict[str, object] = {
        "id": "more_faithful",
        "says": "its maps are more faithful",
        "source": "arXiv:0000.00001",
        "arm": "better",
        "against": "standard",
        "endpoint": "smoothgrad/deletion.gap",
        "expected": "higher",
    }
    return Claim.model_validate({**said, **changed})


def make_claims_job(
    folder: Path,
    gains: Mapping[str, float],
    claims: Sequence[Claim] = (),
    seeds: Sequence[int] = (0, 1, 2, 3),
    slides: int = 12,
    bonus: Mapping[str, float] | None = None,
) -> ComparisonJob:
    """``deletion.gap``, ``deletion.gini``, ``model/consistency.purity`` and margins rise with an arm's gain.

    The gap is 0.4, the gain and the ``bonus`` of the explainer, that of controls 0; the index ``gini`` has no
    direction. The units of ``purity`` are slides.
    """
    table = places(slides, 12)
    generator = np.random.default_rng(7)
    checkpoints, reports = [], []
    for arm, gain in gains.items():
        for seed in seeds:
            place = folder / f"{arm}{seed}"
            checkpoints.append(_checkpoint(place, table, (arm, gain, seed), generator))
            reports += _reports(place, table, (arm, gain, seed), generator, bonus or {})
    return ComparisonJob(
        study="claims",
        arms=tuple(gains),
        classes=CLASSES,
        target=1,
        checkpoints=tuple(checkpoints),
        reports=tuple(reports),
        split_hash="ab" * 32,
        salt="pepper",
        recipe=ComparisonRecipe(claims=tuple(claims)),
    )


def _checkpoint(
    place: Path, table: pd.DataFrame, of: tuple[str, float, int], generator: np.random.Generator
) -> ComparedCheckpoint:
    arm, gain, seed = of
    side = np.where(table["label"] == "normal", -1.0, 1.0)
    margin = (1 + gain) * side + generator.normal(scale=1.5, size=len(table))
    return ComparedCheckpoint(
        arm, seed, Checkpoint(place), make_predictions(place / "predictions", table, margin)
    )


def _reports(
    place: Path,
    table: pd.DataFrame,
    of: tuple[str, float, int],
    generator: np.random.Generator,
    bonus: Mapping[str, float],
) -> list[ComparedReport]:
    arm, gain, seed = of

    def noise(size: int) -> np.ndarray:
        return np.asarray(generator.normal(scale=NOISE, size=size))

    found = []
    for explainer in ("smoothgrad", "gradient", "random_map", "optical_density", "untrained_network"):
        is_control = explainer in ("random_map", "optical_density", "untrained_network")
        base = 0.0 if is_control else 0.4 + gain + bonus.get(explainer, 0.0)
        scores = {name: base + noise(len(table)) for name in ("gap", "gini")}
        report = make_report(place / explainer, table, scores)
        found.append(ComparedReport(arm, seed, explainer, "deletion", is_control, report))
    slides = table.drop_duplicates("slide_id").assign(tile_id=lambda part: part["slide_id"], section=0)
    purity = make_report(place / "model", slides, {"purity": 0.5 + gain + noise(len(slides))})
    found.append(ComparedReport(arm, seed, "model", "consistency", False, purity))
    return found
