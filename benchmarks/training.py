"""What a training step costs over the floor of the passes that its method declares.

    python -m benchmarks.training [--methods scaat trades] [--rounds 20]
    python -m benchmarks.training --gpu

A forward, input backward, full backward and double backward pass are timed one by one, in turns with a step
of every method, so that all of them meet the same disturbances; each time is the median of its rounds. The
floor of a method is the sum of its declared passes times these, and the optimiser's step. A step is the
loss, its backward pass and the optimiser's; augmentation belongs to neither side. ``double backward`` is the
gradient by the images with its graph kept, and what a penalty on it adds to the full backward pass. Peak
memory is that of a process of its own, on a CPU with its libraries.

``--gpu`` measures :mod:`benchmarks.throughput` instead: 224 px, bfloat16, with its data.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.functional.pixels import channels_last_images
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.plugins import available, plugin_class
from tasks.regularizers.base import Regularizer, step_passes
from tasks.training.objective import Arm, objective
from tasks.training.optimise import make_optimizer, set_learning_rate
from tasks.training.recipe import TrainingRecipe
from tasks.training.stain import hed_to_rgb
from tasks.training_step.step import Batch, Step

STANDARD = "standard"
VARIANTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "activation_sensitivity/finite_difference": ("activation_sensitivity", {"variant": "finite_difference"}),
    "scaat/adaptive": ("scaat", {"budget": "adaptive"}),
    "scaat/random": ("scaat", {"mask": "random"}),
    "consistency/least_likely": ("consistency", {"attack": "least_likely"}),
}
"""Settings that make other passes than the defaults."""

WARM_UP = 3
"""Steps before anything is timed: buffers are allocated and kernels chosen in them."""

MEAN, STD = (0.71, 0.45, 0.67), (0.15, 0.17, 0.13)
"""Of :func:`random_tiles`."""


@dataclass(frozen=True)
class Setting:
    """What every method is measured on."""

    device: str
    tile_px: int
    batch: int
    amp: bool
    threads: int


class Bench:
    """A network, its optimiser and one batch; at learning rate 0 all methods meet the same weights."""

    def __init__(self, setting: Setting, recipe: NetworkRecipe) -> None:
        self.setting, self.device = setting, torch.device(setting.device)
        self.model = build_classifier(recipe, 2, MEAN, STD, seed=0).to(self.device).channels_last().train()
        self.optimizer = make_optimizer(self.model, TrainingRecipe())
        set_learning_rate(self.optimizer, 0.0)
        self.weights = torch.ones(2, device=self.device)
        self.batch = self.batch_of(
            channels_last_images(random_tiles(setting.batch, setting.tile_px).to(self.device))
        )

    def batch_of(self, images: Tensor) -> Batch:
        """Return the batch of ``images`` with labels 0 1 0 1 ..."""
        labels = torch.arange(len(images), device=self.device) % 2
        return Batch(images, labels, torch.arange(len(images), device=self.device), len(images))

    def step(self, arm: Arm, batch: Batch | None = None) -> None:
        """Make one step of training after every warm-up and ramp, less the augmentation."""
        chosen = self.batch if batch is None else batch
        step = Step(self.model, chosen, 1, 0.9, self.setting.amp, arm.cached)
        loss, _ = objective(step, arm, self.weights)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=list(self.model.parameters()))
        self.optimizer.step()

    def seconds(self, work: Callable[[], object]) -> float:
        """Return the seconds that ``work`` takes, on the device as well."""
        self.wait()
        started = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - started

    def wait(self) -> None:
        """Return when all work on the device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def parts(self) -> dict[str, float]:
        """Return the seconds of one pass of each kind, and of the optimiser's step."""
        forward, full = self._standard_passes()
        return {
            "forward": forward,
            "input_backward": self._input_backward(),
            "full_backward": full,
            **self._double_backward(),
            "optimiser": self.seconds(self.optimizer.step),
        }

    def _standard_passes(self) -> tuple[float, float]:
        step = self._settled(frozenset())
        forward = self.seconds(lambda: step.logits)
        self.optimizer.zero_grad()
        loss, parameters = step.cross_entropy.mean(), list(self.model.parameters())
        return forward, self.seconds(lambda: torch.autograd.backward(loss, inputs=parameters))

    def _double_backward(self) -> dict[str, float]:
        step = self._settled(frozenset({"loss_gradient"}))
        loss = step.cross_entropy.mean()
        gradient = self.seconds(lambda: step.loss_gradient)
        total = loss + 1e-3 * step.loss_gradient.square().sum((1, 2, 3)).mean()
        self.optimizer.zero_grad()
        parameters = list(self.model.parameters())
        penalised = self.seconds(lambda: torch.autograd.backward(total, inputs=parameters))
        return {"gradient": gradient, "penalised_backward": penalised}

    def _input_backward(self) -> float:
        step = self._settled(frozenset())
        leaf = step.images.detach().requires_grad_()
        with step.eval_mode(), torch.enable_grad():
            total = step.logits_of(leaf)[:, 1].sum()
            return self.seconds(lambda: torch.autograd.grad(total, leaf))

    def _settled(self, cached: frozenset[str]) -> Step:
        step = Step(self.model, self.batch, 1, 0.9, self.setting.amp, cached)
        step.settled = True
        return step


def main() -> None:
    """Measure what was asked for and print."""
    options = parse()
    setting = Setting(options.device, options.tile_px, options.batch, options.amp, options.threads)
    torch.set_num_threads(setting.threads)
    if options.memory is not None:
        print(peak_memory_mb(setting, options.memory))
    elif options.gpu:
        from benchmarks.throughput import print_throughput

        print_throughput(setting, options.rounds)
    else:
        print_methods(
            setting, list(dict.fromkeys([STANDARD, *(options.methods or methods())])), options.rounds
        )


