"""An unfinished training on disk: all that the rest of it needs, in one file, written atomically."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tasks.training.costs import TrainingCosts

FILE = "unfinished.safetensors"

_log = logging.getLogger("veritile.training")


@dataclass(frozen=True)
class Snapshot:
    """A training after a finished epoch, or after a step within one.

    Orders, augmentation and noise are drawn from generators of (seed, epoch), and the learning rate is a
    function of the step, so neither has a state to keep between epochs. ``tensors`` are named ``model/..``,
    ``best/..``, ``best_states/..``, ``optimizer/..``, ``regularizer/..`` and, within an epoch, ``epoch/..``;
    ``history`` has one row for each finished epoch, ``costs`` are those of all that was saved.
    """

    tensors: Mapping[str, Tensor]
    history: tuple[Mapping[str, float], ...]
    costs: TrainingCosts = field(default_factory=TrainingCosts)

    def tensors_of(self, name: str) -> dict[str, Tensor]:
        """Return the tensors below ``name/``, with that prefix taken off."""
        prefix = f"{name}/"
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def save_snapshot(work: Path, job: str, snapshot: Snapshot) -> None:
    """Replace the snapshot in ``work`` atomically. ``job`` identifies the training."""
    draft = work / f".{FILE}.{os.getpid()}"
    metadata = {
        "job": job,
        "history": json.dumps(snapshot.history),
        "costs": json.dumps(asdict(snapshot.costs)),
    }
    try:
        save_file({name: plain(value) for name, value in snapshot.tensors.items()}, draft, metadata)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(work / FILE)
    except (OSError, SafetensorError):
        # On a full disk the part that was written takes the space that the next try needs.
        draft.unlink(missing_ok=True)
        raise


def load_snapshot(work: Path, job: str) -> Snapshot | None:
    """Return the snapshot of ``job`` in ``work``; None if it is absent, unreadable or of another job."""
    path = work / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # no mapping
    except SafetensorError as error:
        _log.warning("unfinished training in %s cannot be read (%s); it starts anew", path.name, error)
        return None
    if metadata.get("job") != job:
        return None
    # A snapshot of an older version says nothing about costs.
    costs = TrainingCosts(**json.loads(metadata.get("costs", "{}")))
    return Snapshot(tensors=tensors, history=tuple(json.loads(metadata["history"])), costs=costs)


def plain(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU in row-major order, as safetensors requires."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def optimizer_tensors(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """Return the optimiser's memory as ``parameter name/field``."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{names[parameter]}/{field}": value
        for parameter, fields in optimizer.state.items()
        for field, value in fields.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, model: nn.Module, tensors: Mapping[str, Tensor]
) -> None:
    """Put back what :func:`optimizer_tensors` returned."""
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        name, _, field = key.rpartition("/")
        memory: dict[str, Any] = optimizer.state[parameters[name]]
        like = parameters[name] if value.ndim else value.to(parameters[name].device)
        memory[field] = torch.empty_like(like, dtype=value.dtype).copy_(value)
