"""The doors of ``veritile score``: its index, arrays, features, weights and tables."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from safetensors.torch import save

from benchmarks.fuzz_doors import Door, Files
from tasks.models.weight_files import read_weights
from tasks.scoring.bags.files import read_bags, read_scores
from tasks.scoring.bags.tile_table import read_slide_table, read_tile_table
from tasks.scoring.index import read_index

_TILES: Files = {"t.csv": b"slide_id,x,y,label,darkness\ns,0,0,tumour,0.5\ns,256,0,,nan\n"}
_SLIDES: Files = {"t.csv": b"slide_id,patient_id,label\ns,p,tumour\n"}


def _index(changed: str = "i.csv") -> Files:
    """Return an index of two images with a map each; ``changed`` comes first."""
    images = np.random.default_rng(0).integers(0, 255, (2, 3, 8, 8)).astype(np.uint8)
    stack, archive = io.BytesIO(), io.BytesIO()
    np.save(stack, images)
    np.savez(archive, images=images, maps=images[:, 0].astype(np.float32))
    rows = "".join(f"all.npz:images:{i},1,true,all.npz:maps:{i}\n" for i in range(2))
    if changed == "all.npy":
        rows = "".join(f"all.npy:{i},1,true,all.npz:maps:{i}\n" for i in range(2))
    text = b"image,target,explainer,attribution\n" + rows.encode()
    files = {"i.csv": text, "all.npy": stack.getvalue(), "all.npz": archive.getvalue()}
    return {changed: files.pop(changed), **files}


def _written(name: str, write: Callable[[Any, Any], object]) -> Files:
    stream = io.BytesIO()
    write(stream, np.ones((3, 5), np.float32))
    return {name: stream.getvalue()}


def _save_pt(stream: Any, values: Any) -> None:
    torch.save(torch.from_numpy(values), stream)


def _zarrs() -> tuple[Files, ...]:
    """Return groups of both editions; the metadata of an array come first."""
    found = []
    for edition in (2, 3):
        with tempfile.TemporaryDirectory() as folder:
            group = zarr.open_group(Path(folder) / "s.zarr", mode="w", zarr_format=edition)
            for name in ("feats", "coords"):
                group.create_array(name, data=np.ones((3, 2), np.float32))
            files = {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in sorted(Path(folder).rglob("*"))
                if path.is_file()
            }
        first = "s.zarr/feats/.zarray" if edition == 2 else "s.zarr/feats/zarr.json"
        found += [{first: files.pop(first), **files}]
    return tuple(found)


def _weights() -> Files:
    tensors = {"a": torch.ones(3, 4), "b": torch.zeros(2, dtype=torch.float16)}
    return {"w.safetensors": save(tensors, metadata={"by": "x"})}


def _bags(folder: Path) -> None:
    bags = read_bags(folder)
    for place in range(len(bags.names)):
        np.asarray(bags.features[place])
        np.asarray(bags.about[place])
    read_scores(folder, bags.names)


def _tables(folder: Path) -> None:
    if b"patient_id" in (folder / "t.csv").read_bytes():
        read_slide_table(folder / "t.csv")
        return
    table = read_tile_table(folder / "t.csv")
    places = np.array([[0, 0], [256, 0]], np.float32)
    if table.has_labels:
        table.classes("s", places, ("normal", "tumour"))
    table.darkness("s", places)


DOORS = {
    "index": Door((_index(),), lambda f: read_index(f / "i.csv")),
    "npy": Door((_index("all.npy"), _index("all.npz")), lambda f: read_index(f / "i.csv"), text=False),
    "npy features": Door((_written("s.npy", np.save),), _bags, text=False),
    "zarr": Door(_zarrs(), _bags),
    "safetensors": Door((_weights(),), lambda f: read_weights(f / "w.safetensors", "the file w"), text=False),
    "pt": Door((_written("s.pt", _save_pt),), _bags, text=False),
    "score tables": Door((_TILES, _SLIDES), _tables),
}
