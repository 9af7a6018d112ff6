import hashlib
import io

import numpy as np
import pytest
import shapely
from PIL import Image

from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.tile_set import COLUMNS, TileSet
from tasks.slides.errors import SlideError
from tasks.slides.info import read_info
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.on_demand import tiles_in
from tests._support.slide_files import break_tile
from tests._support.tiled_slides import OUTLINE, TISSUE, write_cohort

RECIPE = TilingRecipe(mpp=1.0, tile_px=64)
FILES = {
    "tiles.parquet", "slide.json", "reader.json", "masks.json", "tissue_mask.png", "outlines.parquet",
    "evidence_mask.png", "thumbnail.png", "grid.png", "tissue.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def tiled(tmp_path_factory):
    root = tmp_path_factory.mktemp("cohort")
    row, seen = write_cohort(root), []
    out = root / "out"
    out.mkdir()
    measures = tile_slide(row, root, RECIPE, out, seen.append)
    return tiles_in(out, root, row), measures, seen, row, root


def test_the_payload_is_what_the_tile_set_documents(tiled):
    tiles, measures, seen, *_ = tiled
    count = len(tiles.table)
    assert {path.name for path in tiles.folder.iterdir()} == FILES
    assert tuple(tiles.table.columns) == (*COLUMNS, "pixels_crc32", "coverage_tumour")
    assert (tiles.pixels.shape, tiles.pixels.dtype) == ((count, 64, 64, 3), np.uint8)
    for mask in (tiles.tissue_mask, tiles.annotation_mask, tiles.evidence_mask):
        assert (mask.shape, mask.dtype) == ((count, 64, 64), np.uint8)
    assert measures["tiles"] == sum(seen) == count
    assert measures["failed_tiles"] == 0
    assert measures["seconds"] > 0
    assert measures["tiles_per_second"] > 0


def test_every_tile_with_half_tissue_is_there_in_rows(tiled):
    table = tiled[0].table
    boxes = shapely.box(table.x_level0, table.y_level0, table.x_level0 + 64, table.y_level0 + 64)
    tissue = shapely.union_all([shapely.box(*box) for box in TISSUE])
    every = {(x, y) for x in range(0, 1280 - 63, 64) for y in range(0, 960 - 63, 64)}
    share = {(x, y): shapely.box(x, y, x + 64, y + 64).intersection(tissue).area / 4096 for x, y in every}
    found = set(zip(table.x_level0, table.y_level0, strict=True))
    # The tissue mask has 8 um pixels, so a tile within 5 % of the limit may fall on either side.
    assert {place for place, value in share.items() if value > 0.55} <= found
    assert not found & {place for place, value in share.items() if value < 0.45}
    true = shapely.area(shapely.intersection(boxes, tissue)) / 4096
    np.testing.assert_allclose(table.tissue_fraction, true, atol=0.05)
    assert list(zip(table.y_level0, table.x_level0, strict=True)) == sorted(
        zip(table.y_level0, table.x_level0, strict=True)
    )


def test_each_row_says_whose_tile_it_is(tiled):
    table = tiled[0].table
    first = table.iloc[0]
    assert first.tile_id == f"a/{int(first.x_level0)}_{int(first.y_level0)}"
    assert table.tile_id.is_unique
    assert (first.slide_id, first.patient_id, first.site, first.split) == ("a", "p", "north", "train")
    assert (first.extent_level0, first.mpp, first.state, first.reason) == (64, 1, "ok", "")


def test_labels_and_masks_follow_the_outline(tiled):
    tiles = tiled[0]
    table = tiles.table
    for i, tile in enumerate(table.itertuples()):
        box = shapely.box(tile.x_level0, tile.y_level0, tile.x_level0 + 64, tile.y_level0 + 64)
        share = box.intersection(OUTLINE).area / 4096
        assert tile.coverage_tumour == pytest.approx(share)
        assert tile.label == ("tumour" if share > 0.9 else "normal" if share < 0.1 else "mixed")
        assert tiles.annotation_mask[i].mean() == pytest.approx(share)
    assert set(table.label) == {"tumour", "normal", "mixed"}


def test_evidence_lies_where_it_was_drawn(tiled):
    tiles = tiled[0]
    assert marked_pixels(tiles.table, tiles.evidence_mask[:]) == {
        (x, y) for x in range(200, 240) for y in range(200, 220)
    }


def test_masks_are_those_that_were_stored_per_tile_once(tiled):
    """These are the digests of the files that the first recipe wrote."""
    first = {"evidence_mask": "a52523e32b40f29f", "annotation_mask": "0015299c0586ae17"}
    assert {name: npy_digest(getattr(tiled[0], name)[:]) for name in first} == first


def npy_digest(array):
    file = io.BytesIO()
    np.save(file, array)
    return hashlib.sha256(file.getvalue()).hexdigest()[:16]


def test_a_study_may_keep_the_pixels(tiled, tmp_path):
    tiles, _, _, row, root = tiled
    tile_slide(row, root, RECIPE.model_copy(update={"keep": "pixels"}), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"pixels.npy"}
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (tiles.folder / name).read_bytes()
    kept = TileSet(tmp_path).pixels
    assert isinstance(kept, np.ndarray)
    np.testing.assert_array_equal(kept, tiles.pixels[:])


def test_a_tile_takes_few_bytes(tiled):
    tiles = tiled[0]
    size = (tiles.folder / "tiles.parquet").stat().st_size
    assert size / len(tiles.table) < 200


def test_the_colour_of_the_tissue_is_that_of_its_pixels(tiled):
    tiles = tiled[0]
    mask = tiles.tissue_mask[:] > 0
    np.testing.assert_allclose(tiles.tissue_colour, tiles.pixels[:][mask].mean(axis=0) / 255, rtol=1e-12)


@pytest.mark.parametrize("mark", ["decoy", "artefact"])
def test_an_image_of_another_mark_adds_its_mask_and_changes_no_other_file(tiled, tmp_path, mark):
    tiles, _, _, row, root = tiled
    drawn = np.zeros((240, 320), dtype=np.uint8)
    drawn[30:35, 60:70] = 1
    Image.fromarray(drawn).save(root / "ink.png")
    tile_slide(row.model_copy(update={mark: "ink.png"}), root, RECIPE, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES | {f"{mark}_mask.png"}
    for name in FILES - {"masks.json"}:
        assert (tmp_path / name).read_bytes() == (tiles.folder / name).read_bytes()
    assert tiles.artefact_mask is None
    assert tiles.decoy_mask is None
    found = TileSet(tmp_path)
    assert tuple(found.marks) == ("evidence", mark)
    mask = getattr(found, f"{mark}_mask")
    assert (mask.shape, mask.dtype) == (tiles.tissue_mask.shape, np.uint8)
    at = marked_pixels(found.table, mask[:])
    assert at == {(x, y) for x in range(240, 280) for y in range(120, 140)}


def marked_pixels(table, masks):
    """Return the level-0 pixels that masks of tiles hold."""
    found = set()
    for i in np.flatnonzero(masks.any(axis=(1, 2))):
        rows, columns = np.nonzero(masks[i])
        corner = table.iloc[i]
        found |= set(zip(corner.x_level0 + columns, corner.y_level0 + rows, strict=True))
    return found


def test_a_slide_whose_artefact_image_cannot_be_used_is_refused(tiled, tmp_path):
    *_, row, root = tiled
    (root / "no.png").write_text("no")
    with pytest.raises(SlideError, match=r"no.png is no image"):
        tile_slide(row.model_copy(update={"artefact": "no.png"}), root, RECIPE, tmp_path)


def test_pixels_are_those_of_the_slide(tiled):
    tiles, _, _, _, root = tiled
    slide = np.asarray(Image.open(root / "a.tiff"))
    for i, tile in enumerate(tiles.table.itertuples()):
        x, y = int(tile.x_level0), int(tile.y_level0)
        np.testing.assert_array_equal(tiles.pixels[i], slide[y : y + 64, x : x + 64])


def test_the_summary_counts(tiled):
    tiles = tiled[0]
    info = read_info(tiles.folder)
    assert info.slide_id == "a"
    assert info.classes == ("normal", "tumour")
    assert [section.section for section in info.sections] == [1, 2, 3]
    for section, (left, top, right, bottom) in zip(info.sections, TISSUE, strict=True):
        assert section.area_um2 == pytest.approx((right - left) * (bottom - top), rel=0.02)
        assert section.tiles == (tiles.table.section == section.section).sum()
    assert info.counts == tiles.table.label.value_counts().to_dict()
    assert Image.open(tiles.folder / "thumbnail.png").size == (
        info.geometry.thumbnail_width,
        info.geometry.thumbnail_height,
    )


def test_the_summary_says_what_was_read_of_the_annotation(tiled):
    info = read_info(tiled[0].folder)
    assert (info.labels_from, info.weak_labels, info.notes) == ("outlines", False, ())
    assert (info.annotation.read, info.annotation.names, info.annotation.left_out) == (1, {"Tumor": 1}, {})
    assert info.annotation.drawn == info.annotation.on_slide == {"tumour": OUTLINE.area}
    assert info.annotation.on_tissue == {"tumour": pytest.approx(OUTLINE.area, rel=0.03)}


def test_a_second_run_gives_the_same_bytes(tiled, tmp_path):
    tiles, _, _, row, root = tiled
    tile_slide(row, root, RECIPE, tmp_path)
    assert content_digest(list_payload(tmp_path)) == content_digest(list_payload(tiles.folder))


def test_a_slide_without_annotation_has_the_manifests_label_and_unknown_coverage(tiled, tmp_path):
    *_, row, root = tiled
    for label, coverage in (("tumour", None), ("normal", 0.0), (None, None)):
        bare = row.model_copy(update={"annotation": None, "evidence": None, "label": label})
        tile_slide(bare, root, RECIPE, tmp_path)
        tiles = TileSet(tmp_path)
        assert set(tiles.table.label) == {label or ""}
        assert (
            tiles.table.coverage_tumour.isna().all()
            if coverage is None
            else (tiles.table.coverage_tumour == 0).all()
        )
        assert not tiles.annotation_mask[:].any()
        assert tiles.evidence_mask is None


def test_a_coarser_recipe_reads_the_coarser_level(tiled, tmp_path):
    *_, row, root = tiled
    tile_slide(row, root, RECIPE.model_copy(update={"mpp": 2.0, "tile_px": 32}), tmp_path)
    tiles = tiles_in(tmp_path, root, row)
    fine = tiled[0].table.set_index("tile_id").index.get_indexer(tiles.table.tile_id)
    assert (fine >= 0).all()
    halved = tiled[0].pixels[fine].reshape(-1, 32, 2, 32, 2, 3).astype(float).mean(axis=(2, 4))
    assert np.abs(tiles.pixels[:] - halved).max() <= 1


def broken(tmp_path):
    row = write_cohort(tmp_path, compression="jpeg").model_copy(update={"annotation": None, "evidence": None})
    break_tile(tmp_path / "a.tiff", 22)  # 128 px squares, ten a row: x 256 to 384, y 256 to 384
    return row


def test_tiles_that_cannot_be_read_are_failed_with_a_reason_and_the_rest_is_good(tmp_path):
    row = broken(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    measures = tile_slide(row, tmp_path, RECIPE, out)
    tiles = tiles_in(out, tmp_path, row)
    failed = tiles.table[tiles.table.state == "failed"]
    assert set(zip(failed.x_level0, failed.y_level0, strict=True)) == {
        (x, y) for x in (256, 320) for y in (256, 320)
    }
    assert failed.reason.str.startswith("a.tiff: the 64 px square at (").all()
    assert not failed.reason.str.contains(str(tmp_path), regex=False).any()
    assert (tiles.pixels[failed.index] == 255).all()
    assert len(tiles.usable) == len(tiles.table) - 4
    assert (tiles.pixels[tiles.usable].mean(axis=(1, 2, 3)) < 240).all()
    assert measures["failed_tiles"] == read_info(out).failed_tiles == 4


def test_too_many_failed_tiles_fail_the_slide(tmp_path):
    row = broken(tmp_path)
    with pytest.raises(
        SlideError, match=r"a: reading stopped at 4 of 168 tiles that cannot be read, 1\.0% are allowed"
    ):
        tile_slide(row, tmp_path, RECIPE.model_copy(update={"max_failed_tiles": 0.01}), tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mpp": 0.5}, "a: the slide has 1 um/px and the recipe asks for 0.5"),
        ({"tile_px": 4096}, "a: the slide is smaller than one tile of 4096 um"),
        ({"tile_px": 900, "min_tissue": 0.9}, "a: none of 1 tiles of 900 um holds 90% tissue"),
    ],
)
def test_a_recipe_that_does_not_fit_the_slide_is_told(tiled, tmp_path, change, words):
    *_, row, root = tiled
    recipe = RECIPE.model_copy(update=change)
    with pytest.raises(SlideError, match=words):
        tile_slide(row, root, recipe, tmp_path)
