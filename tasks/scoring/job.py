"""A scoring job: a network, an index of maps made elsewhere, and metrics."""

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from tasks.artifacts.payload import sha256_of
from tasks.explainers.base import AnyExplainer
from tasks.faithfulness.base import AnyMetric
from tasks.scoring.errors import NetworkWarning, ScoringError
from tasks.scoring.evaluate import evaluate
from tasks.scoring.index import Indexed, read_index
from tasks.scoring.methods import Kinds
from tasks.scoring.source import NetworkSource, load_network
from tasks.scoring.table import FaithfulnessTable

JOB = "job.json"


class ScoreJob(BaseModel):
    """What ``veritile score`` reads; paths start from the folder of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    model: NetworkSource
    index: str
    """A CSV file; see :mod:`tasks.scoring.index`. Its arrays lie in its folder or below."""
    metrics: tuple[AnyMetric, ...] = Field(min_length=1)
    kinds: Kinds = Field(default_factory=dict)
    """Whether the maps of the index are contributions or sensitivities: of all, or by explainer."""
    controls: tuple[AnyExplainer, ...] = Field(({"name": "random_map"},), validate_default=True)
    """Maps that see no trained model, made here and scored beside the others."""
    out: str
    """The folder of the report; it must not exist."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    batch: int = Field(64, ge=1)
    """Images in flight; changes no score beyond 1e-5."""


def score_job(job: ScoreJob, root: Path, advance: Callable[[int], None] = lambda n: None) -> Path:
    """Score the maps, write the report and return its folder.

    Besides the files of a :class:`tasks.scoring.table.FaithfulnessTable` it holds ``job.json``: the job, with
    the sha256 of its files and of the arrays that they name.

    Args:
        job: what to do.
        root: the folder that its paths start from.
        advance: called with the number of scores of maps just done.

    Raises:
        ScoringError: the inputs do not match; nothing is written then.
    """
    out = root / job.out
    if out.exists():
        raise ScoringError(f"{out} exists; name a new folder, nothing is written over")
    device = device_of(job.device)
    model = load_network(job.model, root, torch.device(device))
    brought = read_index(root / job.index)
    with warnings.catch_warnings():
        # The report says them.
        warnings.simplefilter("ignore", NetworkWarning)
        table = _evaluated(job, model, brought, device, advance)
    return table.write(out, {JOB: _described(job, root, brought)})


def _evaluated(
    job: ScoreJob, model: nn.Module, brought: Indexed, device: str, advance: Callable[[int], None]
) -> FaithfulnessTable:
    return evaluate(
        model,
        brought.images,
        brought.targets,
        metrics=job.metrics,
        attributions=brought.attributions,
        kinds=job.kinds,
        controls=job.controls,
        masks=brought.masks,
        keys=brought.keys,
        patients=brought.patients,
        batch=job.batch,
        device=device,
        advance=advance,
    )


def device_of(asked: str) -> str:
    """Return the device that is asked for; ``auto`` is the first there is.

    Raises:
        ScoringError: it is not there.
    """
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked == "cuda" and not torch.cuda.is_available():
        raise ScoringError("device cuda was asked for, but there is none")
    return asked


def _described(job: ScoreJob, root: Path, brought: Indexed) -> str:
    files = (root / job.index, *job.model.files(root))
    arrays = {"images": brought.images, **brought.attributions}
    said = {
        "job": job.model_dump(mode="json"),
        "files": {path.name: sha256_of(path) for path in files},
        "arrays": {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()},
    }
    return json.dumps(said, indent=1) + "\n"
