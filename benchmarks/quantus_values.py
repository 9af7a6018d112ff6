r"""What Quantus 0.6.0 says of small inputs, stored for the tests that hold our metrics against it.

    python3 -m venv QUANTUS_ENV
    QUANTUS_ENV/bin/pip install torch==2.13.0 "numpy<2.4" pandas opencv-python-headless scikit-image \
        scikit-learn scipy tqdm matplotlib cachetools
    QUANTUS_ENV/bin/pip install --no-deps quantus==0.6.0
    QUANTUS_ENV/bin/python -m benchmarks.quantus_values tests/faithfulness/agreement

Run in the root of the repository; the environment must be one of its own: Quantus asks for a NumPy that still
has ``trapz``, and the package is installed without its dependencies because it declares an OpenCV that needs
a display. Nothing of Veritile is imported here but the inputs. Quantus is called, none of its code is used.

Two files are written: ``inputs.npz``, and ``values.json`` with what Quantus returned, a name for each case.
Images are grey where not said otherwise, because Quantus takes the channels of a pixel for pixels. What is
drawn at random is either given to Quantus or recorded from it, so that both meet the same draws.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import quantus
from numpy.typing import NDArray
from torch import nn

from benchmarks.quantus_asked import PLAIN, Asked, explained, grey_tiles
from benchmarks.quantus_faithfulness import colours, correlation, linear, refused, removal, road
from benchmarks.quantus_inputs import TILES, drawn_inputs
from benchmarks.quantus_models import recorded_maps


def robustness(ask: Asked) -> dict[str, object]:
    """How far the gradient moves on copies that are given."""
    clean = explained(ask.network, ask.images, ask.targets)
    metrics: dict[str, Callable[..., object]] = {
        "local_lipschitz": quantus.LocalLipschitzEstimate,
        "max_sensitivity": quantus.MaxSensitivity,
        "avg_sensitivity": quantus.AvgSensitivity,
        "relative_input_stability": quantus.RelativeInputStability,
        "relative_output_stability": quantus.RelativeOutputStability,
    }
    settings = {**PLAIN, "nr_samples": len(ask.noise), "return_nan_when_prediction_changes": False}
    found: dict[str, object] = {}
    for name, metric in metrics.items():
        found[name] = ask(metric(perturb_func=copies(ask), **settings), clean)
    strict = {**settings, "return_nan_when_prediction_changes": True}
    turned = quantus.RelativeInputStability(perturb_func=copies(ask), **strict)
    found["relative_input_stability_or_nan"] = ask(turned, clean)
    normalised = {**settings, "normalise": True}
    for count in (1, TILES):
        metric = quantus.LocalLipschitzEstimate(perturb_func=copies(ask), **normalised)
        found[f"local_lipschitz_of_{count}"] = ask(metric, clean, count=count)
    stable = quantus.RelativeInputStability(disable_warnings=True)
    noise = stable.perturb_func(arr=np.zeros((1, 256)), indices=np.arange(256)[None])
    found["relative_stability_default_noise"] = [float(noise.min()), float(noise.max())]
    return found


def copies(ask: Asked) -> Callable[..., NDArray]:
    """Return a function that adds one copy's noise after the other."""
    turns = iter(ask.noise)

    def perturb(arr: NDArray, indices: NDArray, **_: object) -> NDArray:
        return arr + next(turns)[: len(arr)].reshape(arr.shape)

    return perturb


