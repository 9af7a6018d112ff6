"""The area under the curve of a tile's pixels, on masks drawn by hand and against sklearn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tasks.faithfulness.pixel_auc import PixelAuc
from tests._support.attribution_sets import noise
from tests._support.mask_tiles import chances_of, values_of
from tests._support.scored_maps import score
from tests._support.tile_sets import make_tile_set

SIGNED = PixelAuc(ranked_by="signed")


def test_the_mask_its_opposite_and_a_flat_map(tmp_path):
    to = score(tmp_path / "to", lambda t: 1.0 * t.annotation_mask[t.usable], SIGNED)
    against = score(tmp_path / "from", lambda t: -1.0 * t.annotation_mask[t.usable], SIGNED)
    flat = score(tmp_path / "flat", lambda t: np.full((40, 16, 16), 3.0), SIGNED)
    assert [values_of(found, "auc").tolist() for found in (to, against, flat)] == [
        [1.0] * 8,
        [0.0] * 8,
        [0.5] * 8,
    ]
    assert chances_of(to, "auc").tolist() == [0.5] * 8


def test_noise_with_ties_is_as_sklearn_says(tmp_path):
    result = score(tmp_path, noise, PixelAuc())
    tiles = make_tile_set(tmp_path / "again", "s1", "p1", "test", 40)
    maps, masks = np.abs(noise(tiles)), tiles.annotation_mask[:] == 1
    crossing = [i for i in range(40) if 0 < masks[i].mean() < 1]
    expected = [roc_auc_score(masks[i].ravel(), maps[i].ravel()) for i in crossing]
    assert values_of(result, "auc").tolist() == pytest.approx(expected, abs=1e-12)


def test_tiles_with_one_class_of_pixels_are_counted_and_never_hits(tmp_path):
    result = score(tmp_path, lambda t: 1.0 * t.annotation_mask[t.usable], PixelAuc())
    assert set(result.scores.dropna(subset="value")["label"]) == {"mixed"}
    assert result.info.excluded == {
        "no tissue in the tile": 0,
        "no mask on the tile's tissue": 16,
        "mask covers all of the tile's tissue": 16,
    }


@pytest.mark.parametrize(("ranked_by", "expected"), [("signed", 0.0), ("magnitude", 1.0)])
def test_the_sign_counts_where_it_is_asked_for(tmp_path, ranked_by, expected):
    metric = PixelAuc(ranked_by=ranked_by)
    result = score(tmp_path, lambda t: -(np.abs(noise(t)) + 0.1) * t.annotation_mask[t.usable], metric)
    assert values_of(result, "auc").tolist() == [expected] * 8


def test_only_tissue_takes_part(tmp_path):
    """Tissue is the lower half; above it, on glass, the map shouts beside the mask."""

    def halve(folder):
        tissue = np.ones((40, 16, 16), np.uint8)
        tissue[:, :8] = 0
        tissue[2] = 0
        np.save(folder / "tissue_mask.npy", tissue)

    def shouting(tiles):
        maps = 1.0 + 2 * tiles.annotation_mask[tiles.usable]
        maps[:, :8, :8] = 1000.0
        return maps

    result = score(tmp_path, shouting, PixelAuc(), change=halve)
    assert values_of(result, "auc").tolist() == [1.0] * 7
    assert result.info.excluded["no tissue in the tile"] == 1


@pytest.mark.parametrize(("mask", "direction"), [("annotation", "higher"), ("artefact", "none")])
def test_neither_end_is_better_on_an_artefact(mask, direction):
    assert {info.direction for info in PixelAuc(mask=mask).score_infos()} == {direction}
