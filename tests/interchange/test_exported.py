import h5py
import numpy as np
import pytest
import torch

from tasks.artifacts.feature_set import FeatureSet
from tasks.interchange.errors import InterchangeError
from tasks.interchange.exported import export_features
from tasks.interchange.imported import ImportJob, import_slide
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.feature_sets import make_feature_set
from tests._support.on_demand import tiles_in

PRODUCERS = ("trident", "clam", "stamp")


@pytest.mark.parametrize("producer", PRODUCERS)
def test_what_is_exported_is_imported_as_it_was(tmp_path, producer):
    own = make_feature_set(tmp_path / "own", "a", "p", "train", "tumour")
    features, *others = export_features(own, tmp_path / "out", producer)
    row = SlideRow.model_validate({
        "slide_id": "a", "patient_id": "p", "path": "", "split": "train", "mpp": 0.25,
        "features": features.relative_to(tmp_path).as_posix(),
        "coordinates": others[-1].relative_to(tmp_path).as_posix() if others else None,
    })  # fmt: skip
    for name in ("tiles", "again"):
        (tmp_path / name).mkdir()
    tile_slide(row, tmp_path, TilingRecipe(mpp=0.5, tile_px=64), tmp_path / "tiles")
    tiles = tiles_in(tmp_path / "tiles", tmp_path, row)
    import_slide(tiles, ImportJob(features, "tumour", "float32"), tmp_path / "again")
    again = FeatureSet(tmp_path / "again")
    columns = ["tile_id", "x_level0", "y_level0", "extent_level0"]
    assert (
        again.table[columns]
        .astype({"x_level0": int})
        .equals(own.table[columns].astype({"x_level0": int, "y_level0": float, "extent_level0": float}))
    )
    atol = 2e-3 if producer == "stamp" else 0
    np.testing.assert_allclose(again.features(), own.features(), atol=atol)
    assert (again.facts.tile_px, again.facts.mpp, again.facts.level0_mpp) == (64, 0.5, 0.25)


def test_each_layout_has_the_names_that_its_tools_look_for(tmp_path):
    own = make_feature_set(tmp_path / "own", "a", "p", "train", "tumour")
    with h5py.File(export_features(own, tmp_path / "t", "trident")[0]) as file:
        assert file["features"].attrs["encoder"] == "made_up"
        stated = dict(file["coords"].attrs)
        assert (stated["patch_size"], stated["patch_size_level0"], stated["target_magnification"]) == (
            64,
            128,
            20,
        )
    with h5py.File(export_features(own, tmp_path / "s", "stamp")[0]) as file:
        assert (file["feats"].dtype, file.attrs["unit"], file.attrs["tile_size_um"]) == (
            np.float16,
            "um",
            32.0,
        )
    paths = export_features(own, tmp_path / "c", "clam")
    names = [path.relative_to(tmp_path / "c").as_posix() for path in paths]
    assert names == ["h5_files/a.h5", "pt_files/a.pt", "patches/a.h5"]
    np.testing.assert_array_equal(torch.load(paths[1], weights_only=True), own.features())


@pytest.mark.parametrize("producer", PRODUCERS)
def test_equal_features_give_equal_bytes(tmp_path, producer):
    own = make_feature_set(tmp_path / "own", "a", "p", "train", "tumour")
    first, second = (export_features(own, tmp_path / name, producer) for name in "xy")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_what_float16_cannot_hold_is_refused(tmp_path):
    own = make_feature_set(tmp_path / "own", "a", "p", "train", "tumour")
    values = own.features()
    values[3, 2] = 1e6
    np.save(tmp_path / "own" / "features.npy", values)
    with pytest.raises(InterchangeError, match="a: a feature exceeds float16"):
        export_features(own, tmp_path / "out", "stamp")
