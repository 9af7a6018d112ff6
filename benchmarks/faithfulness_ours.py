"""Our side of ``benchmarks.faithfulness``: the cases, each one plan over all explainers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.faithfulness_setting import (
    FUSION_DRAWS,
    SIGMA,
    TARGET,
    Sizes,
    drawn_images,
    drawn_masks,
    drawn_network,
)
from benchmarks.sparse_imputation import solved_directly
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.base import Metric
from tasks.functional.imputation import imputed
from tasks.plugins import available
from tasks.scoring.input_checks import checked_images
from tasks.scoring.memory import MapsInMemory
from tasks.scoring.methods import explainers_asked, metrics_asked

Settings = dict[str, object]
SUITE = ("removal", "subsets", "robustness", "random logit", "maps alone")
"""The cases that Quantus can do of colour images: ROAD it cannot."""
SINGLE = ("pixel curve", "region curves")
"""One map alone."""
PAIR = ("gradient", "input_x_gradient")
"""Two explainers of equal passes."""

Results = dict[tuple[str, str], MetricResult]


def explainers_of(sizes: Sizes) -> dict[str, Settings]:
    """Return the six explainers, with as many passes as those in plain torch."""
    count = sizes.samples
    noise = {"draws": FUSION_DRAWS, "samples": count, "input_sigma": SIGMA, "sigma": SIGMA}
    return {
        "gradient": {"name": "gradient"},
        "input_x_gradient": {"name": "input_x_gradient"},
        "integrated_gradients": {"name": "integrated_gradients", "steps": count},
        "smoothgrad": {"name": "smoothgrad", "samples": count, "sigma": SIGMA},
        "noisegrad": {"name": "noisegrad", "draws": count, "sigma": SIGMA},
        "fusiongrad": {"name": "fusiongrad", **noise},
    }


def metrics_of(sizes: Sizes) -> dict[str, list[Settings]]:
    """Return the metrics of each case, at the sizes that Quantus gets."""
    curve: Settings = {"steps": sizes.steps, "output": "logit", "fill": "white"}
    copies: Settings = {"samples": sizes.copies}
    subset: Settings = {"draws": sizes.draws, "output": "logit"}
    squares: Settings = {"squares": sizes.squares, "output": "logit"}
    maps = ("rank_accuracy", "mass_accuracy", "pixel_auc", "top_k_intersection", "pointing_game")
    return {
        "pixel curve": [{"name": "insertion", **curve}],
        "region curves": [{"name": "region_deletion", "region_px": sizes.region_px, **curve}],
        "removal": [{"name": name, **curve} for name in ("deletion", "insertion", "erasure", "monotonicity")],
        "subsets": [
            *(
                {"name": name, **subset}
                for name in ("faithfulness_correlation", "infidelity", "sensitivity_n")
            ),
            *({"name": name, **squares} for name in ("faithfulness_estimate", "non_sensitivity")),
        ],
        "robustness": [
            {"name": name, **copies}
            for name in ("average_sensitivity", "local_lipschitz", "relative_stability")
        ],
        "random logit": [{"name": "random_logit"}],
        "maps alone": [{"name": name} for name in (*maps, "gini", "entropy", "effective_complexity")],
        "road": [{"name": "road", "percentages": sizes.levels}],
    }


class Ours:
    """Network, tiles and ready maps, scored by one plan a case."""

    def __init__(self, sizes: Sizes, maps: Mapping[str, NDArray[np.float32]]) -> None:
        self.sizes, self.maps, self.model = sizes, maps, drawn_network()
        self.images, self.masks = drawn_images(sizes), {"annotation": drawn_masks(sizes)}

    def run(self, case: str) -> Results:
        """Score by the metrics of a case: one map or all maps."""
        metrics = metrics_of(self.sizes)[case.removesuffix(" grey")]
        return self.scored(metrics, PAIR[:1] if case in SINGLE else list(self.maps))

    def suite(self) -> Results:
        """Score by the metrics of all cases that Quantus can do, in one plan."""
        cases = metrics_of(self.sizes)
        return self.scored([each for case in SUITE for each in cases[case]], list(self.maps))

    def everything(self, explainers: Sequence[str]) -> Results:
        """Score some explainers by every metric of tiles, those that no case names by their defaults."""
        named = {str(each["name"]): each for case in metrics_of(self.sizes).values() for each in case}
        every = [named.get(name, {"name": name}) for name in available(Metric.package)]
        return self.scored(every, explainers)

    def scored(self, metrics: Sequence[Settings], names: Sequence[str]) -> Results:
        """Score the ready maps of some explainers, which are at hand for the metrics that call them."""
        count = self.sizes.images
        given = checked_images(self.images, np.full(count, TARGET), self.masks, None, None)
        explainers = explainers_of(self.sizes)
        called = explainers_asked({name: explainers[name] for name in names})
        evidence = Evidence(
            tile_sets=[given],
            attributions={
                name: [MapsInMemory(given, self.maps[name], np.full(count, np.nan))] for name in names
            },
            classes=["0", "1"],
            target=[given.targets],
            explainers=called,
            kinds={name: explainer.map_kind for name, explainer in called.items()},
        )
        asked = [metric for metric in metrics_asked(metrics) if not metric.scores_sections]
        wanted = [(name, metric) for name in names for metric in asked]
        return evaluate_pairs(self.model, evidence, wanted, EvaluationSettings())

    def curve(self, tile_px: int, steps: int) -> None:
        """Trace one curve of tiles of another size in so many steps."""
        other = Ours(replace(self.sizes, tile_px=tile_px, steps=steps), {})
        other.maps = {"gradient": other.images.sum(1)}
        other.run("pixel curve")

    def impute(self) -> None:
        """Fill in every tile at every level, all at once."""
        levels = len(self.sizes.levels)
        images = torch.from_numpy(self.images).repeat(levels, 1, 1, 1)
        imputed(images, torch.from_numpy(self._removed()).flatten(0, 1), torch.ones(3))

    def solve(self) -> None:
        """Fill in the same by the direct sparse solution, one by one."""
        for removed in self._removed():
            for image, gone in zip(self.images, removed, strict=True):
                solved_directly(image, gone)

    def _removed(self) -> NDArray[np.bool_]:
        """Return bool [levels, N, H, W], the highest pixels of the gradient's map."""
        maps = self.maps["gradient"].reshape(self.sizes.images, -1)
        places = (-maps).argsort(1).argsort(1)
        counts = np.array([self.sizes.pixels * level // 100 for level in self.sizes.levels])
        shape = (len(counts), *self.maps["gradient"].shape)
        return (places < counts[:, None, None]).reshape(shape)
