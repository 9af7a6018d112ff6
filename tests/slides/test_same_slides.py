"""One slide in two rows is found by bytes, by its files and by likeness; two slides are never one."""

import shutil

import numpy as np
import pytest
import tifffile

from tasks.slides.row import SlideRow
from tasks.slides.same_slides import same_slides, suspects, wrong_checksums
from tests._support.dicom_headers import dicom_file
from tests._support.mrxs import write_mrxs
from tests._support.slide_files import glass, noise, write_slide
from tests._support.slide_inputs import PlainInputs


def told(folder, *names, inputs=None):
    inputs = inputs or PlainInputs()
    rows = {
        number: SlideRow(slide_id=f"s{number}", patient_id="p", path=name, split="train")
        for number, name in enumerate(names, start=2)
    }
    paths = {number: folder / row.path for number, row in rows.items()}
    contents = {number: inputs.contents([path])[path] for number, path in paths.items()}
    return same_slides(rows, paths, contents, inputs)


def test_equal_bytes_are_one_slide(tmp_path):
    for name in ("a.tiff", "b.tiff"):
        write_slide(tmp_path / name, noise(256, 256))
    assert told(tmp_path, "a.tiff", "b.tiff") == [(3, "slide 's3' has the same bytes as 's2' in row 2")]
    assert told(tmp_path, "a.tiff", "a.tiff") == [(3, "slide 's3' has the same bytes as 's2' in row 2")]


def test_a_copy_with_other_bytes_that_show_nothing_is_one_slide(tmp_path):
    write_slide(tmp_path / "a.tiff", noise(256, 256))
    shutil.copy(tmp_path / "a.tiff", tmp_path / "b.tiff")
    with (tmp_path / "b.tiff").open("ab") as stream:
        stream.write(b"a label was here")
    ((row, sentence),) = told(tmp_path, "a.tiff", "b.tiff")
    assert row == 3
    assert sentence.startswith(
        "slide 's3' is the slide 's2' of row 2 in another file: openslide.quickhash-1,"
    )


def test_slides_that_agree_in_their_coarsest_level_alone_are_two(tmp_path):
    for name, square in (("a.tiff", (10, 10)), ("b.tiff", (200, 300)), ("c.tiff", (400, 400))):
        level0 = glass(512, 512)
        level0[square[0] : square[0] + 90, square[1] : square[1] + 90] = noise(90, 90)
        small = np.full((16, 16, 3), 245, dtype=np.uint8)
        with tifffile.TiffWriter(tmp_path / name) as writer:
            for level in (level0, small):
                writer.write(
                    level, tile=(128, 128), photometric="rgb", compression="deflate", metadata=None,
                    subfiletype=int(level is small),
                )  # fmt: skip
    inputs = PlainInputs()
    assert (
        len({inputs.facts([tmp_path / n])[tmp_path / n].likeness for n in ("a.tiff", "b.tiff", "c.tiff")})
        == 1
    )
    assert told(tmp_path, "a.tiff", "b.tiff", "c.tiff", inputs=inputs) == []
    assert inputs.sampled == {"a.tiff": 1, "b.tiff": 1, "c.tiff": 1}, "each is looked at once, not in pairs"


def test_pixels_are_not_looked_at_where_likenesses_differ(tmp_path):
    for seed, name in enumerate(("a.tiff", "b.tiff")):
        write_slide(tmp_path / name, noise(256, 256, seed))
    inputs = PlainInputs()
    assert told(tmp_path, "a.tiff", "b.tiff", inputs=inputs) == []
    assert not inputs.sampled


def test_two_blanked_mrxs_with_other_folders_are_two_slides(tmp_path):
    for seed, name in enumerate(("a", "b", "c")):
        write_mrxs(tmp_path / f"{name}.mrxs", noise(128, 128, seed), slide=name.upper() * 32)
    assert told(tmp_path, "a.mrxs", "b.mrxs", "c.mrxs") == []
    shutil.copy(tmp_path / "a.mrxs", tmp_path / "d.mrxs")
    shutil.copytree(tmp_path / "a", tmp_path / "d")
    assert told(tmp_path, "a.mrxs", "d.mrxs") == [(3, "slide 's3' has the same bytes as 's2' in row 2")]


@pytest.mark.parametrize("names", [("a.dcm", "b.dcm"), ("b.dcm", "c.dcm"), ("c.dcm", "a.dcm")])
def test_files_of_one_series_are_one_slide_although_none_can_be_opened(tmp_path, names):
    for name in ("a.dcm", "b.dcm", "c.dcm"):
        (tmp_path / name).write_bytes(dicom_file("explicit", "1.2.3", name.encode()))
    (tmp_path / "d.dcm").write_bytes(dicom_file("explicit", "1.2.4"))
    ((row, sentence),) = told(tmp_path, names[0], "d.dcm", names[1])
    assert row == 4
    assert sentence == (
        f"the slides {names[1]!r} and, in row 2, {names[0]!r} are files of one slide; name it in one row, "
        "by any of its files"
    )


def test_only_bytes_that_decide_something_are_suspect(tmp_path):
    for name, text in (("a", "1234"), ("b", "5678"), ("c", "longer"), ("d", "longest")):
        (tmp_path / name).write_text(text)
    rows = {
        number: SlideRow(
            slide_id=name, patient_id="p", path=name, split="train", sha256="0" * 64 if name == "d" else None
        )
        for number, name in enumerate("abcd", start=2)
    }
    paths = {number: tmp_path / row.path for number, row in rows.items()}
    assert set(suspects(rows, paths)) == {2, 3, 5}
    contents = PlainInputs().contents([tmp_path / "d"])
    ((row, sentence),) = wrong_checksums(rows, {5: contents[tmp_path / "d"]})
    assert row == 5
    assert sentence.endswith(f"the manifest says {'0' * 64}")
