"""A scoring job of bags: a slide model, features in files, and maps or explainers."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.payload import sha256_of
from tasks.explainers.base import AnyExplainer
from tasks.faithfulness.base import AnyMetric
from tasks.functional.foreign_errors import SaidAs
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.errors import ModelError
from tasks.models.fitting import fitting
from tasks.models.weight_files import read_weights
from tasks.scoring.bags.evaluate import CONTROLS, METRICS, evaluate_bags
from tasks.scoring.bags.files import read_bags, read_scores
from tasks.scoring.bags.network import Takes
from tasks.scoring.bags.tile_table import read_slide_table, read_tile_table
from tasks.scoring.errors import NetworkWarning, ScoringError
from tasks.scoring.job import JOB, device_of
from tasks.scoring.methods import Kinds
from tasks.scoring.source import network_of_factory
from tasks.scoring.table import FaithfulnessTable
from tasks.slides.present import is_present


class BagNetworkSource(BaseModel):
    """One of: a Veritile checkpoint of a slide model, a TorchScript file, or a factory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str | None = None
    """The folder of a checkpoint of a slide model."""
    torchscript: str | None = None
    """A file that ``torch.jit.save`` wrote. It is a program and not only weights: see ``trusted``."""
    trusted: bool = False
    """Of ``torchscript``: say true if you know who made the file. What it holds runs with your rights."""
    factory: str | None = None
    """``package.module:function``: called without arguments it returns an ``nn.Module``; or a module."""
    weights: str | None = None
    """Of ``factory``: a safetensors file with all its weights; left out where they are in it."""
    takes: Takes = "auto"
    """How it is called: ``bags`` (features, mask), ``bag`` [1, N, D] or ``tiles`` [N, D]."""
    logits: int | str | None = None
    """The place or name of the logits in what it returns, where that is not a tensor."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        named = [name for name in ("checkpoint", "torchscript", "factory") if getattr(self, name) is not None]
        if len(named) != 1:
            got = ", ".join(named) or "none"
            raise ValueError(f"name one of checkpoint, torchscript and factory, got {got}")
        if self.weights is not None and self.factory is None:
            raise ValueError("weights go with factory")
        if self.trusted and self.torchscript is None:
            raise ValueError("trusted goes with torchscript")
        if self.torchscript is not None and not self.trusted:
            raise ValueError(
                "a torchscript file is a program, which runs with your rights; if you know who made it, "
                "write trusted: true beside it"
            )
        return self

    def load(self, root: Path, device: torch.device) -> nn.Module:
        """Return the network on ``device``, in eval mode; paths start from ``root``.

        Raises:
            ScoringError: a file is absent or broken, or the weights do not fit.
        """
        try:
            if self.checkpoint is not None:
                return load_bag_classifier(Checkpoint(root / self.checkpoint), device)
            if self.torchscript is not None:
                if not is_present(root / self.torchscript):
                    raise ScoringError(f"model.torchscript: there is no file {self.torchscript}")
                with SaidAs(ScoringError, f"the file {self.torchscript} is no TorchScript"):
                    loading: Any = torch.jit.load
                    scripted: nn.Module = loading(str(root / self.torchscript), map_location=device)
                return scripted.eval()
            model = network_of_factory(str(self.factory))
            if self.weights is not None:
                title = f"the file {self.weights}"
                own, given = model.state_dict(), read_weights(root / self.weights, title)
                model.load_state_dict({**own, **fitting(given, own, title)})
        except (ModelError, OSError) as error:
            raise ScoringError(str(error)) from error
        return model.to(device).eval()


class BagScoreJob(BaseModel):
    """What ``veritile score`` reads where it names ``features``; paths start from the folder of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    model: BagNetworkSource
    features: str
    """A folder with a file per slide, .h5, .npy, .zarr or .pt; or one such file."""
    classes: tuple[str, ...] | None = Field(None, min_length=2)
    """Their names, in the order of the logits; by default their numbers."""
    target: str | int = 1
    """The class that is explained: its name, or its number from 0."""
    slides: str | None = None
    """A CSV with slide_id, and label or patient_id or both."""
    tiles: str | None = None
    """A CSV with slide_id, tile (its place from 0) or x and y, and label or darkness or both."""
    maps: Mapping[str, str] = Field(default_factory=dict)
    """By explainer a folder of maps made elsewhere: a file per slide with one number per tile."""
    kinds: Kinds = Field(default_factory=dict)
    """Whether these are contributions or sensitivities: of all, or by explainer."""
    explainers: Mapping[str, AnyExplainer] = Field(default_factory=dict)
    """By name, those that make maps here."""
    controls: tuple[AnyExplainer, ...] = Field(tuple({"name": n} for n in CONTROLS), validate_default=True)
    """Maps that see no trained model; those whose facts are not known are left out."""
    metrics: tuple[AnyMetric, ...] = Field(
        tuple({"name": n} for n in METRICS), min_length=1, validate_default=True
    )
    out: str
    """The folder of the report; it must not exist."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    batch: int = Field(64, ge=1)
    """Bags in flight; changes no score beyond 1e-5."""


def score_bags(job: BagScoreJob, root: Path, advance: Callable[[int], None] = lambda n: None) -> Path:
    """Score the maps, write the report and return its folder. Features are read bag by bag.

    Raises:
        ScoringError: the inputs do not match; nothing is written then.
    """
    out = root / job.out
    if out.exists():
        raise ScoringError(f"{out} exists; name a new folder, nothing is written over")
    device = device_of(job.device)
    model = job.model.load(root, torch.device(device))
    with warnings.catch_warnings():
        # The report says them.
        warnings.simplefilter("ignore", NetworkWarning)
        table = _evaluated(job, root, model, device, advance)
    return table.write(out, {JOB: _described(job, root)})


def _evaluated(
    job: BagScoreJob, root: Path, model: nn.Module, device: str, advance: Callable[[int], None]
) -> FaithfulnessTable:
    labels, patients = ({}, {}) if job.slides is None else read_slide_table(root / job.slides)
    tiles = None if job.tiles is None else read_tile_table(root / job.tiles)
    bags = read_bags(root / job.features, tiles, job.classes or ("0", "1"))
    return evaluate_bags(
        model,
        bags,
        _target(job),
        metrics=job.metrics,
        attributions={name: read_scores(root / folder, bags.names) for name, folder in job.maps.items()},
        kinds=job.kinds,
        explainers=job.explainers,
        controls=job.controls,
        classes=job.classes,
        labels={name: labels.get(name, "") for name in bags.names} if labels else {},
        patients={name: patients.get(name, "") for name in bags.names} if patients else {},
        takes=job.model.takes,
        logits=job.model.logits,
        batch=job.batch,
        device=device,
        advance=advance,
    )


def _target(job: BagScoreJob) -> int:
    if isinstance(job.target, int):
        return job.target
    if job.target not in (job.classes or ()):
        raise ScoringError(
            f"target {job.target!r} is none of the classes {', '.join(job.classes or ()) or '(none named)'}"
        )
    return (job.classes or ()).index(job.target)


def _described(job: BagScoreJob, root: Path) -> str:
    named = (job.slides, job.tiles, job.model.torchscript, job.model.weights)
    files = [root / name for name in named if name is not None]
    said = {"job": job.model_dump(mode="json"), "files": {path.name: sha256_of(path) for path in files}}
    return json.dumps(said, indent=1) + "\n"
