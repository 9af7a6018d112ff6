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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import quantus
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.quantus_inputs import (
    SIDE,
    SQUARE,
    TARGET,
    TILES,
    Inputs,
    drawn_inputs,
    gradient,
    stored_network,
)
from benchmarks.quantus_models import ChannelsApart, recorded_maps

WHITE = 1.0
PLAIN = {"disable_warnings": True, "normalise": False, "abs": False, "return_aggregate": False}
STEPS = 8
Metric = Callable[..., object]


@dataclass(frozen=True)
class Asked:
    """Quantus, asked about tiles [N, C, H, W] with target 1, everything in one batch."""

    network: nn.Module
    images: NDArray
    maps: NDArray
    squares: NDArray
    masks: NDArray
    noise: NDArray

    @property
    def targets(self) -> NDArray:
        """int64 [N]."""
        return np.full(TILES, TARGET)

    def __call__(
        self, metric: Metric, maps: NDArray | None = None, softmax: bool = False, count: int = TILES
    ) -> object:
        """Return the scores of ``maps``, by default the signed maps, of the first ``count`` tiles."""
        maps = self.maps if maps is None else maps
        return metric(
            model=self.network,
            x_batch=self.images[:count].copy(),
            y_batch=self.targets[:count],
            a_batch=maps[:count].copy(),
            s_batch=self.masks[:count],
            explain_func=explained,
            softmax=softmax,
            device="cpu",
        )


def grey_tiles(inputs: Inputs) -> Asked:
    """Return the grey tiles with the stored network."""
    return Asked(
        network=stored_network(inputs),
        images=(inputs["grey"][:, None] / 255.0).astype(np.float32),
        maps=inputs["maps"][:, None],
        squares=inputs["squares"][:, None],
        masks=inputs["masks"][:, None],
        noise=inputs["noise"],
    )


def explained(model: nn.Module, inputs: NDArray, targets: NDArray, **_: object) -> NDArray:
    """Return the plain gradient maps [B, 1, H, W]."""
    images = torch.as_tensor(inputs, dtype=torch.float32)
    return gradient(model, images, torch.as_tensor(targets))[:, None].numpy()


def removal(ask: Asked) -> dict[str, object]:
    """Pixels and squares that go in the order of their values."""
    pixels = ask.images[0].size // STEPS
    patches = {"patch_size": SQUARE, "perturb_baseline": WHITE, **PLAIN}
    flipped = quantus.PixelFlipping(features_in_step=pixels, perturb_baseline=WHITE, **PLAIN)
    area = quantus.PixelFlipping(
        features_in_step=pixels, perturb_baseline=WHITE, return_auc_per_sample=True, **PLAIN
    )
    drifting = quantus.PixelFlipping(features_in_step=pixels, perturb_baseline="mean", **PLAIN)
    regions = {
        order: quantus.RegionPerturbation(order=order, regions_evaluation=16, **patches)
        for order in ("morf", "lerf")
    }
    return {
        "pixel_flipping": ask(flipped, softmax=True),
        "pixel_flipping_auc": ask(area, softmax=True),
        "pixel_flipping_mean": ask(drifting, softmax=True),
        "region_morf": ask(regions["morf"], softmax=True),
        "region_lerf": ask(regions["lerf"], softmax=True),
        "selectivity": ask(quantus.Selectivity(**patches), softmax=True),
        "irof": ask(quantus.IROF(perturb_baseline=WHITE, **PLAIN), softmax=True),
        "monotonicity": ask(quantus.Monotonicity(features_in_step=pixels, perturb_baseline=WHITE, **PLAIN)),
        "monotonicity_reversed": ask(
            quantus.Monotonicity(features_in_step=pixels, perturb_baseline=WHITE, **PLAIN), -ask.maps
        ),
    }


