"""Deletion of regions on linear models, and that whole regions go."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.evaluation.selection import select
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness import _regions
from tasks.faithfulness._regions import grid_regions, superpixels
from tasks.faithfulness.base import AttributionBlock
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.region_deletion import RegionDeletion
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tests._support.linear_removal import curve, scored, target_rows, three, values, worth
from tests._support.small_networks import LinearNetwork, small_network
from tests._support.tile_sets import make_tile_set


def signed(**settings) -> RegionDeletion:
    return RegionDeletion(ranked_by="signed", **settings)


def squares(maps: np.ndarray, side: int) -> np.ndarray:
    """Return [N, R], the sum of each square."""
    cut = maps.reshape(len(maps), 16 // side, side, 16 // side, side)
    return cut.sum((2, 4)).reshape(len(maps), -1)


def steps_of(metric: RegionDeletion, folder, order: str) -> tuple[torch.Tensor, TileBlock]:
    """Return bool [S, n, H, W], which pixels hold the fill at each step between the ends."""
    tiles = make_tile_set(folder, "s", "p", "test", 4)
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    rows = select(slide, ("all", None))
    # Nothing in a tile is as white as the fill.
    images = to_images(tiles.pixels[rows], torch.device("cpu")) * 0.9
    block = TileBlock(
        slide, rows, images, torch.ones(4, dtype=torch.int64), tile_keys(slide.sample_ids(rows))
    )
    maps = torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(0))
    probe = metric.for_maps("sensitivity", 2).probes(block, AttributionBlock("m", maps))[
        2 if order == "morf" else 3
    ]
    gone = probe.make(slice(0, probe.count)) == 1
    assert (gone.all(2) == gone.any(2)).all()
    return gone[:, :, 0], block


def regions_of(metric: RegionDeletion, block: TileBlock) -> torch.Tensor:
    if metric.regions == "superpixels":
        return superpixels(block.slide.tiles.pixels[block.rows], metric.region_px)
    return grid_regions(16, 16, metric.region_px).expand(4, -1, -1)


def test_the_curves_of_a_linear_model_are_the_sums_of_the_squares_left(tmp_path):
    metric = signed(region_px=4, output="margin")
    result = scored(tmp_path, {"true": worth()}, [metric])["true", "region_deletion"]
    tiles, target = target_rows(tmp_path)
    clean = curve(result, "morf_margin")[:, :1]
    parts = -np.sort(-squares(worth()(tiles)[target], 4), axis=1)
    morf = clean - np.pad(parts.cumsum(1), ((0, 0), (1, 0)))
    lerf = clean - np.pad(parts[:, ::-1].cumsum(1), ((0, 0), (1, 0)))
    np.testing.assert_allclose(curve(result, "morf_margin"), morf, atol=1e-4)
    np.testing.assert_allclose(curve(result, "lerf_margin"), lerf, atol=1e-4)
    area = np.trapezoid(lerf - morf, dx=1 / 16, axis=1)
    np.testing.assert_allclose(values(result, "gap"), area, atol=1e-4)


@pytest.mark.parametrize("kind", ["grid", "superpixels"])
@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, kind, fill):
    metric = signed(region_px=4, regions=kind, fill=fill, blur_px=2.0, output="margin")
    found = scored(tmp_path, three(worth(fill)), [metric])
    gaps = [values(found[n, "region_deletion"], "gap").mean() for n in ("true", "shuffled", "reversed")]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[0] == pytest.approx(-gaps[2], rel=1e-5)


@pytest.mark.parametrize("kind", ["grid", "superpixels"])
@pytest.mark.parametrize("order", ["morf", "lerf"])
@pytest.mark.parametrize("region_px", [3, 4, 6])
def test_whole_regions_go_and_close_to_as_many_pixels_as_are_due(tmp_path, kind, order, region_px):
    """The trap: regions of unequal size, where equal numbers of regions are not equal fractions."""
    metric = RegionDeletion(regions=kind, region_px=region_px)
    gone, block = steps_of(metric, tmp_path, order)
    labels = regions_of(metric, block)
    due = torch.arange(1, 16) * 16
    for tile in range(4):
        sizes = labels[tile].unique(return_counts=True)[1]
        for region in labels[tile].unique():
            inside = gone[:, tile][:, labels[tile] == region]
            assert (inside.all(1) == inside.any(1)).all()
        assert ((gone[:, tile].sum((1, 2)) - due).abs() <= sizes.max() / 2).all()
        assert len(sizes.unique()) > 1 or region_px == 4


def test_the_two_orders_part_the_regions_at_every_step(tmp_path):
    metric = RegionDeletion(region_px=4)
    (most, _), (least, _) = (steps_of(metric, tmp_path / order, order) for order in ("morf", "lerf"))
    assert (most ^ least.flip(0)).all()


def test_a_single_region_has_no_order(tmp_path):
    found = scored(tmp_path, {"m": worth()}, [RegionDeletion(region_px=16)], small_network())
    result = found["m", "region_deletion"]
    assert (values(result, "gap") == 0).all()
    assert (values(result, "morf") != curve(result, "morf_probability")[:, 0]).all()


def test_regions_are_ranked_by_their_mean_and_not_by_their_best_pixel(tmp_path):
    """One loud pixel in a worthless square: it comes first of the pixels, and last of the squares."""

    def loud(tiles):
        maps = np.tile(
            np.kron(np.arange(16).reshape(4, 4) + 20.0, np.ones((4, 4))), (len(tiles.usable), 1, 1)
        )
        maps[:, :4, :4] = 0
        maps[:, 0, 0] = 40
        return maps

    metrics = [RegionDeletion(region_px=4, steps=256), Deletion(steps=256)]
    weight = torch.zeros(3, 16, 16)
    weight[:, 0, 0] = -1
    found = scored(tmp_path, {"m": loud}, metrics, LinearNetwork(weight))
    regions, pixels = (curve(found["m", metric.id], "morf_margin") for metric in metrics)
    assert (np.diff(pixels)[:, 0] < 0).all()
    assert (np.diff(regions)[:, :240] == 0).all()
    assert (regions[:, 0] > regions[:, -1]).all()


def test_all_explainers_share_one_segmentation_of_a_block(tmp_path, monkeypatch):
    seen = []
    slic = _regions.slic
    monkeypatch.setattr(_regions, "slic", lambda *given, **named: seen.append(1) or slic(*given, **named))
    metric = RegionDeletion(regions="superpixels", region_px=4)
    scored(tmp_path, three(worth()), [metric, metric.model_copy(update={"steps": 4, "id": "few"})])
    assert len(seen) == 16


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_the_batch_does_not_matter_to_superpixels(tmp_path, batch):
    """A block's tiles differ in how many they have."""
    metric, draws = RegionDeletion(regions="superpixels", region_px=4), {"m": worth()}
    tables = [
        scored(tmp_path / str(size), draws, [metric], small_network(), batch=size)["m", metric.id].scores
        for size in (16, batch)
    ]
    np.testing.assert_allclose(tables[0]["value"], tables[1]["value"], atol=1e-6)


def test_it_says_what_goes():
    meanings = [RegionDeletion(regions=kind).score_infos()[1].meaning for kind in ("grid", "superpixels")]
    assert "most relevant squares" in meanings[0]
    assert "most relevant superpixels" in meanings[1]


@pytest.mark.parametrize("wrong", [{"region_px": 1}, {"regions": "hexagons"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        RegionDeletion(**wrong)
