"""The search for the smallest dose of a training method that moves the method's own quantity.

Only training slides train and only validation slides judge: a dose chosen on test slides would be chosen by
the result. Weaker doses come first and the search ends at the first that moves the quantity far enough.
"""

import math
import time
from pathlib import Path

from tasks.artifacts.dose import INFO, PICTURE, TRIALS, DoseInfo
from tasks.dosing.errors import DoseSearchError
from tasks.dosing.picture import draw_trials
from tasks.dosing.settings import DoseSettings
from tasks.dosing.trials import Advance, Trials
from tasks.plugins import recipe_of
from tasks.regularizers.base import ManipulationCheck, Regularizer
from tasks.training.dose_recipe import DoseRecipe

Moves = dict[float, float]
"""{dose: the share by which it moved the quantity}."""


def search_dose(
    settings: DoseSettings, out: Path, work: Path, advance: Advance = lambda tiles: None
) -> dict[str, float]:
    """Write the Dose of one arm into ``out`` and return measures.

    Args:
        settings: the arm's training, with ``arm.dose``, and how the check is measured.
        out: an empty folder for the payload.
        work: a folder of this search's own, in which finished networks are kept for a later call.
        advance: called with the number of tiles just trained on.

    Raises:
        DoseSearchError: no dose moves the quantity so far, or its value without the method is 0.
        TrainingDataError: the tiles cannot be trained on.
    """
    started = time.perf_counter()
    arm, recipe = settings.job.arm, settings.job.arm.dose
    assert recipe is not None
    method = arm.dosed(recipe.values[0]).regularizers[arm.dosed_index]
    check = method.active_checks()[0]
    trials = Trials(settings, check, work, advance)
    free, moves = trials.mean(arm.undosed()), Moves()
    _refuse_nothing(free, method, check)
    for value in recipe.values:
        moves[value] = relative_move(free, trials.mean(arm.dosed(value), value), check)
        if moves[value] >= recipe.moves:
            break
    else:
        raise DoseSearchError(_refusal(recipe, method, check, moves, free))
    info = _info(settings, method, check, trials, moves)
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    trials.table().to_parquet(out / TRIALS, index=False)
    draw_trials(info, trials.table(), out / PICTURE)
    return {"seconds": time.perf_counter() - started, "dose": info.value, "networks": len(trials.made)}


def relative_move(free: float, treated: float, check: ManipulationCheck) -> float:
    """Return how far ``treated`` lies from ``free``, as a share of it; positive where it should go."""
    share = (treated - free) / abs(free)
    return share if check.direction == "higher" else -share


def _refuse_nothing(free: float, method: Regularizer, check: ManipulationCheck) -> None:
    """Refuse to compare with a network that stopped, or with a quantity of 0."""
    if math.isnan(free):
        raise DoseSearchError(f"training without {method.name!r} stopped, so no dose can be compared with it")
    if free == 0:
        raise DoseSearchError(
            f"{check} is 0 without {method.name!r}, so no dose moves it by a share of that; choose the "
            "strength by hand"
        )


def _refusal(
    recipe: DoseRecipe, method: Regularizer, check: ManipulationCheck, moves: Moves, free: float
) -> str:
    """Return one sentence with the best that was reached."""
    reached = {dose: move for dose, move in moves.items() if not math.isnan(move)}
    wanted = f"no {recipe.field} of {method.name!r} moves {check} by {recipe.moves:.0%}"
    if not reached:
        return f"{wanted}: every training with it stopped; give smaller values"
    best = max(reached, key=lambda dose: reached[dose])
    stopped = "" if len(reached) == len(moves) else f", and {len(moves) - len(reached)} of them stopped"
    return (
        f"{wanted}: the best of {len(moves)}, {best:g}, moves it by {reached[best]:.1%} from {free:.4g}"
        f"{stopped}; give stronger values or a smaller 'moves'"
    )


def _info(
    settings: DoseSettings, method: Regularizer, check: ManipulationCheck, trials: Trials, moves: Moves
) -> DoseInfo:
    recipe, table = settings.job.arm.dose, trials.table()
    assert recipe is not None
    value, moved = list(moves.items())[-1]
    return DoseInfo(
        recipe=recipe_of(recipe),
        regularizer=method.name,
        field=recipe.field,
        quantity=str(check),
        direction=check.direction,
        value=value,
        free=float(table.loc[table["dose"].isna(), "quantity"].mean()),
        treated=float(table.loc[table["dose"] == value, "quantity"].mean()),
        moved=moved,
        tiles=len(trials.tiles),
        epochs=settings.job.recipe.epochs,
        seeds=settings.seeds,
    )
