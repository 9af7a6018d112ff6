"""Rank accuracy on tiles with known masks."""

import numpy as np
import pytest

from tasks.faithfulness.rank_accuracy import RankAccuracy
from tests._support.attribution_sets import noise
from tests._support.scored_maps import score

SIGNED = RankAccuracy(ranked_by="signed")


def values(result, name):
    return result.scores[result.scores["score"] == name].set_index("unit_id")["value"]


def test_only_crossing_tiles_are_scored_and_the_others_are_counted(tmp_path):
    result = score(tmp_path, lambda t: t.annotation_mask[t.usable].astype(float), RankAccuracy())
    scored = result.scores.dropna(subset="value")
    assert set(scored["label"]) == {"mixed"}
    assert values(result, "corrected").notna().sum() == 8
    assert result.info.excluded == {
        "no tissue in the tile": 0,
        "no mask on the tile's tissue": 16,
        "mask covers all of the tile's tissue": 16,
    }


def test_the_mask_scores_one_its_opposite_minus_one_where_half_is_masked(tmp_path):
    mask = {"to": 1.0, "from": -1.0}
    found = {
        name: score(tmp_path / name, lambda t, s=sign: s * t.annotation_mask[t.usable], SIGNED)
        for name, sign in mask.items()
    }
    assert values(found["to"], "corrected").dropna().tolist() == [1.0] * 8
    assert values(found["from"], "corrected").dropna().tolist() == [-1.0] * 8
    assert values(found["from"], "raw").dropna().tolist() == [0.0] * 8
    raw = found["to"].scores.query("score == 'raw'").dropna(subset="value")
    assert set(raw["chance"]) == {0.5}


def test_the_evidence_mask_is_scored_where_it_crosses(tmp_path):
    metric = RankAccuracy(mask="evidence", labels="target")
    result = score(tmp_path, lambda t: t.evidence_mask[t.usable].astype(float), metric)
    assert set(result.scores["label"]) == {"tumour"}
    assert values(result, "corrected").tolist() == [1.0] * 16


def test_a_random_map_scores_zero_on_average(tmp_path):
    result = score(tmp_path, noise, RankAccuracy(), count=500)
    corrected = values(result, "corrected").dropna()
    assert abs(corrected.mean()) < 4 * corrected.std() / len(corrected) ** 0.5


def test_only_tissue_takes_part(tmp_path):
    """Tissue is the right half, which is all mask: nothing is left to tell apart."""

    def halve(folder):
        tissue = np.zeros((40, 16, 16), np.uint8)
        tissue[:, :, 8:] = 1
        tissue[2] = 0
        np.save(folder / "tissue_mask.npy", tissue)

    result = score(tmp_path, noise, RankAccuracy(), change=halve)
    assert values(result, "corrected").isna().all()
    assert result.info.excluded["no tissue in the tile"] == 1
    assert result.info.excluded["mask covers all of the tile's tissue"] == 23


def test_a_slide_without_evidence_has_no_score(tmp_path):
    result = score(
        tmp_path, noise, RankAccuracy(mask="evidence"), change=lambda f: (f / "evidence_mask.npy").unlink()
    )
    assert result.info.excluded["no mask on the tile's tissue"] == 40


@pytest.mark.parametrize(("ranked_by", "expected"), [("signed", -1.0), ("magnitude", 1.0)])
def test_the_sign_counts_where_it_is_asked_for(tmp_path, ranked_by, expected):
    metric = RankAccuracy(ranked_by=ranked_by)
    result = score(tmp_path, lambda t: -(np.abs(noise(t)) + 0.1) * t.annotation_mask[t.usable], metric)
    assert values(result, "corrected").dropna().tolist() == [expected] * 8


def test_smoothing_turns_scattered_hits_into_the_region_they_lie_in(tmp_path):
    """A tenth of the mask speaks, the rest is silent: single pixels miss, their region hits."""

    def sparse(tiles):
        generator = np.random.default_rng(0)
        mask = tiles.annotation_mask[tiles.usable].astype(float)
        return mask * (generator.random(mask.shape) < 0.1)

    single = values(score(tmp_path / "a", sparse, RankAccuracy()), "corrected").dropna()
    region = values(score(tmp_path / "b", sparse, RankAccuracy(smooth_px=2.0)), "corrected").dropna()
    assert (region > single).all()
    assert region.mean() > 0.6
    assert single.mean() < 0.3
