"""What an HDF5 file names elsewhere is not read, and sizes that it cannot hold are not believed."""

import h5py
import numpy as np
import pytest

from tasks.slides.coordinates import read_coordinates
from tasks.slides.errors import SlideError
from tasks.slides.feature_files import read_feature_file
from tests._support.foreign_features import CORNERS, FEATURES


def linked(path, other):
    with h5py.File(other, "w") as file:
        file["features"], file["coords"] = FEATURES, CORNERS
    with h5py.File(path, "w") as file:
        file["coords"] = CORNERS
        file["features"] = h5py.ExternalLink(other.name, "features")


def external(path, other):
    other.write_bytes(b"secret of another file, of 96 bytes".ljust(96))
    with h5py.File(path, "w") as file:
        file["coords"] = CORNERS
        file.create_dataset("features", (4, 6), "f4", external=[(str(other), 0, 96)])


def virtual(path, other):
    linked(path.with_name("x.h5"), other)
    layout = h5py.VirtualLayout((4, 6), "f4")
    layout[:] = h5py.VirtualSource(other, "features", (4, 6))
    with h5py.File(path, "w") as file:
        file["coords"] = CORNERS
        file.create_virtual_dataset("features", layout)


@pytest.mark.parametrize("write", [linked, external, virtual])
def test_features_that_lie_in_another_file_are_refused(tmp_path, write):
    write(tmp_path / "a.h5", tmp_path / "other.h5")
    with pytest.raises(SlideError, match=r"a\.h5: 'features' lies in another file"):
        read_feature_file(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["features", "coords"])
def test_a_size_that_no_file_of_its_length_holds_is_not_believed(tmp_path, name):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for each, width in (("features", 6), ("coords", 2)):
            rows = 10**12 if each == name else 4
            file.create_dataset(each, (rows, width), "f4", chunks=(4, width), fillvalue=0)
        file["coords"].attrs["patch_size_level0"] = 512
    with pytest.raises(SlideError, match=rf"'{name}' is said to be \[1000000000000, \d\], \d.* cannot hold"):
        read_feature_file(tmp_path / "a.h5")
    if name == "coords":
        with pytest.raises(SlideError, match="cannot hold"):
            read_coordinates(tmp_path / "a.h5", None)


def test_much_that_is_equal_packs_well_and_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("features", data=np.zeros((4, 20_000), np.float32), compression="gzip")
        file["coords"] = CORNERS
    assert read_feature_file(tmp_path / "a.h5").dim == 20_000
