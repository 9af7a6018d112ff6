"""How many tiles per second a device trains on, explains and evaluates, and how long it waits for them."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch

from benchmarks.feed import host_rates
from benchmarks.gpu_agreement import explainer_in
from benchmarks.gpu_setting import GpuSetting
from benchmarks.pixel_explainers import pixel_explainers
from benchmarks.throughput import throughput
from benchmarks.training import MEAN, STD, Setting, random_tiles
from tasks.functional.arithmetic import arithmetic
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tasks.models.classifier import Classifier, build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.scoring.evaluate import evaluate

Item = tuple[str, Callable[[], Mapping[str, Any]]]

PRECISIONS = ("bf16", "fp32", "tf32")
"""bf16 is what ``amp: true`` trains in, tf32 what ``tf32: true`` does."""

SCORED = ("deletion", "insertion", "sensitivity_n", "road", "infidelity", "parameter_randomisation")
"""Metrics that ask the network much, in different ways."""


def training_speed(setting: GpuSetting) -> Iterator[Item]:
    """Yield tiles per second of standard training with its data, in every precision."""
    for name, recipe in setting.networks.items():
        for precision in PRECISIONS:
            yield f"{name}/{precision}", partial(_training, setting, recipe, precision, False)


def compiled_training_speed(setting: GpuSetting) -> Iterator[Item]:
    """Yield the same with compiled blocks."""
    for name, recipe in setting.networks.items():
        for precision in PRECISIONS[:2]:
            yield f"{name}/{precision}", partial(_training, setting, recipe, precision, True)


def _training(
    setting: GpuSetting, recipe: NetworkRecipe, precision: str, compiled: bool
) -> Mapping[str, Any]:
    own = Setting(
        setting.device, setting.tile_px, setting.batch, precision == "bf16", torch.get_num_threads()
    )
    # The rehearsal goes all the way but for the compiler, which takes minutes.
    backend = "eager" if setting.rehearsal else "inductor"
    with arithmetic(tf32=precision == "tf32", autotune=True):
        return throughput(own, recipe, backend if compiled else None, setting.steps)


def network(setting: GpuSetting) -> Classifier:
    """Return the first of the trained networks, laid out as one that is loaded."""
    made = build_classifier(next(iter(setting.networks.values())), 2, MEAN, STD, seed=0)
    return made.to(torch.device(setting.device)).channels_last().eval()


def explaining_speed(setting: GpuSetting) -> Iterator[Item]:
    """Yield tiles per second of every explainer, prepared as for a slide."""
    for name in pixel_explainers():
        yield name, partial(_explaining, setting, name)


def _explaining(setting: GpuSetting, name: str) -> Mapping[str, Any]:
    model, device = network(setting), torch.device(setting.device)
    images = to_images(random_tiles(setting.explained, setting.tile_px).numpy(), device)
    keys = tile_keys([str(number) for number in range(len(images))]).to(device)
    targets = torch.ones(len(images), dtype=torch.int64, device=device)
    explainer = explainer_in(setting, name).settled(model, images)
    passes = explainer.passes()
    with leave_as_found(model), torch.no_grad():
        prepared = explainer.prepare(model)
        work = partial(explainer.attribute, prepared, images, targets, keys)
        work()
        seconds, times = _timed(work, device, setting.seconds)
    return {
        "tiles_per_second": round(times * len(images) / seconds, 1),
        "forward": passes.forward,
        "backward": passes.backward,
    }


def _timed(work: Callable[[], object], device: torch.device, seconds: float) -> tuple[float, int]:
    """Return the seconds and the number of calls of ``work``, once at least and until ``seconds`` passed."""
    _wait(device)
    started, times = time.perf_counter(), 0
    while not times or time.perf_counter() - started < seconds:
        work()
        times += 1
        # Else calls would only be queued.
        _wait(device)
    return time.perf_counter() - started, times


def evaluating_speed(setting: GpuSetting) -> Iterator[Item]:
    """Yield tiles per second of some metrics on the maps of one explainer, and of all of them in one plan."""
    for name in SCORED:
        yield name, partial(_evaluating, setting, (name,))
    yield "together", partial(_evaluating, setting, SCORED)


def _evaluating(setting: GpuSetting, names: tuple[str, ...]) -> Mapping[str, Any]:
    images = random_tiles(setting.metric_images, setting.tile_px).permute(0, 3, 1, 2).numpy()
    targets = torch.ones(len(images), dtype=torch.int64).numpy()
    started = time.perf_counter()
    table = evaluate(
        network(setting),
        images,
        targets,
        metrics=list(names),
        explainers={"gradient": "gradient"},
        controls=(),
        batch=setting.explained,
        device=setting.device,
    )
    seconds = time.perf_counter() - started
    asked = sum(table.passes[kind] for kind in ("forward", "backward"))
    return {
        "tiles_per_second": round(len(images) / seconds, 2),
        "passes_per_second": round(asked / seconds),
        "passes": asked,
    }


def feed_speed(setting: GpuSetting) -> Iterator[Item]:
    """Yield what the host side of this machine delivers."""
    yield (
        "host",
        lambda: {"host_tiles_per_second": host_rates(setting.tile_px, setting.seconds / 2, setting.device)},
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