def parse() -> argparse.Namespace:
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", choices=methods(), help="all by default")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--tile-px", type=int, help="224 with --gpu, else 64")
    parser.add_argument("--batch", type=int, help="128 with --gpu, else 32")
    parser.add_argument("--amp", action="store_true", help="forward passes in bfloat16, always with --gpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="measure standard training with its data")
    parser.add_argument("--memory", choices=methods(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.amp = options.amp or options.gpu
    options.tile_px = options.tile_px or (224 if options.gpu else 64)
    options.batch = options.batch or (128 if options.gpu else 32)
    return options


def methods() -> list[str]:
    """Return what can be measured: standard, every regularizer of images, and some variants."""
    found = available(Regularizer.package)
    names = [name for name in found if "pixels" in plugin_class(Regularizer.package, name).accepts]
    return [STANDARD, *sorted([*names, *(name for name, (base, _) in VARIANTS.items() if base in names)])]


def arm_of(name: str, device: str) -> Arm:
    """Return the arm of a method with its stream."""
    if name == STANDARD:
        return Arm((), [], [])
    base, fields = VARIANTS.get(name, (name, {}))
    regularizer = plugin_class(Regularizer.package, base)(**fields)
    assert isinstance(regularizer, Regularizer)
    return Arm((regularizer,), [torch.Generator(device).manual_seed(0)], [{}])


def random_tiles(count: int, tile_px: int) -> Tensor:
    """Return uint8 [count, tile_px, tile_px, 3]: blots of haematoxylin on a wash of eosin."""
    generator = torch.Generator().manual_seed(0)
    blots = F.interpolate(
        torch.rand(count, 1, tile_px // 8, tile_px // 8, generator=generator), size=tile_px, mode="bicubic"
    )
    wash = F.interpolate(torch.rand(count, 1, 4, 4, generator=generator), size=tile_px, mode="bicubic")
    stains = torch.cat([0.09 * blots.square(), 0.06 * wash, 0.05 * wash], dim=1)
    stains += 0.005 * torch.randn(stains.shape, generator=generator)
    return (hed_to_rgb(stains) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def print_methods(setting: Setting, names: Sequence[str], rounds: int) -> None:
    """Print the table of all methods and the figures; ``times`` is the speed beside standard training."""
    memory = {name: memory_of_a_process(setting, name) for name in names}
    parts, steps = measure(setting, names, rounds)
    double = parts["gradient"] + parts["penalised_backward"] - parts["full_backward"]
    unit = [parts["forward"], parts["input_backward"], parts["full_backward"], double]
    print(f"{setting}, medians of {rounds} rounds, ms:")
    kinds = ("forward", "input backward", "full backward", "double backward", "optimiser")
    for kind, seconds in zip(kinds, [*unit, parts["optimiser"]], strict=True):
        print(f"{kind:42}{1e3 * seconds:10.1f}")
    print(
        f"{'method':42}{'passes':>20}{'floor':>8}{'step':>8}{'ratio':>7}{'tiles/s':>9}{'times':>7}{'MB':>7}"
    )
    ratios = {}
    for name in names:
        counts = astuple(step_passes(arm_of(name, setting.device).regularizers))
        floor = sum(c * u for c, u in zip(counts, unit, strict=True)) + parts["optimiser"]
        ratios[name] = round(steps[name] / floor, 3)
        shown = " + ".join(f"{count:g}" for count in counts)
        print(
            f"{name:42}{shown:>20}{1e3 * floor:8.1f}{1e3 * steps[name]:8.1f}{ratios[name]:7.2f}"
            f"{setting.batch / steps[name]:9.0f}{steps[STANDARD] / steps[name]:7.2f}{memory[name]:7d}"
        )
    print(json.dumps({"step_cost_ratio": ratios, "peak_memory_mb": memory}))


def measure(setting: Setting, names: Sequence[str], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the median seconds of each part of a step, and of a whole step of each method.

    Not the least: on a machine that is never quiet a short part finds an undisturbed moment, a step does not.
    """
    bench = Bench(setting, NetworkRecipe())
    arms = {name: arm_of(name, setting.device) for name in names}
    for arm in arms.values():
        for _ in range(WARM_UP):
            bench.step(arm)
    parts, steps = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for _ in range(rounds):
        for part, seconds in bench.parts().items():
            parts[part].append(seconds)
        for name, arm in arms.items():
            steps[name].append(bench.seconds(partial(bench.step, arm)))
    middle = [{name: median(values) for name, values in each.items()} for each in (parts, steps)]
    return middle[0], middle[1]


def memory_of_a_process(setting: Setting, name: str) -> int:
    """Return the peak megabytes of a fresh process that makes some steps of one method."""
    words = ["--memory", name, "--device", setting.device, "--threads", str(setting.threads)]
    words += ["--tile-px", str(setting.tile_px), "--batch", str(setting.batch)]
    command = [sys.executable, "-m", "benchmarks.training", *words, *(["--amp"] if setting.amp else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def peak_memory_mb(setting: Setting, name: str) -> int:
    """Return the peak megabytes of this process after some steps of one method."""
    bench, arm = Bench(setting, NetworkRecipe()), arm_of(name, setting.device)
    for _ in range(WARM_UP):
        bench.step(arm)
    return peak_of_this_process(bench.device)


def peak_of_this_process(device: torch.device) -> int:
    """Return the peak megabytes of this process, or of its tensors on an accelerator, so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    # Linux hands a process's ru_maxrss down to the program that it starts; the high-water mark is its own.
    return int(status.read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) >> 10


if __name__ == "__main__":
    main()
