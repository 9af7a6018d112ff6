"""What a map knows of the mask beyond darkness."""

import numpy as np
import pytest
import torch

from tasks.explainers.optical_density import OpticalDensity
from tasks.faithfulness.matched_auc import MatchedAuc
from tasks.faithfulness.pixel_auc import PixelAuc
from tasks.functional.colour import optical_density
from tasks.phantoms.plan import plan_cohort
from tasks.phantoms.recipe import PhantomRecipe
from tasks.phantoms.slide import draw_slide
from tasks.scoring.evaluate import evaluate
from tests._support.attribution_sets import noise
from tests._support.explaining import clean_maps
from tests._support.linear_removal import values
from tests._support.scored_maps import score
from tests._support.small_networks import small_network

METRIC = MatchedAuc(mask="evidence")


def density(tiles):
    return clean_maps(OpticalDensity(), small_network(), tiles)


def test_the_control_of_darkness_scores_exactly_a_half_where_it_finds_the_nuclei(tmp_path):
    plain = values(score(tmp_path / "plain", density, PixelAuc(mask="evidence")), "auc")
    matched = values(score(tmp_path / "matched", density, METRIC), "auc")
    assert np.nanmean(plain) > 0.9
    assert (np.isnan(matched) >= np.isnan(plain)).all()
    judged = matched[~np.isnan(matched)]
    assert len(judged) > 0
    assert set(judged) == {0.5}


def test_the_evidence_as_its_own_map_scores_one_and_noise_the_chance(tmp_path):
    own = values(score(tmp_path / "own", lambda t: t.evidence_mask[t.usable].astype(float), METRIC), "auc")
    assert set(own[~np.isnan(own)]) == {1.0}
    drawn = values(score(tmp_path / "noise", noise, METRIC, count=200), "auc")
    drawn = drawn[~np.isnan(drawn)]
    assert abs(drawn.mean() - 0.5) < 4 * drawn.std() / len(drawn) ** 0.5


def test_tiles_whose_pairs_darkness_decides_are_excluded_and_counted(tmp_path):
    def paler(folder):
        """Every pixel of the evidence is darker than every other."""
        pixels, evidence = np.load(folder / "pixels.npy"), np.load(folder / "evidence_mask.npy")
        np.save(
            folder / "pixels.npy", np.where(evidence[..., None] > 0, 10, 200 + pixels % 20).astype(np.uint8)
        )

    result = score(tmp_path, noise, MatchedAuc(mask="evidence", strata=1), change=paler)
    left = result.info.excluded["darkness decides every pair"]
    assert left > 0
    assert np.isnan(values(result, "auc")).sum() == sum(result.info.excluded.values())


@pytest.mark.parametrize("strata", [0, -1])
def test_wrong_settings_are_refused(strata):
    with pytest.raises(ValueError, match="strata"):
        MatchedAuc(strata=strata)


@pytest.fixture(scope="module")
def phantom():
    """Return one tumour slide, in tiles of 88 pixels: images [N, 3, 88, 88], evidence and decoys."""
    recipe = PhantomRecipe(train=(1,), val=(1,), test=(1,), size_px=(352, 352), mpp=1.0, sections=1)
    slide = draw_slide(plan_cohort(recipe)[0], recipe)
    cut = [
        array.reshape(4, 88, 4, 88, -1).swapaxes(1, 2).reshape(16, 88, 88, -1)
        for array in (slide.rgb, slide.evidence, slide.decoy)
    ]
    return np.moveaxis(cut[0], 3, 1), cut[1][..., 0], cut[2][..., 0]


@pytest.fixture(scope="module")
def on_phantom(phantom):
    """Return {(map, metric): mean} against decoys."""
    images, evidence, decoy = phantom
    dark = optical_density(torch.from_numpy(images).float() / 255).sum(1).numpy()
    table = evaluate(
        small_network(),
        images,
        np.ones(16, int),
        attributions={
            "evidence": evidence * 1.0,
            "nuclei": (evidence | decoy) * 1.0,
            "dark": dark,
            "pale": -dark,
        },
        kinds="contribution",
        metrics=[
            {"name": "pixel_auc", "mask": "evidence"},
            {"name": "pixel_auc", "id": "decoys", "mask": "evidence", "against": "decoy"},
            {"name": "matched_auc", "mask": "evidence", "against": "decoy"},
        ],
        masks={"evidence": evidence, "decoy": decoy, "tissue": dark > 0.25},
        controls=(),
    )
    assert table.means["scored"].min() > 0
    return {(row.explainer, row.metric): row.mean for row in table.means.itertuples()}


def test_against_decoys_the_evidence_scores_one_and_all_nuclei_a_half(on_phantom):
    """Beside the rest of the tissue, a map of all nuclei looks like one of the tumour."""
    assert on_phantom["nuclei", "pixel_auc"] > 0.9
    for metric in ("decoys", "matched_auc"):
        assert on_phantom["evidence", metric] == 1
        assert on_phantom["nuclei", metric] == 0.5


def test_among_equally_dark_decoys_darkness_and_paleness_score_a_half(on_phantom):
    """Not so without the match: the decoys are darker than the evidence, so paleness finds it."""
    assert on_phantom["pale", "decoys"] > 0.75
    assert on_phantom["dark", "matched_auc"] == on_phantom["pale", "matched_auc"] == 0.5
