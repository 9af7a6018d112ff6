"""The bags of ``idc_bags``: breast tiles of 219 patients, of whom half keep only tiles without carcinoma.

``python -m data_manifests.idc_bags --data DATA --out OUT`` reads ``tiles.csv`` and ``tiles.zip`` of DATA and
writes one tile list per patient, ``manifest.csv`` and a copy of the archive into OUT, the data root of the
study. Half of the patients, drawn with a stated seed, keep only their tiles without carcinoma: their bags are
normal. The others keep all tiles, and their bags are carcinoma. A patient without a tile that its bag needs
is left out. So the label of every tile is real, and that of every bag is known by construction.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.interchange.text_tables import read_text_table
from tasks.interchange.tile_tables import TileTableJob, WrittenLists, write_tile_lists

MPP = 4.0
"""Micrometres per pixel of the tiles, which state none: Cruz-Roa et al. (2014), doi 10.1117/12.2043872."""

CLASSES = ("normal", "carcinoma")
TABLE = "bags.tsv"


class Bags(NamedTuple):
    """The tiles of all bags, and the patients who were left out."""

    tiles: pd.DataFrame
    left_out: tuple[str, ...]


def draw_bags(tiles: pd.DataFrame, seed: int) -> Bags:
    """Return the tiles of all bags, with columns patient, image, x, y, label and slide_label.

    Args:
        tiles: text columns patient_id, file, x, y, is_idc.
        seed: of the draw of the patients who keep only tiles without carcinoma.
    """
    patients = sorted(tiles["patient_id"].unique())
    drawn = np.random.default_rng(seed).permutation(len(patients))[: len(patients) // 2]
    negative = {patients[i] for i in drawn}
    kept, left_out = [], []
    for patient, own in tiles.groupby("patient_id", sort=True):
        positive = own["is_idc"] == "1"
        bag = own[~positive] if patient in negative else own
        if bag.empty or (patient not in negative and not positive.any()):
            left_out.append(str(patient))
        else:
            kept.append(bag.assign(slide_label=CLASSES[patient not in negative]))
    table = pd.concat(kept).rename(columns={"patient_id": "patient", "file": "image"})
    table["label"] = [CLASSES[int(value)] for value in table["is_idc"]]
    return Bags(table[["patient", "image", "x", "y", "label", "slide_label"]], tuple(left_out))


def write_bags(data: Path, out: Path, seed: int) -> tuple[WrittenLists, Bags]:
    """Write lists, manifest and archive into ``out``."""
    bags = draw_bags(read_text_table(data / "tiles.csv"), seed)
    out.mkdir(parents=True, exist_ok=True)
    bags.tiles.to_csv(out / TABLE, sep="\t", index=False, lineterminator="\n")
    job = TileTableJob(out / TABLE, data / "tiles.zip", out, MPP, copy=True, seed=seed)
    return write_tile_lists(job), bags


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m data_manifests.idc_bags")
    parser.add_argument("--data", type=Path, required=True, help="folder with tiles.csv and tiles.zip")
    parser.add_argument("--out", type=Path, required=True, help="folder for lists, manifest and archive")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of patients and splits")
    given = parser.parse_args()
    written, bags = write_bags(given.data, given.out, given.seed)
    counts = bags.tiles.groupby("slide_label")["patient"].nunique()
    print(  # noqa: T201 - a command
        f"wrote {written.slides} bags ({', '.join(f'{n} {label}' for label, n in counts.items())}) of "
        f"{written.tiles} tiles to {written.manifest.parent}; {len(bags.left_out)} patients left out"
    )


if __name__ == "__main__":
    _main()
