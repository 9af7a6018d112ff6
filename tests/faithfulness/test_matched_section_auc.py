"""What a map of a section knows beyond darkness."""

import numpy as np
import torch

from tasks.explainers.optical_density import OpticalDensity
from tasks.faithfulness.matched_section_auc import MatchedSectionAuc
from tasks.faithfulness.section_auc import SectionAuc
from tasks.functional.matched_auc import matched_auc
from tests._support.attribution_sets import noise
from tests._support.explaining import clean_maps
from tests._support.linear_removal import values
from tests._support.scored_maps import score
from tests._support.small_networks import small_network


def density(tiles):
    return clean_maps(OpticalDensity(), small_network(), tiles)


def test_darkness_scores_exactly_a_half_and_the_outline_one(tmp_path):
    plain = values(score(tmp_path / "plain", density, SectionAuc(cell_um=4.0)), "auc")
    assert (abs(plain - 0.5) > 0.02).all()
    dark = values(score(tmp_path / "dark", density, MatchedSectionAuc(cell_um=4.0)), "auc")
    assert dark.tolist() == [0.5, 0.5]
    own = score(tmp_path / "own", lambda t: t.annotation_mask[t.usable] * 1.0, MatchedSectionAuc(cell_um=4.0))
    assert values(own, "auc").tolist() == [1.0, 1.0]


def test_pixel_by_pixel_it_is_the_matched_area_of_the_pixels_of_the_section(tmp_path):
    """A cell of one pixel: tiles are 16 um at 1 um a pixel, side by side, all tissue."""
    tables = []

    def draw(tiles):
        maps = noise(tiles).astype(np.float32)
        tables.append(
            (tiles.table["section"].to_numpy(), maps, density(tiles), tiles.annotation_mask[:] == 1)
        )
        return maps

    metric = MatchedSectionAuc(cell_um=1.0, strata=50)
    found = values(score(tmp_path, draw, metric, kind="contribution"), "auc")
    section, *arrays = tables[0]
    for number, value in zip((1, 2), found, strict=True):
        maps, dark, mask = (torch.from_numpy(each[section == number].ravel())[None] for each in arrays)
        assert abs(value - matched_auc(maps, dark, mask, torch.ones_like(mask), 50).item()) < 1e-12


def test_against_decoys_cells_hold_what_the_mask_and_the_decoys_hold(tmp_path):
    """Decoys on the left half of every tile: the rest of the tissue is not compared."""

    def with_decoys(folder):
        decoy = np.zeros_like(np.load(folder / "tissue_mask.npy"))
        decoy[:, :, :8] = 1
        np.save(folder / "decoy_mask.npy", decoy & (np.load(folder / "annotation_mask.npy") == 0))

    def draw(tiles):
        maps = tiles.annotation_mask[tiles.usable] * 1.0
        # Off mask and decoys the map is wrong; nobody may look there.
        maps[:, :, 8:] += 5.0 * (tiles.annotation_mask[tiles.usable][:, :, 8:] == 0)
        return maps

    given = {"kind": "contribution", "change": with_decoys}
    rest = values(score(tmp_path / "rest", draw, SectionAuc(cell_um=8.0), **given), "auc")
    assert (rest < 0.9).all()
    decoys = SectionAuc(cell_um=8.0, against="decoy")
    assert values(score(tmp_path / "decoys", draw, decoys, **given), "auc").tolist() == [1.0, 1.0]