def localisation(ask: Asked) -> dict[str, object]:
    """Maps against masks; the pointing game with an empty one too."""
    magnitudes = np.abs(ask.maps)
    empty = replace(ask, masks=ask.masks * (np.arange(TILES) > 0)[:, None, None, None])
    return {
        "relevance_rank": ask(quantus.RelevanceRankAccuracy(**PLAIN), magnitudes),
        "relevance_rank_signed": ask(quantus.RelevanceRankAccuracy(**PLAIN)),
        "relevance_mass": ask(quantus.RelevanceMassAccuracy(**PLAIN), magnitudes),
        "attribution_localisation": ask(quantus.AttributionLocalisation(**PLAIN), magnitudes),
        "auc": ask(quantus.AUC(**PLAIN), magnitudes),
        "auc_signed": ask(quantus.AUC(**PLAIN)),
        "auc_ties": ask(quantus.AUC(**PLAIN), magnitudes.round(0)),
        "top_k": ask(quantus.TopKIntersection(k=13, **PLAIN), magnitudes),
        "pointing_game": ask(quantus.PointingGame(**PLAIN), magnitudes),
        "pointing_game_ties": ask(quantus.PointingGame(**PLAIN), magnitudes.clip(max=1.0)),
        "pointing_game_empty": empty(quantus.PointingGame(**PLAIN), magnitudes),
    }


def complexity(ask: Asked) -> dict[str, object]:
    """Concentration of magnitudes."""
    magnitudes = np.abs(ask.maps)
    effective = quantus.EffectiveComplexity(eps=0.1, **PLAIN)
    return {
        **refused(ask, "negative_maps", quantus.Sparseness(**PLAIN), -magnitudes),
        "sparseness": ask(quantus.Sparseness(**PLAIN), magnitudes),
        "complexity": ask(quantus.Complexity(**PLAIN), magnitudes),
        "effective_complexity": ask(effective, magnitudes / magnitudes.max((1, 2, 3), keepdims=True)),
        "effective_complexity_default": ask(quantus.EffectiveComplexity(eps=0.1, disable_warnings=True)),
        "effective_complexity_alone": ask(
            quantus.EffectiveComplexity(eps=0.1, disable_warnings=True), count=1
        ),
    }


def randomisation(ask: Asked) -> dict[str, object]:
    """Another class and randomised layers, with the maps that Quantus compared."""
    clean = explained(ask.network, ask.images, ask.targets)
    rank = quantus.similarity_func.correlation_spearman
    found: dict[str, object] = {}
    for name, metric in (
        ("random_logit", quantus.RandomLogit(similarity_func=rank, num_classes=3, **PLAIN)),
        ("mprt", quantus.MPRT(similarity_func=rank, layer_order="top_down", **PLAIN)),
    ):
        with recorded_maps(explained) as (recorder, maps):
            found[name] = metric(
                model=ask.network,
                x_batch=ask.images.copy(),
                y_batch=ask.targets,
                a_batch=clean.copy(),
                explain_func=recorder,
                device="cpu",
            )
        found[f"{name}_maps"] = np.stack(maps)[:, :, 0]
    found["mprt_equal_layers"] = redrawn_alike()
    return found


def redrawn_alike() -> bool:
    """Return whether two layers of one shape get the same weights when they are randomised."""
    layers = quantus.helpers.model.pytorch_model.PyTorchModel(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))
    *_, (_, randomised) = layers.get_random_layer_generator()
    return bool((randomised[0].weight == randomised[1].weight).all())


def plain(value: object) -> object:
    """Return what JSON can hold; NaN stays NaN."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def main() -> None:
    """Ask Quantus everything and write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    inputs = drawn_inputs()
    ask, found = grey_tiles(inputs), dict[str, object]()
    for idea in (
        removal,
        colours,
        correlation,
        linear,
        road,
        robustness,
        localisation,
        complexity,
        randomisation,
    ):
        found |= idea(ask)
    arrays = {
        name: value for name, value in found.items() if isinstance(value, np.ndarray) and value.ndim > 2
    }
    np.savez_compressed(
        folder / "inputs.npz", **inputs, **{f"quantus_{n}": _small(v) for n, v in arrays.items()}
    )
    values = {name: plain(value) for name, value in sorted(found.items()) if name not in arrays}
    (folder / "values.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _small(value: NDArray) -> NDArray:
    return value.astype(np.float32) if value.dtype.kind == "f" else value.astype(np.int16)


if __name__ == "__main__":
    main()