def colours(grey: Asked) -> dict[str, object]:
    """Three channels: how many pixels are half removed, by maps without ties and with many; and ROAD."""
    ask = replace(grey, network=ChannelsApart().eval(), images=grey.images.repeat(3, axis=1))
    metric = quantus.PixelFlipping(features_in_step=SIDE**2 // STEPS, perturb_baseline=WHITE, **PLAIN)
    found = {
        "half_removed": ask(metric),
        "half_removed_ties": ask(metric, ask.maps.clip(min=0).round(0)),
    }
    try:
        ask(quantus.ROAD(percentages=[50], noise=0.0, **PLAIN))
    except IndexError as error:
        found["road_on_colour"] = type(error).__name__
    return found


def correlation(ask: Asked) -> dict[str, object]:
    """Attribution against drop, over random subsets and over squares."""
    settings = {"perturb_baseline": WHITE, **PLAIN}
    with recorded_choices() as subsets:
        faithful = ask(quantus.FaithfulnessCorrelation(nr_runs=40, subset_size=24, **settings))
    estimate = quantus.FaithfulnessEstimate(features_in_step=SQUARE**2, **settings)
    infidelity = {"perturb_patch_sizes": [SQUARE], **settings}
    return {
        "faithfulness_correlation": faithful,
        "faithfulness_correlation_subsets": np.stack(subsets).reshape(40, TILES, 24),
        "faithfulness_estimate": ask(estimate, ask.squares),
        "infidelity": ask(quantus.Infidelity(n_perturb_samples=1, **infidelity)),
        "infidelity_five_times": ask(quantus.Infidelity(n_perturb_samples=5, **infidelity)),
        "sensitivity_n": ask(quantus.SensitivityN(features_in_step=32, **settings)),
        "monotonicity_correlation": ask(
            quantus.MonotonicityCorrelation(features_in_step=SQUARE**2, nr_samples=1, **settings), ask.squares
        ),
        "non_sensitivity": ask(quantus.NonSensitivity(eps=1e-5, **settings), np.maximum(ask.maps, 0)),
        "completeness": ask(quantus.Completeness(**settings)),
        "completeness_exact": ask(quantus.Completeness(**settings), whole_difference(ask)),
        "sufficiency": ask(quantus.Sufficiency(**PLAIN)),
    }


def whole_difference(ask: Asked) -> NDArray:
    """Return maps whose one pixel holds the whole logit less that of the white image, to the last bit."""
    images = torch.from_numpy(ask.images)
    with torch.no_grad():
        difference = (ask.network(images) - ask.network(torch.ones_like(images)))[:, TARGET]
    maps = np.zeros_like(ask.images)
    maps[:, 0, 0, 0] = difference.numpy()
    return maps


@contextmanager
def recorded_choices() -> Iterator[list[NDArray]]:
    """Keep what ``np.random.choice`` draws, from a fixed seed."""
    kept: list[NDArray] = []
    plain = np.random.choice

    def choice(*arguments: object, **settings: object) -> NDArray:
        kept.append(plain(*arguments, **settings))
        return kept[-1]

    np.random.seed(0)
    np.random.choice = choice
    try:
        yield kept
    finally:
        np.random.choice = plain


def road(ask: Asked) -> dict[str, object]:
    """The published data-set accuracy without noise, its images, and what batches do to it."""
    levels = [20, 50, 80]
    scores = quantus.ROAD(percentages=levels, noise=0.0, **PLAIN)
    order = np.argsort(-ask.maps.reshape(TILES, -1), axis=1)
    images = [
        [
            quantus.functions.perturb_func.noisy_linear_imputation(
                image, gone[: 256 * level // 100], noise=0.0
            )
            for image, gone in zip(ask.images, order, strict=True)
        ]
        for level in levels
    ]
    return {
        "road": {str(level): float(value) for level, value in ask(scores).items()},
        "road_images": np.array(images)[:, :, 0],
    }


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
    normalised = {**settings, "normalise": True}
    for count in (1, TILES):
        metric = quantus.LocalLipschitzEstimate(perturb_func=copies(ask), **normalised)
        found[f"local_lipschitz_of_{count}"] = ask(metric, clean, count=count)
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
        "top_k": ask(quantus.TopKIntersection(k=64, **PLAIN), magnitudes),
        "pointing_game": ask(quantus.PointingGame(**PLAIN), magnitudes),
        "pointing_game_ties": ask(quantus.PointingGame(**PLAIN), magnitudes.clip(max=1.0)),
        "pointing_game_empty": empty(quantus.PointingGame(**PLAIN), magnitudes),
    }


def complexity(ask: Asked) -> dict[str, object]:
    """Concentration of magnitudes."""
    magnitudes = np.abs(ask.maps)
    return {
        "sparseness": ask(quantus.Sparseness(**PLAIN), magnitudes),
        "complexity": ask(quantus.Complexity(**PLAIN), magnitudes),
        "effective_complexity": ask(quantus.EffectiveComplexity(eps=1.0, **PLAIN), magnitudes),
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
    return found


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
    for idea in (removal, colours, correlation, road, robustness, localisation, complexity, randomisation):
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
