"""A job that scores maps made elsewhere, with files as a user brings them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from tests._support.brought_networks import SIDE

COUNT = 6


def weight() -> np.ndarray:
    """The weights [3, SIDE, SIDE] of the linear network that is brought."""
    return np.random.default_rng(0).normal(size=(3, SIDE, SIDE)).astype(np.float32)


def images() -> np.ndarray:
    """The images [COUNT, 3, SIDE, SIDE], uint8."""
    return np.random.default_rng(1).integers(0, 256, size=(COUNT, 3, SIDE, SIDE)).astype(np.uint8)


def true_maps() -> np.ndarray:
    """What each pixel adds beyond white to the margin of class 1, [COUNT, SIDE, SIDE]."""
    return np.asarray((weight() * (images() / np.float32(255) - 1)).sum(1), dtype=np.float32)


def write_job(folder: Path, **changed: Any) -> dict[str, Any]:
    """Write weights, arrays and the index below ``folder`` and return the job; ``changed`` replace its keys.

    The explainers ``true`` and ``reversed`` explain class 1 of a linear network.
    """
    (folder / "maps").mkdir(parents=True)
    save_file({"weight": torch.from_numpy(weight())}, folder / "weights.safetensors")
    np.savez(folder / "maps" / "all.npz", images=images(), true=true_maps(), reversed=-true_maps())
    with (folder / "maps" / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "target", "explainer", "attribution"])
        for name in ("true", "reversed"):
            writer.writerows([f"all.npz:images:{i}", 1, name, f"all.npz:{name}:{i}"] for i in range(COUNT))
    return {
        "model": {"factory": "tests._support.brought_networks:linear", "weights": "weights.safetensors"},
        "index": "maps/index.csv",
        "metrics": [
            {"name": "deletion", "output": "margin", "ranked_by": "signed", "steps": 8},
            {"name": "gini"},
            {"name": "local_lipschitz"},
        ],
        "out": "out/report",
        "device": "cpu",
        **changed,
    }
