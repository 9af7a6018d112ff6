"""Slide models and features as a user brings them."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

D = 6
SIZES = (20, 21, 1, 34, 25, 26, 27, 28)


class OneBag(nn.Module):
    """Attention pooling of one bag [1, N, D], as most published code is called; logits [1, 2]."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            self.score, self.head = nn.Linear(D, 1), nn.Linear(D, 2)

    def forward(self, bag: Tensor) -> Tensor:
        weights = self.score(bag).softmax(1)
        return self.head((weights * bag).sum(1))


class Tiles(OneBag):
    """The same of the tiles [N, D]; logits [2]."""

    def forward(self, bag: Tensor) -> Tensor:
        weights = self.score(bag).softmax(0)
        return self.head((weights * bag).sum(0))


class Masked(OneBag):
    """The same of bags [B, N, D] with a mask [B, N]."""

    def forward(self, bag: Tensor, mask: Tensor) -> Tensor:
        weights = self.score(bag).masked_fill(~mask[:, :, None], float("-inf")).softmax(1)
        return self.head((weights * bag.masked_fill(~mask[:, :, None], 0.0)).sum(1))


class Tupled(OneBag):
    """Logits among other things, as CLAM returns them."""

    def forward(self, bag: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        logits = super().forward(bag)
        return logits, logits.softmax(1), {}


def one_bag() -> OneBag:
    """Return a network: a factory of a job."""
    return OneBag()


def features(seed: int = 0) -> dict[str, np.ndarray]:
    """Return features float32 [N, D] by slide."""
    generator = np.random.default_rng(seed)
    return {f"s{i}": generator.normal(size=(n, D)).astype(np.float32) for i, n in enumerate(SIZES)}


def places(count: int) -> np.ndarray:
    """Return coordinates [N, 2] of tiles in rows of five."""
    row, column = np.divmod(np.arange(count), 5)
    return np.stack([column, row], axis=1) * 256


def true_maps(network: OneBag, bags: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what each tile adds to the margin, [N] by slide."""
    found = {}
    with torch.no_grad():
        for name, bag in bags.items():
            tiles = torch.from_numpy(bag)
            weight = network.head.weight[1] - network.head.weight[0]
            found[name] = (network.score(tiles).softmax(0)[:, 0] * (tiles @ weight)).numpy()
    return found


def write_bag_job(folder: Path, suffix: str = ".h5") -> dict:
    """Write features, maps, tables and a TorchScript network, and return the job."""
    bags, network = features(), OneBag()
    (folder / "features").mkdir(parents=True)
    (folder / "maps").mkdir()
    tiles = []
    for name, bag in bags.items():
        write_bag(folder / "features" / f"{name}{suffix}", bag)
        np.save(folder / "maps" / f"{name}.npy", true_maps(network, {name: bag})[name])
        for (x, y), first in zip(places(len(bag)), bag[:, 0], strict=True):
            label = "tumour" if first > 0.5 else "normal" if first < 0 else ""
            tiles.append((name, x, y, label, 0.4 + 0.1 * first))
    columns = ["slide_id", "x", "y", "label", "darkness"]
    pd.DataFrame(tiles, columns=columns).to_csv(folder / "tiles.csv", index=False)
    rows = [(name, f"0{number // 2}", "tumour") for number, name in enumerate(bags)]
    pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"]).to_csv(folder / "slides.csv", index=False)
    torch.jit.script(network).save(str(folder / "network.ts"))
    return {
        "model": {"torchscript": "network.ts", "trusted": True},
        "features": "features",
        "classes": ["normal", "tumour"],
        "target": "tumour",
        "slides": "slides.csv",
        "tiles": "tiles.csv",
        "maps": {"mine": "maps"},
        "kinds": "contribution",
        "out": "report",
    }


def write_bag(path: Path, bag: np.ndarray) -> None:
    """Write the features of one slide, with coordinates where the format holds them."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["features"], file["coords"] = bag[None], places(len(bag))
    elif path.suffix == ".npy":
        np.save(path, bag)
    elif path.suffix == ".pt":
        torch.save(torch.from_numpy(bag), path)
    else:
        import zarr

        group = zarr.open_group(path, mode="w")
        for name, values in (("feats", bag), ("coords", places(len(bag)))):
            group.create_array(name, data=values)


class Probable(OneBag):
    """Gives probabilities where logits are needed."""

    def forward(self, bag: Tensor) -> Tensor:
        return super().forward(bag).softmax(1)
