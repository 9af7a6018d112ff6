import csv
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tasks.interchange.errors import InterchangeError
from tasks.interchange.tile_tables import TileTableJob, write_tile_lists
from tasks.slides.manifest import load_manifest
from tasks.slides.tile_lists.tile_list import read_tile_list
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.on_demand import tiles_in
from tests._support.slide_inputs import PlainInputs
from tests._support.tile_images import png, tile_pixels

ROWS = [
    ("t0.png", "07", 0, 0, "0"),
    ("t1.png", "07", 16, 0, "1"),
    ("t2.png", "08", 0, 0, "0"),
    ("t3.png", "08", 32, 48, "0"),
]
COLUMNS = {"image": "file", "patient": "case", "label": "is_tumour"}
MEANT = {"0": "normal", "1": "tumour"}


def write_table(root, *, archive, header="file,case,x,y,is_tumour", rows=ROWS):
    folder = root / "in"
    folder.mkdir(exist_ok=True)
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / "tiles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = {f"t{i}.png": png(tile_pixels(i)) for i in range(4)}
    if archive:
        with zipfile.ZipFile(folder / "tiles.zip", "w") as file:
            for name, each in data.items():
                file.writestr(name, each)
        images = folder / "tiles.zip"
    else:
        images = folder / "images"
        images.mkdir(exist_ok=True)
        for name, each in data.items():
            (images / name).write_bytes(each)
    return TileTableJob(folder / "tiles.csv", images, root / "out", 4.0, COLUMNS, MEANT, copy=True)


def manifest(job):
    with (job.out / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("archive", [False, True])
def test_a_table_becomes_lists_and_a_manifest_that_tiles(tmp_path, archive):
    job = write_table(tmp_path, archive=archive)
    written = write_tile_lists(job)
    assert (written.slides, written.tiles) == (2, 4)
    assert written.notes[0] == "no slide is named: the tiles of a patient are one slide"
    loaded, _ = load_manifest(written.manifest, job.out, frozenset(), PlainInputs(), ("normal", "tumour"))
    row = loaded.slides[0]
    assert (row.slide_id, row.patient_id, row.mpp, row.label) == ("slide_07", "07", 4.0, None)
    (tmp_path / "tiles").mkdir()
    tile_slide(row, job.out, TilingRecipe(mpp=4.0, tile_px=16), tmp_path / "tiles")
    tiles = tiles_in(tmp_path / "tiles", job.out, row)
    np.testing.assert_array_equal(tiles.pixels[np.arange(2)], [tile_pixels(0), tile_pixels(1)])
    assert tiles.table.label.tolist() == ["normal", "tumour"]


def test_images_below_the_lists_are_not_copied_and_others_are_on_demand_only(tmp_path):
    job = write_table(tmp_path, archive=True)
    with pytest.raises(InterchangeError, match=r"must lie below .*, and tiles.zip does not"):
        write_tile_lists(replace(job, copy=False))
    write_tile_lists(replace(job, copy=False, out=job.table.parent))
    assert read_tile_list(job.table.parent / "slide_07.csv").images == (
        "tiles.zip/t0.png",
        "tiles.zip/t1.png",
    )
    assert sorted(path.name for path in job.table.parent.iterdir() if path.suffix != ".csv") == ["tiles.zip"]


def test_stated_splits_labels_and_sites_go_into_the_manifest(tmp_path):
    rows = [(*row, "val" if row[1] == "07" else "test", f"s{row[1]}", "here", row[1] == "07") for row in ROWS]
    header = "file,case,x,y,is_tumour,split,slide,site,ill"
    job = write_table(tmp_path, archive=True, header=header, rows=rows)
    columns, labels = COLUMNS | {"slide_label": "ill"}, MEANT | {"True": "tumour", "False": "normal"}
    assert write_tile_lists(replace(job, columns=columns, labels=labels)).notes == ()
    facts = [(row["slide_id"], row["split"], row["label"], row["site"]) for row in manifest(job)]
    assert facts == [("s07", "val", "tumour", "here"), ("s08", "test", "normal", "here")]


def test_a_slide_has_one_label(tmp_path):
    job = write_table(tmp_path, archive=True)
    with pytest.raises(InterchangeError, match="slide 'slide_07' has the slide_label 'normal' in one row"):
        write_tile_lists(replace(job, columns=COLUMNS | {"slide_label": "is_tumour"}))


def test_tiles_without_positions_lie_on_a_raster_which_is_said(tmp_path):
    rows = [(file, case, label) for file, case, *_, label in ROWS]
    written = write_tile_lists(write_table(tmp_path, archive=True, header="file,case,is_tumour", rows=rows))
    assert any("no positions are named" in note for note in written.notes)
    tiles = read_tile_list(tmp_path / "out" / "slide_08.csv")
    assert (tiles.x.tolist(), tiles.y.tolist()) == ([0, 16], [0, 0])


def test_an_image_that_is_cut_is_a_slide_of_boxes_and_its_label_is_the_slides(tmp_path):
    (tmp_path / "core.png").write_bytes(png(tile_pixels(9, 40, 24)))
    (tmp_path / "t.csv").write_text("file,label\ncore.png,1\n", encoding="utf-8")
    job = TileTableJob(tmp_path / "t.csv", tmp_path, tmp_path, 1.0, {"image": "file"}, MEANT, cut=16)
    assert write_tile_lists(job).tiles == 2
    (row,) = manifest(job)
    assert (row["slide_id"], row["patient_id"], row["label"]) == ("core", "patient_of_core", "tumour")
    tiles = read_tile_list(tmp_path / "core.csv")
    assert tiles.boxes is not None
    assert (tiles.boxes.tolist(), tiles.labels) == ([[0, 0], [16, 0]], ("", ""))
    with pytest.raises(InterchangeError, match="too little for one tile of 32 px"):
        write_tile_lists(replace(job, cut=32))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"columns": COLUMNS | {"age": "x"}}, "column role 'age' is unknown"),
        ({"columns": {"image": "name"}}, "has no column 'name'"),
        ({"columns": {"image": "file"}}, "neither a slide nor a patient is named"),
        ({"columns": COLUMNS | {"x": "file"}}, "x is 't0.png'; whole pixels"),
        ({"columns": COLUMNS | {"slide": "file"}}, None),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, changed, said):
    job = replace(write_table(tmp_path, archive=True), **changed)
    if said is None:
        assert write_tile_lists(job).slides == 4
        return
    with pytest.raises(InterchangeError, match=said):
        write_tile_lists(job)


@pytest.mark.parametrize("name", ["../x", "manifest", "a b", ""])
def test_a_slide_that_cannot_name_a_file_is_refused(tmp_path, name):
    job = write_table(tmp_path, archive=True, rows=[("t0.png", name, 0, 0, "0")])
    with pytest.raises(InterchangeError, match="are allowed, and not 'manifest'"):
        write_tile_lists(replace(job, columns=COLUMNS | {"slide": "case"}))


@pytest.mark.parametrize("archive", [False, True])
@pytest.mark.parametrize("image", ["t9.png", "../tiles.csv"])
def test_an_image_that_is_not_there_or_outside_is_refused(tmp_path, archive, image):
    job = write_table(tmp_path, archive=archive, rows=[(image, "07", 0, 0, "0")])
    with pytest.raises(InterchangeError):
        write_tile_lists(job)
