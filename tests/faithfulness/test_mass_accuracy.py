"""Mass accuracy on tiles with known masks."""

import numpy as np
import pytest

from tasks.faithfulness.mass_accuracy import MassAccuracy
from tests._support.attribution_sets import noise
from tests._support.scored_maps import score


def values(result, name):
    return result.scores[result.scores["score"] == name]["value"].dropna().to_numpy()


def test_the_share_is_the_mass_and_not_the_number_of_pixels(tmp_path):
    """On the mask (half of the tile) every pixel weighs 3, elsewhere 1."""
    found = score(tmp_path, lambda t: 1.0 + 2 * t.annotation_mask[t.usable], MassAccuracy())
    assert values(found, "raw").tolist() == [0.75] * 8
    assert values(found, "corrected").tolist() == [0.5] * 8
    raw = found.scores.query("score == 'raw'").dropna(subset="value")
    assert set(raw["chance"]) == {0.5}
    corrected = found.scores.query("score == 'corrected'").dropna(subset="value")
    assert set(corrected["chance"]) == {0.0}


def test_all_on_the_mask_is_one_and_a_flat_map_is_chance(tmp_path):
    on = score(tmp_path / "on", lambda t: t.annotation_mask[t.usable].astype(float), MassAccuracy())
    flat = score(tmp_path / "flat", lambda t: np.ones((40, 16, 16)), MassAccuracy())
    off = score(tmp_path / "off", lambda t: 1.0 - t.annotation_mask[t.usable], MassAccuracy())
    assert [set(values(found, "corrected")) for found in (on, flat, off)] == [{1.0}, {0.0}, {-1.0}]


def test_a_random_map_scores_zero_on_average(tmp_path):
    corrected = values(score(tmp_path, noise, MassAccuracy(mask="evidence"), count=500), "corrected")
    assert len(corrected) > 100
    assert abs(corrected.mean()) < 4 * corrected.std() / len(corrected) ** 0.5


@pytest.mark.parametrize(("weighed_by", "expected"), [("magnitude", 0.75), ("positive", 0.0)])
def test_the_sign_counts_where_it_is_asked_for(tmp_path, weighed_by, expected):
    """-3 on the mask, 1 elsewhere."""
    metric = MassAccuracy(weighed_by=weighed_by)
    found = score(tmp_path, lambda t: 1.0 - 4 * t.annotation_mask[t.usable], metric)
    assert values(found, "raw").tolist() == [expected] * 8


def test_a_tile_without_weight_has_no_score_and_every_reason_is_counted_once(tmp_path):
    found = score(tmp_path, lambda t: -np.ones((40, 16, 16)), MassAccuracy(weighed_by="positive"))
    assert len(values(found, "raw")) == len(values(found, "corrected")) == 0
    assert found.info.excluded == {
        "no tissue in the tile": 0,
        "no mask on the tile's tissue": 16,
        "mask covers all of the tile's tissue": 16,
        "no attribution on the tile's tissue": 8,
    }


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

    found = score(tmp_path, shouting, MassAccuracy(), change=halve)
    assert values(found, "raw").tolist() == [0.75] * 7
    assert found.info.excluded["no tissue in the tile"] == 1


@pytest.mark.parametrize(
    ("mask", "direction"), [("annotation", "higher"), ("evidence", "higher"), ("artefact", "none")]
)
def test_neither_end_is_better_on_an_artefact(mask, direction):
    assert {info.direction for info in MassAccuracy(mask=mask).score_infos()} == {direction}
