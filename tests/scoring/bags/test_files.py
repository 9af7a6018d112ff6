"""Features in files: formats, shapes and what is wrong with them."""

import h5py
import numpy as np
import pytest

from tasks.scoring.bags.files import read_bags, read_scores
from tasks.scoring.bags.tile_table import read_tile_table
from tasks.scoring.errors import ScoringError
from tests._support.brought_bags import D, features, places, write_bag


@pytest.mark.parametrize("suffix", [".h5", ".npy", ".zarr", ".pt"])
def test_each_format_gives_what_was_written(tmp_path, suffix):
    for name, bag in features().items():
        write_bag(tmp_path / f"{name}{suffix}", bag)
    bags = read_bags(tmp_path)
    assert bags.names == tuple(features())
    for place, (name, bag) in enumerate(features().items()):
        np.testing.assert_array_equal(bags.features[place], bag)
        assert bags.counts[place] == len(bag)
        assert len(set(bags.tile_ids[place])) == len(bag)
        if suffix in (".h5", ".zarr"):
            np.testing.assert_array_equal(bags.about[place][:, :2], places(len(bag)))
            assert bags.tile_ids[place][0] == f"{name}/0_0"
        else:
            assert np.isnan(bags.about[place]).all()
    assert len(bags.tile_classes) == 0
    assert len(read_bags(tmp_path / f"s0{suffix}").names) == 1


def test_half_precision_becomes_float32_and_values_that_are_not_finite_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, D), np.float16))
    np.save(tmp_path / "b.npy", np.full((3, D), np.nan, np.float32))
    bags = read_bags(tmp_path)
    assert bags.features[0].dtype == np.float32
    with pytest.raises(ScoringError, match="features of 'b' hold values that are not finite"):
        bags.features[1]


def test_what_is_wrong_with_files_is_said(tmp_path):
    with pytest.raises(ScoringError, match="there is no file or folder none"):
        read_bags(tmp_path / "none")
    with pytest.raises(ScoringError, match="holds no file of features"):
        read_bags(tmp_path)
    np.save(tmp_path / "a.npy", np.ones((3, D)))
    np.save(tmp_path / "b.npy", np.ones((3, D + 1)))
    with pytest.raises(ScoringError, match="have 6 numbers per tile on slide 'a' and 7 on slide 'b'"):
        read_bags(tmp_path)
    np.save(tmp_path / "b.npy", np.ones(3))
    with pytest.raises(ScoringError, match=r"b.npy holds features of shape \[3\]"):
        read_bags(tmp_path)
    (tmp_path / "b.npy").write_bytes(b"nothing")
    with pytest.raises(ScoringError, match=r"b\.npy cannot be read"):
        read_bags(tmp_path)
    (tmp_path / "b.npy").unlink()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["embeddings"] = np.ones((3, D))
    with pytest.raises(ScoringError, match=r"two of one slide|holds none of features, feats"):
        read_bags(tmp_path)
    (tmp_path / "a.npy").unlink()
    with pytest.raises(ScoringError, match=r"a\.h5 holds none of features, feats; it holds embeddings"):
        read_bags(tmp_path)


def test_scores_are_needed_of_every_slide(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3.0))
    assert read_scores(tmp_path, ["a"])["a"].tolist() == [0, 1, 2]
    with pytest.raises(ScoringError, match="holds no map of slide 'b'"):
        read_scores(tmp_path, ["a", "b"])


def test_a_table_of_tiles_adds_labels_and_darkness_by_place_or_coordinates(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    for name in ("s0", "s1"):
        write_bag(folder / f"{name}.h5", features()[name])
    table = tmp_path / "tiles.csv"
    table.write_text("slide_id,x,y,label,darkness\ns0,256,0,b,0.5\ns0,0,256,,0.25\n")
    bags = read_bags(folder, read_tile_table(table), ("a", "b"))
    assert bags.tile_classes[0].tolist() == [-1, 1, *[-1] * 18]
    assert bags.about[0][[1, 5], 2].tolist() == [0.5, 0.25]
    assert np.isnan(bags.about[0][0, 2])
    assert set(bags.tile_classes[1].tolist()) == {-1}
    table.write_text("slide_id,tile,label\ns1,3,a\n")
    assert read_bags(folder, read_tile_table(table), ("a", "b")).tile_classes[1][3] == 0
