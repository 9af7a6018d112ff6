"""Training with compiled residual blocks, where that changes nothing but the speed.

The blocks are compiled one by one: a whole network would be compiled anew with every hook. Compiled code
cannot be differentiated twice and does not show what happens inside it, so some methods are trained without.
Whether the rest keeps its numbers is tried on the first batch.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tasks.regularizers.base import step_passes
from tasks.training.objective import objective
from tasks.training.run import TrainingRun, regularizer_streams
from tasks.training_step.step import Batch, Step

TOLERANCE = 1e-3
"""Difference of the gradients of the first step, as a fraction of their norm, that float32 explains."""

SHORT_TOLERANCE = 0.1
"""The same in bfloat16 or TF32, where compiled code rounds at other places."""

_LATE = 0.9
"""Progress of the step that is tried: after every warm-up and ramp, when all methods act."""

_VARIANTS = 128
"""Versions of a block that may be compiled: by size, mode, and whether statistics are updated."""

_STAGES = ("layer1", "layer2", "layer3", "layer4")

_log = logging.getLogger("veritile.training")


def compile_blocks(run: TrainingRun, backend: str = "inductor") -> bool:
    """Compile the residual blocks of ``run`` and return whether they were.

    A run that cannot be compiled, or whose first step then differs, is left as it is, and a warning says why.
    """
    why = _refusal(run) or _tried(run, backend)
    if why:
        _log.warning("arm %r is trained without compiling: %s", run.job.arm.id, why)
    return not why


@contextmanager
def as_written(model: nn.Module) -> Iterator[None]:
    """Run the blocks of ``model`` as they are written inside the block, compiled or not."""
    kept = {module: module._compiled_call_impl for module in model.modules() if _is_compiled(module)}
    try:
        for module in kept:
            module._compiled_call_impl = None
        yield
    finally:
        for module, compiled in kept.items():
            module._compiled_call_impl = compiled


def _is_compiled(module: nn.Module) -> bool:
    return module._compiled_call_impl is not None


def _refusal(run: TrainingRun) -> str:
    """Return why this training cannot be compiled, without trying; empty if nothing speaks against it."""
    job, arm = run.job, run.arm
    if job.recipe.network.module is not None:
        return f"the blocks of network.module {job.recipe.network.module!r} are not known"
    if job.rank.count > 1:
        return f"its {job.rank.count} processes share statistics inside the blocks"
    if "pre_activations" in arm.cached:
        return "a regularizer looks inside the blocks"
    if step_passes(arm.regularizers).double_backward:
        return "a regularizer differentiates twice, which compiled code cannot"
    return ""


def _tried(run: TrainingRun, backend: str) -> str:
    """Compile, and return why the first step cannot be trusted; then nothing is compiled any more."""
    batches = run.job.batches(1)
    batch = next(batches)
    batches.close()
    plain = _gradients(run, batch)
    blocks = [block for stage in _STAGES for block in run.model.network.get_submodule(stage).children()]
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _VARIANTS)
    for block in blocks:
        block.compile(backend=backend, dynamic=False)
    try:
        why = _difference(plain, _gradients(run, batch), run.job.recipe.amp or run.job.recipe.tf32)
    except torch._dynamo.exc.TorchDynamoException as error:
        why = f"{type(error).__name__}: {_first_paragraph(error)}"
    if why:
        for block in blocks:
            block._compiled_call_impl = None
    return why


def _first_paragraph(error: Exception) -> str:
    """Return what happened, without the advice that follows for whoever works on the compiler."""
    return " ".join(str(error).strip().partition("\n\n")[0].split())


def _gradients(run: TrainingRun, batch: Batch) -> Mapping[str, Tensor]:
    """Return the gradients of a late step, by parameter. The run is left as it was."""
    model, arm = run.model, run.arm
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    states, streams = list(arm.states), arm.generators
    arm.generators = regularizer_streams(run.job, 0)
    step = Step(model, batch, run.job.recipe.epochs, _LATE, run.job.recipe.amp, arm.cached)
    model.train()
    try:
        loss, _ = objective(step, arm, run.class_weights)
        named = dict(model.named_parameters())
        found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    finally:
        model.load_state_dict(kept)
        arm.states, arm.generators = states, streams
    return {name: value for name, value in zip(named, found, strict=True) if value is not None}


def _difference(plain: Mapping[str, Tensor], compiled: Mapping[str, Tensor], short: bool) -> str:
    """Return how far the gradients lie apart, if that is too far."""
    if plain.keys() != compiled.keys():
        return "other weights have a gradient then"
    allowed = SHORT_TOLERANCE if short else TOLERANCE
    norm = torch.stack([value.double().norm() for value in plain.values()]).norm()
    apart = torch.stack([(plain[name] - compiled[name]).double().norm() for name in plain]).norm()
    share = float(apart / norm)
    # Not a plain comparison, which would let NaN pass.
    return (
        ""
        if share <= allowed
        else f"its first gradient differs by {share:.2g}; at most {allowed:g} is rounding"
    )
