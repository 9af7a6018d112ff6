"""Draw the first picture of README.md: one map of three networks beside the known answer.

Run ``make quickstart``, then ``python docs/pictures/instrument_check.py``. It reads the home (``--home``,
``.veritile`` by default) and writes ``docs/pictures/instrument_check.png``. Maps are smoothed as the score of
the study smooths them, and are means over the seeds. All panels have one colour scale.
"""

import argparse
from pathlib import Path

import numpy as np
import tifffile
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tasks.artifacts.attributions import PixelMaps
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.drawing.colour import colour_limit, paint_attribution
from tasks.reporting.drawing.page import Page

OUT = Path(__file__).with_name("instrument_check.png")
SLIDE, SEEDS, EXPLAINER = "phantom_16_1", (0, 1, 2), "integrated_gradients"
"""Of the test slides on which the pen is on normal tissue alone, the last."""
ARMS = {
    "trained": "trained: the pen said nothing",
    "untrained": "untrained: random weights",
    "inked": "inked: the pen marked every tumour",
}
LEFT, TOP, SIDE = 72, 72, 560
"""The part of the slide that is shown, level-0 pixels."""
SHOWN, GAP, HEAD = 400, 12, 30
SMOOTH_PX, PERCENTILE, OPACITY = 2.0, 99.0, 0.85


def stitched(store: Store, arm: str) -> NDArray[np.float32]:
    """Return the mean map of the seeds of one arm, in level-0 pixels; 0 where there is none."""
    stored = {record.spec.label: record for record in store.records("Attributions")}
    tiles = TileSet(store.path(
        next(r for r in store.records("TileSet") if r.spec.label == f"tile/{SLIDE}").reference
    )).table.set_index("tile_id")  # fmt: skip
    whole = np.zeros((TOP + SIDE + 256, LEFT + SIDE + 256), dtype=np.float32)
    for seed in SEEDS:
        maps = PixelMaps(store.path(stored[f"explain/{arm}/seed{seed}/{EXPLAINER}/{SLIDE}"].reference))
        for name, values in zip(maps.index["tile_id"], maps.maps(), strict=True):
            x, y = (int(tiles.loc[name, axis]) for axis in ("x_level0", "y_level0"))
            smooth = ndimage.gaussian_filter(values, SMOOTH_PX, mode="nearest")
            whole[y : y + len(values), x : x + len(values)] += smooth / len(SEEDS)
    return whole[TOP : TOP + SIDE, LEFT : LEFT + SIDE]


def rims(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return the outlines of a mask, each [n, 2] of (x, y)."""
    contours = plt.contour(mask.astype(float), levels=[0.5])
    plt.close()
    return [line for line in contours.allsegs[0] if len(line) > 4]


def main() -> None:
    """Read the home and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".veritile"))
    home = parser.parse_args().home
    part = np.s_[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    cohort = home / "quickstart"
    rgb = tifffile.imread(cohort / "slides" / f"{SLIDE}.tiff", key=0)[part]
    evidence = np.asarray(Image.open(cohort / "evidence" / f"{SLIDE}.png"))[part] > 0
    maps = {arm: stitched(Store(home), arm) for arm in ARMS}
    page = Page((SHOWN + GAP) * (1 + len(ARMS)) + GAP, HEAD + SHOWN + GAP)
    panels = [("slide: brown granules tell the tumour", rgb)]
    limit = colour_limit(list(maps.values()), PERCENTILE)
    for arm, words in ARMS.items():
        panels.append((words, paint_attribution(rgb, maps[arm], limit, OPACITY, signed=True)))
    for number, (words, image) in enumerate(panels):
        left = GAP + number * (SHOWN + GAP)
        page.text(left, 8, words, 14)
        frame = page.picture((left, HEAD, SHOWN, SHOWN), image)
        for line in rims(evidence) if number else ():
            frame.line(line, width=0.8, halo=0.0)
    page.save(OUT)


if __name__ == "__main__":
    main()
