"""Evidence that belongs together, and evidence that does not."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tasks.artifacts.tile_set import TileSet
from tasks.evidence.evidence import Evidence
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import EvidenceError
from tests._support.attribution_sets import noise, write_maps
from tests._support.tile_sets import make_tile_set


@pytest.fixture
def tiles(tmp_path):
    return make_tile_set(tmp_path / "tiles", "s", "p", "test", 200, failed=(0, 70))


def slide_of(tiles, stored):
    return SlideEvidence(tiles, {"m": stored}, 1, "tumour")


def test_maps_are_read_by_row_of_the_tile_table(tmp_path, tiles):
    stored = write_maps(tmp_path / "m", tiles, noise(tiles))
    rows = np.array([1, 69, 71, 130, 199])
    expected = noise(tiles)[np.searchsorted(tiles.usable, rows)].astype(np.float32)
    assert np.array_equal(slide_of(tiles, stored).maps("m", rows), expected)


def test_the_tissue_colour_is_the_mean_over_tissue_of_usable_tiles(tmp_path, tiles):
    tissue = np.random.default_rng(0).integers(0, 2, size=(200, 16, 16)).astype(np.uint8)
    np.save(tiles.folder / "tissue_mask.npy", tissue)
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    chosen = tiles.pixels[tiles.usable][tissue[tiles.usable] > 0]
    assert slide.tissue_colour == pytest.approx(chosen.mean(axis=0) / 255)


def test_without_tissue_the_colour_is_white(tiles):
    np.save(tiles.folder / "tissue_mask.npy", np.zeros((200, 16, 16), np.uint8))
    assert SlideEvidence(tiles, {}, 1, "tumour").tissue_colour.tolist() == [1.0, 1.0, 1.0]


def test_masks_are_of_the_explained_class_alone(tiles):
    rows = np.arange(1, 10)
    assert np.array_equal(
        SlideEvidence(tiles, {}, 1, "tumour").mask("annotation", rows), tiles.annotation_mask[rows] == 1
    )
    assert not SlideEvidence(tiles, {}, 2, "other").mask("annotation", rows).any()
    assert SlideEvidence(tiles, {}, 1, "tumour").mask("evidence", rows).any()


def test_an_artefact_is_its_own_mask_and_none_where_no_image_is_named(tiles):
    rows = np.arange(1, 10)
    assert not SlideEvidence(tiles, {}, 1, "tumour").mask("artefact", rows).any()
    ink = np.zeros((200, 16, 16), np.uint8)
    ink[4, :3] = 1
    np.save(tiles.folder / "artefact_mask.npy", ink)
    found = SlideEvidence(TileSet(tiles.folder), {}, 1, "tumour").mask("artefact", rows)
    assert np.array_equal(found, ink[rows] == 1)


def test_maps_that_are_not_finite_are_refused(tmp_path, tiles):
    maps = noise(tiles)
    maps[4, 3, 3] = np.nan
    with pytest.raises(EvidenceError, match="'m' on slide 's' hold values that are not finite"):
        slide_of(tiles, write_maps(tmp_path / "m", tiles, maps)).maps("m", np.array([5]))


def test_maps_of_another_size_are_refused(tmp_path, tiles):
    with pytest.raises(EvidenceError, match="the tiles are"):
        slide_of(tiles, write_maps(tmp_path / "m", tiles, np.zeros((198, 8, 8)))).maps("m", np.array([5]))


def test_maps_of_other_tiles_are_refused(tmp_path, tiles):
    other = make_tile_set(tmp_path / "other", "t", "p", "test", 200, failed=(0, 70))
    with pytest.raises(EvidenceError, match="not of the usable tiles"):
        slide_of(tiles, write_maps(tmp_path / "m", other, noise(other))).maps("m", np.array([5]))


def test_maps_of_another_target_are_refused(tmp_path, tiles):
    with pytest.raises(EvidenceError, match="explain class 0, not class 1"):
        slide_of(tiles, write_maps(tmp_path / "m", tiles, noise(tiles), target=0)).maps("m", np.array([5]))


def test_a_target_that_is_no_class_and_a_slide_without_maps_are_refused(tiles):
    with pytest.raises(EvidenceError, match="target 2 is none of the 2 classes"):
        Evidence([tiles], {}, ("normal", "tumour"), 2)
    with pytest.raises(EvidenceError, match="maps of 0 slides; needed 1"):
        Evidence([tiles], {"m": ()}, ("normal", "tumour"), 1)


def test_of_a_sample_only_what_is_explained_can_be_read(tmp_path, tiles):
    rows = tiles.usable[[2, 5, 80, 150]]
    stored = write_maps(tmp_path / "m", tiles, noise(tiles)[[2, 5, 80, 150]], rows=rows)
    slide = slide_of(tiles, stored)
    assert slide.explained.tolist() == rows.tolist()
    assert np.array_equal(slide.maps("m", rows[[1, 3]]), noise(tiles)[[5, 150]].astype(np.float32))


def test_maps_in_another_order_or_of_another_sample_are_refused(tmp_path, tiles):
    turned = write_maps(tmp_path / "t", tiles, noise(tiles)[:3], rows=tiles.usable[[4, 2, 9]])
    with pytest.raises(EvidenceError, match="not of the usable tiles in their order"):
        _ = slide_of(tiles, turned).explained
    whole = write_maps(tmp_path / "w", tiles, noise(tiles))
    part = write_maps(tmp_path / "p", tiles, noise(tiles)[:3], rows=tiles.usable[:3])
    both = SlideEvidence(tiles, {"m": whole, "n": part}, 1, "tumour")
    with pytest.raises(EvidenceError, match="not of the tiles that 'm' explains"):
        both.maps("n", tiles.usable[:1])


def test_the_explained_class_may_differ_by_tile(tmp_path, tiles):
    """Tiles of the class that is explained in them are chosen, and masks are of that class."""
    targets = np.arange(200) % 2
    stored = write_maps(tmp_path / "m", tiles, noise(tiles), target=targets[tiles.usable])
    evidence = Evidence([tiles], {"m": [stored]}, ("normal", "tumour"), [targets])
    slide, rows = evidence.slide(0), tiles.usable
    assert slide.targets.tolist() == targets.tolist()
    assert slide.maps("m", rows).shape == (198, 16, 16)
    labels = tiles.table["label"].to_numpy()[rows]
    expected = labels == np.where(targets[rows], "tumour", "normal")
    assert slide.labelled_as_explained(rows).tolist() == expected.tolist()
    assert np.array_equal(
        slide.mask("annotation", rows), tiles.annotation_mask[rows] == targets[rows, None, None]
    )
    with pytest.raises(EvidenceError, match="explain class 1, not class 0"):
        Evidence([tiles], {"m": [stored]}, ("normal", "tumour"), [1 - targets]).slide(0).maps("m", rows)
    with pytest.raises(EvidenceError, match="target 2 is none of the 2 classes"):
        Evidence([tiles], {}, ("normal", "tumour"), [targets + 2])


def test_images_and_the_tissue_colour_are_the_same_from_bytes_and_from_floats(tiles):
    """A float image is what its bytes over 255 are, and is not rounded to bytes."""
    rows, device = tiles.usable[:5], torch.device("cpu")
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    floating = tiles.pixels.astype(np.float32) / np.float32(255)
    other = SlideEvidence(in_memory(tiles, floating), {}, 1, "tumour")
    assert torch.equal(other.images(rows, device), slide.images(rows, device))
    assert other.tissue_colour == pytest.approx(slide.tissue_colour, abs=1e-6)
    third = SlideEvidence(in_memory(tiles, floating / 3), {}, 1, "tumour")
    assert torch.equal(third.images(rows, device), slide.images(rows, device) / 3)


def in_memory(tiles, pixels):
    fields = ("table", "tissue_mask", "annotation_mask", "marks", "usable")
    return SimpleNamespace(pixels=pixels, tissue_colour=None, **{name: getattr(tiles, name) for name in fields})
