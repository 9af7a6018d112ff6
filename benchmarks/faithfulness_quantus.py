"""The Quantus side of ``benchmarks.faithfulness``, in a process and an environment of its own.

    QUANTUS_ENV/bin/python -m benchmarks.faithfulness_quantus FOLDER [--small]

How the environment is made stands in ``benchmarks/quantus_values.py``. ``FOLDER`` holds the maps. Names of
cases are read line by line; each is run for all explainers, and one line of JSON says the seconds on the wall
and of all threads, and how many images went through the network. The package talks to the standard output
too, so its words are sent to the errors.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import quantus
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.faithfulness_setting import (
    SMALL,
    TARGET,
    Sizes,
    drawn_images,
    drawn_masks,
    drawn_network,
    explained_in_plain_torch,
)

PLAIN = {"disable_warnings": True, "normalise": False, "abs": False, "return_aggregate": False}
WHITE = {"perturb_baseline": 1.0, **PLAIN}
Metric = Callable[..., object]


class Side:
    """Network, tiles and maps, and the metrics of each case by name."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.sizes, self.images, self.masks = sizes, drawn_images(sizes), drawn_masks(sizes)[:, None]
        self.targets = np.full(sizes.images, TARGET)
        self.maps = {name: maps[:, None] for name, maps in np.load(folder / "maps.npz").items()}
        self.explainers = explained_in_plain_torch(sizes)
        self.colour, self.grey = drawn_network(), drawn_network(channels=1)
        self.forward = 0
        for model in (self.colour, self.grey):
            model.register_forward_pre_hook(self._count)

    def _count(self, _model: nn.Module, inputs: tuple[Tensor]) -> None:
        self.forward += len(inputs[0])

    def run(self, case: str, names: Iterable[str]) -> None:
        """Score the maps of some explainers by every metric of a case; of ROAD also the reversed order."""
        if case == "road":
            for name in names:
                self.road_in_colour(name)
            return
        grey = case == "road grey"
        for metric in self.metrics()[case]:
            for name in names:
                for ranked in (self.maps[name], -self.maps[name]) if grey else (self.maps[name],):
                    self.ask(metric(), name, ranked, grey)

    def ask(self, metric: Metric, name: str, maps: NDArray, grey: bool) -> None:
        """Call one metric on all tiles in one batch; ROAD on their first channel."""
        metric(
            model=self.grey if grey else self.colour,
            x_batch=self.images[:, :1].copy() if grey else self.images.copy(),
            y_batch=self.targets,
            a_batch=maps.copy(),
            s_batch=self.masks,
            explain_func=partial(explained, self.explainers[name]),
            softmax=False,
            device="cpu",
        )

    def metrics(self) -> dict[str, list[Callable[[], Metric]]]:
        """Return for each case the metrics, to be made anew for each call."""
        s, step = self.sizes, features_of(self.sizes, self.sizes.steps)
        squares = features_of(s, s.squares**2)
        copies = {"nr_samples": s.copies, "return_nan_when_prediction_changes": False, **PLAIN}
        regions = {"patch_size": s.region_px, "regions_evaluation": s.steps, **WHITE}
        subset = {"nr_runs": s.draws, "subset_size": 3 * s.pixels // 5, **WHITE}
        patches = {"perturb_patch_sizes": [s.tile_px // s.squares], "n_perturb_samples": 1, **WHITE}
        rank = quantus.similarity_func.correlation_spearman
        return {
            "pixel curve": [partial(quantus.PixelFlipping, features_in_step=step, **WHITE)],
            "region curves": [
                partial(quantus.RegionPerturbation, order=order, **regions) for order in ("morf", "lerf")
            ],
            "removal": [
                partial(quantus.PixelFlipping, features_in_step=step, **WHITE),
                partial(quantus.Monotonicity, features_in_step=step, **WHITE),
            ],
            "subsets": [
                partial(quantus.FaithfulnessCorrelation, **subset),
                partial(quantus.Infidelity, **patches),
                partial(quantus.SensitivityN, features_in_step=step, **WHITE),
                partial(quantus.FaithfulnessEstimate, features_in_step=squares, **WHITE),
            ],
            "robustness": [
                partial(metric, **copies)
                for metric in (
                    quantus.MaxSensitivity,
                    quantus.AvgSensitivity,
                    quantus.LocalLipschitzEstimate,
                    quantus.RelativeInputStability,
                    quantus.RelativeOutputStability,
                )
            ],
            "random logit": [partial(quantus.RandomLogit, similarity_func=rank, num_classes=2, **PLAIN)],
            "maps alone": [
                partial(metric, **PLAIN)
                for metric in (
                    quantus.RelevanceRankAccuracy,
                    quantus.RelevanceMassAccuracy,
                    quantus.AUC,
                    partial(quantus.TopKIntersection, k=s.pixels // 20),
                    quantus.PointingGame,
                    quantus.Sparseness,
                    quantus.Complexity,
                    quantus.EffectiveComplexity,
                )
            ],
            "road grey": [partial(quantus.ROAD, percentages=list(s.levels), **PLAIN)],
        }

    def road_in_colour(self, name: str) -> None:
        """Do what its ROAD does, which fails on three channels, by the functions that it calls."""
        with torch.no_grad():
            self.colour(torch.from_numpy(self.images))
        for ranked in (self.maps[name], -self.maps[name]):
            for filled in self.filled_in(ranked):
                with torch.no_grad():
                    self.colour(torch.from_numpy(filled)).argmax(1)

    def impute(self) -> None:
        """Fill in every tile at every level, in colour, by the function that Quantus's ROAD calls."""
        for _ in self.filled_in(self.maps["gradient"]):
            pass

    def filled_in(self, maps: NDArray) -> Iterable[NDArray]:
        """Yield float32 [N, 3, H, W] a level, the highest pixels of the maps filled in, image by image."""
        order = np.argsort(-maps.reshape(self.sizes.images, -1), axis=1)
        fill_in = quantus.functions.perturb_func.noisy_linear_imputation
        for level in self.sizes.levels:
            count = self.sizes.pixels * level // 100
            pairs = zip(self.images, order, strict=True)
            yield np.stack([fill_in(image, gone[:count], noise=0.0) for image, gone in pairs])


def features_of(sizes: Sizes, parts: int) -> int:
    """Return the least number of Quantus's features a step that makes at most so many steps.

    Of an image of three channels it has three times the pixels, and the number must divide the pixels.
    """
    wanted = -(-3 * sizes.pixels // parts)
    return next(n for n in range(wanted, sizes.pixels + 1) if sizes.pixels % n == 0)


def explained(
    explainer: Callable[..., Tensor], model: nn.Module, inputs: object, targets: object, **_: object
) -> NDArray:
    """Return maps [B, 1, H, W]."""
    images = torch.as_tensor(inputs, dtype=torch.float32)
    return explainer(model, images).sum(1, keepdim=True).detach().numpy()


def main() -> None:
    """Answer until there are no more names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    answers, sys.stdout = sys.stdout, sys.stderr
    side = Side(options.folder, SMALL if options.small else Sizes())
    for line in sys.stdin:
        case, single = line.strip().removeprefix("one "), line.startswith("one ")
        before, wall, cpu = side.forward, time.perf_counter(), time.process_time()
        if case == "imputer":
            side.impute()
        else:
            side.run(case, ["gradient"] if single else side.maps)
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**spent, "forward": side.forward - before}), file=answers, flush=True)


if __name__ == "__main__":
    main()
