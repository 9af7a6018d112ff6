"""The search for the weight noise that costs a stated fraction of the accuracy above chance.

The published rule (Bykov et al. 2022, arXiv:2106.10185): with ACC(s) the accuracy under noise s and chance
that of guessing, AD(s) = 1 - (ACC(s) - chance) / (ACC(0) - chance), and sigma is where AD is 5 %. Accuracy is
balanced here, as pathology data are skewed, and averaged over weight draws that are the same at every sigma.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from tasks.artifacts.calibration import CURVE, INFO, PICTURE, CalibrationInfo
from tasks.artifacts.tile_set import TileSet
from tasks.calibration.bisection import LOWEST, Crossing, NoCrossingError, find_crossing
from tasks.calibration.errors import SigmaSearchError
from tasks.calibration.picture import draw_curve
from tasks.calibration.precision import refuse_too_few
from tasks.calibration.recipe import CalibrationRecipe, CalibrationSettings
from tasks.calibration.tiles import labelled_pixels
from tasks.calibration.trial import Advance, Trial
from tasks.functional.leave_as_found import leave_as_found


def calibrate(
    model: nn.Module,
    tile_sets: Sequence[TileSet],
    recipe: CalibrationRecipe,
    settings: CalibrationSettings,
    out: Path,
    advance: Advance = lambda tiles: None,
) -> dict[str, float]:
    """Write the Calibration of one network into ``out`` and return measures.

    The noise is that of the explainers themselves: the same parameters, seed and draws. Only forward passes
    are made: one over all tiles without noise, and one per sigma and draw. Memory does not grow with their
    number.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found.
        tile_sets: validation slides; no other data may choose sigma.
        recipe: what is searched.
        settings: the classes and the resources.
        out: an empty folder for the payload.
        advance: called with the number of tiles just sent forward.

    Raises:
        SigmaSearchError: the validation tiles do not have two classes, the network is no better than chance
            on them, they are too few to tell the drop, or the accuracy does not drop so far at the greatest
            sigma.
    """
    started = time.perf_counter()
    tiles = labelled_pixels(tile_sets, settings.classes, recipe.tiles)
    with leave_as_found(model), torch.no_grad():
        trial = Trial(model, tiles, recipe, settings, advance)
        counts = tiles.counts(settings.classes)
        crossing = _crossing(trial, recipe, counts)
    info = _info(trial, crossing, recipe, counts)
    curve = trial.curve()
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    curve.to_parquet(out / CURVE, index=False)
    draw_curve(info, curve, out / PICTURE)
    return {
        "seconds": time.perf_counter() - started,
        "sigma": info.sigma,
        "drop": info.drop,
        "tiles": len(tiles.labels),
        "forward_images": len(tiles.labels) * (1 + len(curve)),
    }


def _crossing(trial: Trial, recipe: CalibrationRecipe, counts: dict[str, int]) -> Crossing:
    if trial.accuracy <= trial.chance:
        raise SigmaSearchError(
            f"the network has a balanced accuracy of {trial.accuracy:.3f} on the validation tiles, where "
            f"guessing has {trial.chance:.3f}: noise can cost it nothing, so set sigma to a number"
        )
    refuse_too_few(counts, trial.accuracy - trial.chance, recipe)
    try:
        return find_crossing(trial.drop, recipe.drop)
    except NoCrossingError as reached:
        raise SigmaSearchError(
            f"noise on {recipe.parameters!r} parameters lowers the accuracy above chance by {reached} only, "
            f"and {recipe.drop:.3g} is wanted; set sigma to a number or choose other 'parameters'"
        ) from None


def _info(
    trial: Trial, crossing: Crossing, recipe: CalibrationRecipe, tiles: dict[str, int]
) -> CalibrationInfo:
    curve = trial.curve()
    drawn = curve.loc[curve["sigma"] == crossing.nearest, "balanced_accuracy"].map(trial.relative_drop)
    return CalibrationInfo(
        recipe=recipe.model_dump(mode="json"),
        sigma=crossing.nearest,
        drop=float(drawn.mean()),
        drop_spread=float(drawn.std()),
        below=crossing.below,
        above=crossing.above,
        at_lowest=crossing.above == LOWEST,
        clean_balanced_accuracy=trial.accuracy,
        clean_cross_entropy=trial.cross_entropy,
        chance=trial.chance,
        tiles=tiles,
    )
