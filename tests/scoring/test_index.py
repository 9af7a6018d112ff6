"""The index: what it names is loaded in order, and every problem is told with its row."""

import numpy as np
import pytest
from PIL import Image

from tasks.scoring.errors import ScoringError
from tasks.scoring.index import read_index

IMAGES = np.random.default_rng(0).integers(0, 256, size=(3, 4, 5, 3)).astype(np.uint8)
MAPS = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
HEADER = "image,target,explainer,attribution"


@pytest.fixture
def folder(tmp_path):
    for number, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        np.save(tmp_path / f"{number}.npy", np.moveaxis(image, 2, 0))
    np.save(tmp_path / "a.npy", MAPS[0])
    np.savez(tmp_path / "b.npz", b=MAPS[1])
    np.save(tmp_path / "mask.npy", np.arange(20).reshape(4, 5) % 2)
    np.save(tmp_path / "other.npy", np.zeros((3, 4, 6), np.uint8))
    np.save(tmp_path / "floats.npy", np.zeros((4, 5)))
    np.save(tmp_path / "cube.npy", np.zeros((4, 4, 5), np.uint8))
    return tmp_path


def index(folder, *lines, header=HEADER):
    path = folder / "index.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def rows(explainer="a", file="a.npy"):
    return [f"{number}.png,{number % 2},{explainer},{file}:{number}" for number in range(3)]


def test_images_and_maps_come_in_the_order_of_the_first_rows(folder):
    """The maps of the second explainer stand in another order; each belongs to its image."""
    found = read_index(index(folder, *rows(), "", *reversed(rows("b", "b.npz"))))
    assert found.keys == ("0.png", "1.png", "2.png")
    assert np.array_equal(found.images, np.moveaxis(IMAGES, 3, 1))
    assert found.targets.tolist() == [0, 1, 0]
    assert found.patients == ("", "", "")
    assert found.masks == {}
    assert list(found.attributions) == ["a", "b"]
    assert np.array_equal(np.stack(list(found.attributions.values())), MAPS)


def test_channels_may_come_first(folder):
    lines = [line.replace(".png", ".npy") for line in rows()]
    assert np.array_equal(read_index(index(folder, *lines)).images, np.moveaxis(IMAGES, 3, 1))


def test_a_mask_that_is_not_named_marks_nothing_and_all_is_tissue(folder):
    header = HEADER + ",patient,evidence,tissue"
    ends = (",p,mask.npy,", ",p,,mask.npy", ",q,,")
    lines = [line + end for line, end in zip(rows(), ends, strict=True)]
    found = read_index(index(folder, *lines, header=header))
    mask = np.arange(20).reshape(4, 5) % 2 > 0
    none, full = np.zeros_like(mask), np.ones_like(mask)
    assert np.array_equal(found.masks["evidence"], [mask, none, none])
    assert np.array_equal(found.masks["tissue"], [full, mask, full])
    assert found.patients == ("p", "p", "q")
    assert set(found.masks) == {"evidence", "tissue"}


def test_every_problem_of_the_rows_is_told_at_once(folder):
    lines = ["0.png,one,a,a.npy:0", "1.png,1,,a.npy:1", ",1,a b,a.npy:2"]
    with pytest.raises(ScoringError) as told:
        read_index(index(folder, *lines))
    assert str(told.value).splitlines() == [
        "row 2: target 'one' is no class; needed its number, counted from 0",
        "row 3: explainer is empty",
        "row 4: image is empty",
        "row 4: an explainer is called 'a b'; its name may hold letters, digits, '_' and '-' only, "
        "and may not be 'model'",
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*rows(), "0.png,0,a,a.npy:0"], "row 5: 'a' explains image '0.png' in row 2 already"),
        ([*rows(), "0.png,1,b,a.npy:0"], "row 5: the target of image '0.png' is another one in row 2"),
        ([*rows(), "0.png,0,b,a.npy:0"], "'b' explains 2 images too few, the first of them '1.png'"),
        ([], "index.csv: no map follows the header"),
        (["other.npy,0,a,a.npy:0"], r"image 'other.npy' has shape|attribution 'a.npy:0' has shape \[4, 5\]"),
        (
            ["cube.npy,0,a,a.npy:0"],
            r"image 'cube.npy' has shape \[4, 4, 5\]; needed \[3, H, W\] or \[H, W, 3\]",
        ),
        ([*rows(), "other.npy,0,a,a.npy:0"], "image 'other.npy' is uint8 .*, unlike '0.png', which is uint8"),
        (["0.png,0,a,a.npy"], r"attribution 'a.npy' has shape \[3, 4, 5\]; its image is \[4, 5\]"),
        (["0.png,0,a,0.png"], "attribution '0.png' is a picture; needed the raw values, as .npy or .npz"),
        (["0.png,0,a,../a.npy"], "'../a.npy' lies outside the folder of the index"),
    ],
)
def test_rows_that_do_not_belong_together(folder, lines, said):
    with pytest.raises(ScoringError, match=said):
        read_index(index(folder, *lines))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("image,target,explainer", "index.csv: column 'attribution' is missing"),
        (HEADER + ",mask", "index.csv: no column 'mask'; the columns are: image, target"),
        (HEADER + ",image", "index.csv: column 'image' stands twice"),
    ],
)
def test_columns_that_are_none(folder, header, said):
    with pytest.raises(ScoringError, match=said):
        read_index(index(folder, *rows(), header=header))


def test_a_mask_is_whole_numbers(folder):
    with pytest.raises(
        ScoringError, match=r"evidence 'floats.npy' is float64; needed booleans or whole numbers"
    ):
        read_index(index(folder, rows()[0] + ",floats.npy", header=HEADER + ",evidence"))


def test_many_problems_are_counted(folder):
    with pytest.raises(ScoringError) as told:
        read_index(index(folder, *[f"{number}.png,x,a,a.npy" for number in range(50)]))
    assert len(str(told.value).splitlines()) == 21
    assert str(told.value).endswith("and 30 more of the kind")


def test_no_index_and_no_text(folder):
    with pytest.raises(ScoringError, match=r"there is no index none.csv"):
        read_index(folder / "none.csv")
    (folder / "index.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScoringError, match=r"index.csv is not UTF-8"):
        read_index(folder / "index.csv")
