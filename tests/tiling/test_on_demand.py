"""Tiles that keep no pixels: read from the slide again, checked, and by any thread and process."""

import json
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tasks.artifacts.pixel_source import NoPixelsError
from tasks.artifacts.tile_set import TileSet
from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.on_demand import OPEN_SLIDES, SlidePixels
from tasks.tiling.recipe import TilingRecipe
from tests._support.on_demand import source_of, tiles_in
from tests._support.real_data import real_data
from tests._support.slide_files import break_tile, glass, noise, with_tissue, write_slide

ROW = SlideRow(slide_id="a", patient_id="p", path="a.tiff", split="test", label="tumour")
KEEPING = TilingRecipe(mpp=1.0, tile_px=64, section_gap_um=0, max_failed_tiles=0.5, keep="pixels")


def draw(folder, **changes):
    level0 = with_tissue(glass(704, 512), (64, 64, 576, 448))
    level0[64:448, 64:576] = np.clip(level0[64:448, 64:576].astype(int) + noise(512, 384) % 41 - 20, 0, 255)
    write_slide(folder / "a.tiff", level0, mpp=1.0, **changes)
    return level0


def both(folder, root, row=ROW, recipe=KEEPING):
    """Tile a slide with and without its pixels."""
    for name, keep in (("kept", "pixels"), ("read", "none")):
        (folder / name).mkdir(parents=True)
        tile_slide(row, root, recipe.model_copy(update={"keep": keep}), folder / name)
    return TileSet(folder / "kept"), tiles_in(folder / "read", root, row)


@pytest.fixture(scope="module")
def tiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slide")
    draw(folder)
    return both(folder, folder)


@pytest.mark.parametrize(
    "rows", [3, -1, slice(4, 30, 3), slice(None), [9, 2, 2], np.array([], dtype=np.intp)]
)
def test_they_are_the_pixels_that_would_have_been_kept(tiled, rows):
    kept, read = tiled
    assert (read.pixels.shape, read.pixels.dtype, len(read.pixels)) == (kept.pixels.shape, np.uint8, 48)
    np.testing.assert_array_equal(read.pixels[rows], kept.pixels[rows])
    np.testing.assert_array_equal(read.pixels[rows], kept.pixels[rows], "a second time, from memory")


def test_what_is_given_out_cannot_be_changed_for_the_next_reader(tiled):
    _, read = tiled
    with pytest.raises(ValueError, match="read-only"):
        read.pixels[[0, 1]][0, 0, 0] = 0


def test_tiles_that_could_not_be_read_stay_white(tmp_path):
    draw(tmp_path)
    break_tile(tmp_path / "a.tiff", 8)
    kept, read = both(tmp_path, tmp_path)
    failed = np.flatnonzero(kept.table["state"] == "failed")
    assert len(failed) > 0
    assert (read.pixels[failed] == 255).all()
    np.testing.assert_array_equal(read.pixels[:], kept.pixels)


def test_a_changed_slide_is_noticed_and_what_did_not_change_is_read(tmp_path):
    level0 = draw(tmp_path, compression=None)
    _, read = both(tmp_path, tmp_path)
    before = read.pixels[:]
    level0[70:80, 70:80] = 3
    write_slide(tmp_path / "a.tiff", level0, mpp=1.0, compression=None)
    OPEN_SLIDES.close()
    again = tiles_in(read.folder, tmp_path, ROW)
    with pytest.raises(SlideError, match=r"a.tiff: 1 of 48 tiles have other pixels .* first at \(64, 64\)"):
        again.pixels[:]
    np.testing.assert_array_equal(again.pixels[40:], before[40:])


def test_a_file_of_another_size_is_noticed_before_anything_is_read(tmp_path):
    level0 = draw(tmp_path)
    _, read = both(tmp_path, tmp_path)
    level0[70:80, 70:80] = 3
    write_slide(tmp_path / "a.tiff", level0, mpp=1.0)
    OPEN_SLIDES.close()
    with pytest.raises(SlideError, match=r"a.tiff: the file has .* so tile the slide again"):
        tiles_in(read.folder, tmp_path, ROW).pixels[:]


def test_a_tile_that_became_unreadable_is_an_error_and_not_white(tmp_path):
    draw(tmp_path)
    _, read = both(tmp_path, tmp_path)
    break_tile(tmp_path / "a.tiff", 8)
    OPEN_SLIDES.close()
    with pytest.raises(SlideError, match=r"when the slide was tiled cannot be read now: a\.tiff"):
        tiles_in(read.folder, tmp_path, ROW).pixels[:]


def test_without_its_slide_a_tile_set_says_what_it_needs(tiled):
    with pytest.raises(NoPixelsError, match=r"keep no pixels: open them with their slides.*tile.keep"):
        _ = TileSet(tiled[1].folder).pixels
    with pytest.raises(SlideError, match="slide 'a' is not in the manifest"):
        _ = TileSet.open(tiled[1].folder, SlidePixels(tiled[1].folder, {})).pixels


def test_threads_read_at_once_and_get_what_one_gets(tiled):
    kept, read = tiled
    parts = [np.random.default_rng(seed).integers(0, 48, 17) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for part, pixels in zip(parts, pool.map(read.pixels.__getitem__, parts), strict=True):
            np.testing.assert_array_equal(pixels, kept.pixels[part])


def sum_of(tiles):
    return int(tiles.pixels[:].sum())


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_another_process_reads_the_same(tiled, way):
    kept, read = tiled
    assert read.pixels[0].any(), "a slide is open here"
    with multiprocessing.get_context(way).Pool(1) as pool:
        assert pool.apply(sum_of, (read,)) == int(kept.pixels.sum())


def test_a_source_crosses_to_other_processes_as_plain_json(tmp_path):
    source = source_of(tmp_path, ROW)
    assert SlidePixels.of_form(json.loads(json.dumps(source.form()))) == source
    assert pickle.loads(pickle.dumps(source)) == source


def test_training_reads_many_slides_with_few_of_them_open(tmp_path, monkeypatch):
    monkeypatch.setattr(OPEN_SLIDES, "most", 3)
    rows = [ROW.model_copy(update={"slide_id": f"s{i}", "path": f"s{i}.tiff"}) for i in range(6)]
    draw(tmp_path)
    for row in rows:
        (tmp_path / row.path).write_bytes((tmp_path / "a.tiff").read_bytes())
        (tmp_path / row.slide_id).mkdir()
        tile_slide(row, tmp_path, KEEPING.model_copy(update={"keep": "none"}), tmp_path / row.slide_id)
    OPEN_SLIDES.close()
    for row in rows:
        assert tiles_in(tmp_path / row.slide_id, tmp_path, *rows).pixels[[1, 5]].any()
        assert len(OPEN_SLIDES) <= 3


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("part", "recipe"),
    [
        ("camelyon16_tma/slides/cam16_109_01.tiff", TilingRecipe(mpp=0.972)),
        ("formats/CMU-1-Small-Region.svs", TilingRecipe(mpp=0.8)),
        ("her2st/slides/HER2ST_C2.tiff", TilingRecipe(mpp=2.0, tile_px=128)),
    ],
)
def test_of_real_slides_they_are_the_same_too(tmp_path, part, recipe):
    path = real_data(part)
    kept, read = both(tmp_path, path.parent, ROW.model_copy(update={"path": path.name}), recipe)
    np.testing.assert_array_equal(read.pixels[:], kept.pixels)
