import h5py
import numpy as np
import pytest

from tasks.slides.coordinates import TileSide, read_coordinates, write_coordinates
from tasks.slides.errors import SlideError
from tests._support.geometries import geometry_of

GEOMETRY = geometry_of(4000, 3000)
CORNERS = np.array([[0, 0], [512, 0], [100, 1024]])


def written(folder, coords=CORNERS, on_file=(), **attributes):
    """A coordinate file as another tool might write it."""
    path = folder / "slide.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("coords", data=coords)
        made.attrs.update(attributes)
        file.attrs.update(dict(on_file))
    return path


@pytest.mark.parametrize(
    ("attributes", "extent"),
    [
        ({"patch_size": 256, "patch_size_level0": 512, "level0_magnification": 40}, 512),
        ({"patch_size": 256, "patch_level": 0}, 256),
        ({"patch_size": 256, "patch_level": 1, "downsample": (4.0, 4.0)}, 1024),
        ({"patch_size": 256, "patch_level": 0, "downsample": 1.0}, 256),
    ],
)
def test_the_size_of_a_tile_comes_from_what_the_tool_states(tmp_path, attributes, extent):
    found = read_coordinates(written(tmp_path, **attributes), GEOMETRY)
    assert found.extent == extent
    np.testing.assert_array_equal(np.stack([found.x, found.y], 1), CORNERS)


def test_attributes_of_the_file_count_as_well(tmp_path):
    path = written(tmp_path, on_file={"patch_size_level0": 300})
    assert read_coordinates(path, GEOMETRY).extent == 300


@pytest.mark.parametrize("kind", [np.int32, np.uint64, np.float32])
def test_numbers_of_any_kind_are_read(tmp_path, kind):
    found = read_coordinates(written(tmp_path, CORNERS.astype(kind), patch_size_level0=256), GEOMETRY)
    assert found.x.dtype == np.float64
    np.testing.assert_array_equal(found.y, CORNERS[:, 1])


@pytest.mark.parametrize("layout", ["clam", "trident"])
def test_what_is_written_is_read_back_in_equal_bytes(tmp_path, layout):
    x, y = np.arange(10000) % 100 * 30.25, np.arange(10000) // 100 * 25.0
    side = TileSide(pixels=224, level0=447.6, stride_level0=30.0)
    for name in ("a.h5", "b.h5"):
        folder = tmp_path / name[0]
        folder.mkdir()
        write_coordinates(folder / "slide.h5", x, y, side, layout, GEOMETRY)
    assert (tmp_path / "a/slide.h5").read_bytes() == (tmp_path / "b/slide.h5").read_bytes()
    found = read_coordinates(tmp_path / "a/slide.h5", GEOMETRY)
    np.testing.assert_array_equal(found.x, np.rint(x))
    np.testing.assert_array_equal(found.y, y)
    assert found.extent == 448
    with h5py.File(tmp_path / "a/slide.h5") as file:
        assert file["coords"].dtype == np.int64
        assert file["coords"].chunks == (4096, 2)
        assert str(tmp_path) not in str(dict(file["coords"].attrs))


def test_the_attributes_are_those_that_the_tools_read(tmp_path):
    side = TileSide(pixels=256, level0=512.0, stride_level0=384.0)
    for layout in ("clam", "trident"):
        write_coordinates(
            tmp_path / f"{layout}.h5",
            np.zeros(1),
            np.zeros(1),
            side,
            layout,
            geometry_of(4000, 3000, mpp=0.25),
        )
    with h5py.File(tmp_path / "trident.h5") as file:
        stated = dict(file["coords"].attrs)
    assert {name: int(stated[name]) for name in ("patch_size", "patch_size_level0", "overlap")} == {
        "patch_size": 256, "patch_size_level0": 512, "overlap": 64,
    }  # fmt: skip
    assert (stated["level0_magnification"], stated["target_magnification"]) == (40, 20)
    assert (stated["level0_width"], stated["level0_height"]) == (4000, 3000)
    with h5py.File(tmp_path / "clam.h5") as file:
        stated = dict(file["coords"].attrs)
    assert (stated["patch_size"], stated["patch_level"], stated["name"]) == (512, 0, "clam")


@pytest.mark.parametrize(
    ("coords", "attributes", "words"),
    [
        (CORNERS, {}, "the size of the tiles is not stated, .* there are: no attributes"),
        (CORNERS, {"patch_size": 256}, "the size of the tiles is not stated, .* there are: patch_size"),
        (CORNERS, {"patch_size_level0": 0}, "patch_size_level0 is 0, a number above 0 is needed"),
        (
            CORNERS,
            {"patch_size": 256, "patch_level": 9},
            "patch_level is 9, and the slide has the levels 0 to",
        ),
        (CORNERS, {"patch_size_level0": 256, "level0_width": 999}, "has 4000; it was made for another slide"),
        (CORNERS[:, :1], {"patch_size_level0": 256}, r"finite numbers \[N, 2\] with N above 0, not \[3, 1\]"),
        (CORNERS[:0], {"patch_size_level0": 256}, r"finite numbers .* not \[0, 2\]"),
        (np.full((2, 2), np.nan), {"patch_size_level0": 256}, "finite numbers"),
        (
            CORNERS + np.array([4000, 0]),
            {"patch_size_level0": 256},
            r"3 of 3 tiles start outside .* at \(4000, 0\)",
        ),
        (
            CORNERS - np.array([1, 0]),
            {"patch_size_level0": 256},
            r"1 of 3 tiles start outside .* at \(-1, 0\)",
        ),
        (CORNERS[[0, 1, 1]], {"patch_size_level0": 256}, "1 positions of 3 tiles of 256 px stand twice"),
    ],
)
def test_what_cannot_be_right_is_one_sentence(tmp_path, coords, attributes, words):
    with pytest.raises(SlideError, match=f"slide.h5: .*{words}"):
        read_coordinates(written(tmp_path, coords, **attributes), GEOMETRY)


def test_other_files_are_refused_without_their_folder(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file["features"] = np.zeros((3, 8))
    for name, words in (
        ("none.h5", "there is no such coordinate file"),
        ("text.h5", "is no HDF5 file that can be read"),
        ("features.h5", r"there is no data set 'coords', only \['features'\]"),
    ):
        with pytest.raises(SlideError, match=words) as caught:
            read_coordinates(tmp_path / name, GEOMETRY)
        assert str(tmp_path) not in str(caught.value)
