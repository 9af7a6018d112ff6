"""Write a cohort of phantom bags: slides, masks of the kinds of tiles that count, and the manifest."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.phantoms.bags.draw import draw_bag
from tasks.phantoms.bags.plan import AGAINST, FOR, PhantomBag, plan_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tasks.phantoms.files import write_mask, write_pyramid

CLASSES = ("negative", "positive")

COLUMNS = (
    "slide_id", "patient_id", "path", "split", "label", "evidence", "decoy", "artefact", "mpp",
)  # fmt: skip


def generate_bags(
    out: Path, recipe: BagPhantomRecipe, advance: Callable[[int], None] = lambda n: None
) -> Path:
    """Write the cohort under ``out`` and return ``out/manifest.csv``; existing files are overwritten.

    ``slides/<slide_id>.tiff``. ``evidence/<slide_id>.png``, of level-0 size, is 255 on tiles of the kinds
    that speak for a positive label; ``decoy/<slide_id>.png`` on those that speak against it; and
    ``artefact/<slide_id>.png`` on the ink of a stamp. A slide on which nothing speaks so has no such mask.
    There are no outlines: the label of a tile would be no more than its kind, which the masks say.
    The bytes depend on the recipe alone, for one version of the libraries.

    Args:
        out: folder to create or fill.
        recipe: what to draw.
        advance: called with 1 after each slide.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> size = {"train": 4, "val": 4, "test": 4, "columns": 5, "rows": 4, "most": 4}
        >>> recipe = BagPhantomRecipe(rule="a_not_b", **size)
        >>> with TemporaryDirectory() as folder:
        ...     rows = list(csv.DictReader(generate_bags(Path(folder), recipe).open()))
        >>> [row["label"] for row in rows[:4]]
        ['positive', 'negative', 'positive', 'negative']
    """
    for name in ("slides", "evidence", "decoy", "artefact"):
        (out / name).mkdir(parents=True, exist_ok=True)
    manifest = out / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for bag in plan_bags(recipe):
            writer.writerow(_write(out, bag, recipe))
            advance(1)
    return manifest


def _write(out: Path, bag: PhantomBag, recipe: BagPhantomRecipe) -> dict[str, str]:
    drawn = draw_bag(bag, recipe)
    slide = f"slides/{bag.slide_id}.tiff"
    write_pyramid(out / slide, drawn.rgb, recipe.mpp, recipe.jpeg_quality)
    masks = {
        "evidence": np.isin(drawn.kinds, FOR[recipe.rule]),
        "decoy": np.isin(drawn.kinds, AGAINST[recipe.rule]),
        "artefact": drawn.ink,
    }
    files = {name: f"{name}/{bag.slide_id}.png" if mask.any() else "" for name, mask in masks.items()}
    for name, mask in masks.items():
        if files[name]:
            write_mask(out / files[name], mask)
    return {
        "slide_id": bag.slide_id,
        "patient_id": bag.patient_id,
        "path": slide,
        "split": bag.split,
        "label": CLASSES[bag.positive],
        **files,
        "mpp": str(recipe.mpp),
    }
