"""What Quantus says of removal, correlation, completeness and ROAD."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import quantus
import torch
from numpy.typing import NDArray

from benchmarks.quantus_asked import PLAIN, WHITE, Asked, Metric
from benchmarks.quantus_inputs import SIDE, SQUARE, TARGET, TILES
from benchmarks.quantus_models import ChannelsApart, LinearLogits

STEPS = 8


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
    return {
        "half_removed": ask(metric),
        "half_removed_ties": ask(metric, ask.maps.clip(min=0).round(0)),
        **refused(ask, "road_on_colour", quantus.ROAD(percentages=[50], noise=0.0, **PLAIN)),
    }


def refused(ask: Asked, name: str, metric: Metric, maps: NDArray | None = None) -> dict[str, object]:
    """Return the error that a metric ends in; what does not fail has nothing to say here."""
    try:
        ask(metric, maps)
    except (AssertionError, IndexError, ValueError) as error:
        return {name: type(error).__name__}
    return {}


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
        "completeness": ask(quantus.Completeness(**settings), complete_maps(ask)),
        "sufficiency": ask(quantus.Sufficiency(**PLAIN)),
        **refused(ask, "non_sensitivity_of_squares", quantus.NonSensitivity(features_in_step=16, **settings)),
    }


def linear(ask: Asked) -> dict[str, object]:
    """A linear network and what each pixel adds to its logit: every such metric must find nothing amiss."""
    weight = ask.maps[0] / 8
    linear = replace(ask, network=LinearLogits(torch.from_numpy(weight)).eval())
    true = weight * (ask.images - WHITE)
    settings = {"perturb_baseline": WHITE, **PLAIN}
    return {
        "linear_faithfulness_correlation": linear(
            quantus.FaithfulnessCorrelation(nr_runs=40, subset_size=24, **settings), true
        ),
        "linear_sensitivity_n": linear(quantus.SensitivityN(features_in_step=32, **settings), true),
        "linear_completeness": linear(quantus.Completeness(**settings), true),
    }


def complete_maps(ask: Asked) -> NDArray:
    """Return maps that sum up to the logit less that of the white image, as far as float32 can."""
    images = torch.from_numpy(ask.images)
    with torch.no_grad():
        difference = (ask.network(images) - ask.network(torch.ones_like(images)))[:, TARGET].numpy()
    shares = np.abs(ask.maps) / np.abs(ask.maps).sum((1, 2, 3), keepdims=True)
    return shares * difference[:, None, None, None]


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
    levels = [25, 50, 75]
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
        "road": list(ask(scores).values()),
        "road_in_batches_of_2": list(ask(scores, batch=2).values()),
        "road_images": np.array(images)[:, :, 0],
    }
