"""Whether a device gives the numbers of the CPU: a step of every method, every explainer, every metric."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.explaining import SIGMA
from benchmarks.gpu_setting import GpuSetting
from benchmarks.pixel_explainers import pixel_explainers
from benchmarks.training import MEAN, STANDARD, STD, arm_of, methods, random_tiles
from tasks.explainers.base import Explainer
from tasks.functional import randomised_layers, weight_noise
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tasks.models.classifier import Classifier, build_classifier
from tasks.plugins import available, plugin_class
from tasks.scoring.evaluate import evaluate
from tasks.training.objective import objective
from tasks.training_step.step import Batch, Step

Item = tuple[str, Callable[[], Mapping[str, float]]]


class DrawnOnHost(Step):
    """A step whose noise is drawn on the CPU: the generators of devices differ."""

    def normal(self, like: Tensor | None = None) -> Tensor:
        """Return standard normal noise."""
        shape = self.images.shape if like is None else like.shape
        return torch.randn(shape, generator=self.generator).to(self.images.device)

    def uniform(self, like: Tensor | None = None) -> Tensor:
        """Return noise in [0, 1)."""
        shape = self.images.shape if like is None else like.shape
        return torch.rand(shape, generator=self.generator).to(self.images.device)


@contextmanager
def drawn_on_host() -> Iterator[None]:
    """Draw the noise of weights on the CPU inside the block, for the same reason.

    Elsewhere it is drawn where the weights lie, which is why the kind of device is part of every recipe.
    """
    eta, fresh = weight_noise._eta, randomised_layers._fresh

    def eta_on_host(weights: Tensor, seed: int) -> Tensor:
        return eta(weights.detach().cpu(), seed).to(weights.device)

    def fresh_on_host(name: str, parameter: nn.Parameter, seed: int) -> Tensor:
        return fresh(name, nn.Parameter(parameter.detach().cpu()), seed).to(parameter.device)

    noise, layers = (
        patch.object(weight_noise, "_eta", eta_on_host),
        patch.object(randomised_layers, "_fresh", fresh_on_host),
    )
    with noise, layers:
        yield


def network(setting: GpuSetting, device: str) -> Classifier:
    """Return the small network, laid out as one that is loaded."""
    made = build_classifier(setting.small, 2, MEAN, STD, seed=0)
    return made.to(torch.device(device)).channels_last().eval()


def images_on(setting: GpuSetting, device: str, count: int | None = None) -> Tensor:
    """Return float32 [n, 3, H, W] of the small size."""
    pixels = random_tiles(count or setting.images, setting.small_px).numpy()
    return to_images(pixels, torch.device(device))


def steps_agree(setting: GpuSetting) -> Iterator[Item]:
    """Yield, for every method, how far the gradients of its loss lie apart, as a fraction of their norm."""
    names = [STANDARD] if setting.rehearsal else methods()
    for name in names:
        yield name, partial(_step_apart, setting, name)


def _step_apart(setting: GpuSetting, name: str) -> Mapping[str, float]:
    host, device = (_gradient(setting, name, each) for each in ("cpu", setting.device))
    return {"apart": _apart(host, device), "norm": float(host.norm())}


def _gradient(setting: GpuSetting, name: str, device: str) -> Tensor:
    """Return the gradients of a late step, in one piece, float64 on the CPU."""
    model, arm = network(setting, device).train(), arm_of(name, "cpu")
    images = images_on(setting, device)
    count = torch.arange(len(images), device=images.device)
    step = DrawnOnHost(model, Batch(images, count % 2, count, len(images)), 1, 0.9, False, arm.cached)
    loss, _ = objective(step, arm, torch.ones(2, device=images.device))
    found = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([each.flatten() for each in found]).cpu().double()


def explainers_agree(setting: GpuSetting) -> Iterator[Item]:
    """Yield, for every explainer that is found, how far its maps lie apart and how alike their ranks are."""
    for name in pixel_explainers():
        yield name, partial(_maps_apart, setting, name)


def explainer_in(setting: GpuSetting, name: str) -> Explainer:
    """Return an explainer with the draws of the setting."""
    explainer = plugin_class(Explainer.package, name).model_validate(setting.draws.get(name, {}))
    assert isinstance(explainer, Explainer)
    return explainer.calibrated(SIGMA)


def _maps_apart(setting: GpuSetting, name: str) -> Mapping[str, float]:
    host, device = (_maps(setting, name, each) for each in ("cpu", setting.device))
    return {"apart": _apart(host, device), "rank_correlation": _least_rank_correlation(host, device)}


def _maps(setting: GpuSetting, name: str, device: str) -> Tensor:
    """Return the maps of an explainer, float64 [n, H * W] on the CPU."""
    images = images_on(setting, device)
    keys = tile_keys([str(number) for number in range(len(images))]).to(images.device)
    targets = torch.ones(len(images), dtype=torch.int64, device=images.device)
    with drawn_on_host():
        maps = explainer_in(setting, name)(network(setting, device), images, targets, keys)
    return maps.flatten(1).cpu().double()


def metrics_agree(setting: GpuSetting) -> Iterator[Item]:
    """Yield, for every metric that is found, how far its scores lie apart, as a fraction of the largest."""
    for name in available("tasks.faithfulness"):
        yield name, partial(_scores_apart, setting, name)


def _scores_apart(setting: GpuSetting, name: str) -> Mapping[str, float]:
    host, device = (_scores(setting, name, each) for each in ("cpu", setting.device))
    if not len(host):
        # A metric of sections or of stored slides has nothing to say of images in memory.
        return {"scores": 0}
    return {"apart": _apart(host, device), "scores": len(host)}


def _scores(setting: GpuSetting, name: str, device: str) -> Tensor:
    """Return every score of a metric, float64 on the CPU, in the order of the images."""
    images = images_on(setting, "cpu")
    half = torch.zeros(len(images), *images.shape[2:], dtype=torch.bool)
    half[:, :, : images.shape[3] // 2] = True
    with drawn_on_host():
        table = evaluate(
            network(setting, device),
            images.numpy(),
            torch.ones(len(images), dtype=torch.int64).numpy(),
            metrics=[name],
            explainers={"gradient": "gradient"},
            controls=(),
            masks={"annotation": half.numpy(), "tissue": torch.ones_like(half).numpy()},
            batch=setting.explained,
            device=device,
        )
    return torch.from_numpy(table.scores["value"].to_numpy(dtype="float64").copy())


def _apart(host: Tensor, device: Tensor) -> float:
    """Return the norm of the difference over that of the CPU's; NaN where only one of them is a number."""
    both = host.isnan() & device.isnan()
    gap, size = (device - host)[~both].norm(), host[~both].norm()
    return float(gap / size) if size > 0 else float(gap)


def _least_rank_correlation(host: Tensor, device: Tensor) -> float:
    """Return the least Spearman correlation of a map with its other self."""
    ranks = [each.argsort(dim=1, stable=True).argsort(dim=1, stable=True).double() for each in (host, device)]
    first, second = (each - each.mean(1, keepdim=True) for each in ranks)
    return float(((first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))).min())
