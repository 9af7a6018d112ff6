"""No path leads out of the folder that the user named: not by links, dots, drives, addresses or archives."""

import zipfile

import pytest

from flows.input_hashes import InputHashes
from tasks.interchange.errors import InterchangeError
from tasks.interchange.feature_trees import FeatureTreeJob, write_feature_manifest
from tasks.interchange.tile_tables import TileTableJob, write_tile_lists
from tasks.scoring.array_files import ArrayFiles
from tasks.scoring.errors import ScoringError
from tasks.slides.errors import ManifestError, SlideError
from tasks.slides.manifest import load_manifest
from tasks.slides.slide_files import slide_files
from tasks.slides.tile_lists.images import image_pixels
from tasks.slides.tile_lists.tile_list import read_tile_list
from tests._support.foreign_features import write_trident
from tests._support.tile_images import png, tile_pixels

ESCAPES = (
    "../outside.png", "a/../../outside.png", "/etc/passwd", "link.png", "linked/outside.png",
    "C:\\outside.png", "\\\\host\\share\\x.png", "..\\outside.png", "file:///etc/passwd",
    "http://127.0.0.1:9/x.png", "s3://bucket/x.png", "~/outside.png",
)  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "outside.png").write_bytes(png(tile_pixels(0)))
    (tmp_path / "outside.npy").write_bytes(b"x")
    (tmp_path / "root" / "link.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "root" / "linked").symlink_to(tmp_path)
    return tmp_path / "root"


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("column", ["path", "annotation", "evidence", "points", "coordinates", "features"])
def test_a_manifest_names_no_file_outside_of_the_data_root(root, tmp_path, path, column):
    (root / "a.tif").write_bytes(b"x")
    cells = {"path": "a.tif", column: path}
    (root / "m.csv").write_text(
        f"slide_id,patient_id,split,{','.join(cells)}\ns,p,train,{','.join(cells.values())}\n"
    )
    with pytest.raises(ManifestError, match=r"leaves the data root|no path below|is not there|an \.h5 is"):
        load_manifest(root / "m.csv", root, frozenset(), InputHashes(tmp_path / "home"))


@pytest.mark.parametrize("path", ESCAPES)
def test_a_tile_list_names_no_image_outside_of_its_folder(root, path):
    (root / "l.csv").write_text(f"image,x,y,width,height\n{path},0,0,16,16\n")
    with pytest.raises(SlideError, match=r"below the folder of the list|leads out|there is no image"):
        image_pixels(root, read_tile_list(root / "l.csv").images[0])


@pytest.mark.parametrize("path", [*ESCAPES, "outside.npy:0", "../outside.npy"])
def test_an_index_of_maps_names_no_array_outside_of_its_folder(root, path):
    with pytest.raises(ScoringError, match=r"outside the folder|there is no file"):
        ArrayFiles(root).read(path)


def test_an_entry_of_an_archive_is_read_by_its_name_and_written_nowhere(root):
    with zipfile.ZipFile(root / "z.zip", "w") as archive:
        for name in ("../evil.png", "/etc/evil.png"):
            archive.writestr(name, png(tile_pixels(1)))
    before = sorted(path for path in root.parent.rglob("*"))
    (root / "l.csv").write_text("image,x,y,width,height\nz.zip/../evil.png,0,0,16,16\n")
    with pytest.raises(SlideError, match="below the folder of the list"):
        read_tile_list(root / "l.csv")
    assert sorted(path for path in root.parent.rglob("*") if path.name != "l.csv") == before


def test_images_are_copied_from_and_to_their_folders_alone(root, tmp_path):
    (root / "t.csv").write_text("image,slide,patient\n../outside.png,a,p\n")
    with pytest.raises(InterchangeError, match="leads out of the folder of images"):
        write_tile_lists(TileTableJob(root / "t.csv", root, tmp_path / "out", 0.5, copy=True))
    assert not list((tmp_path / "out").rglob("*.png"))


def test_a_slide_id_that_is_a_path_names_no_file(root, tmp_path):
    (root / "t.png").write_bytes(png(tile_pixels(0)))
    (root / "t.csv").write_text("image,slide,patient\nt.png,../../a,p\n")
    with pytest.raises(InterchangeError, match="letters, digits"):
        write_tile_lists(TileTableJob(root / "t.csv", root, root, 0.5))


def test_a_feature_file_that_is_a_link_to_elsewhere_is_refused(root, tmp_path):
    write_trident(tmp_path / "x.h5")
    (root / "x.h5").symlink_to(tmp_path / "x.h5")
    (tmp_path / "t.csv").write_text("slide,patient,label,split\nx,p,a,train\n")
    with pytest.raises(InterchangeError, match=r"x\.h5 is a link that leads out of root"):
        write_feature_manifest(FeatureTreeJob(root, "trident", tmp_path / "t.csv", tmp_path / "out"))


def test_an_index_of_a_slide_names_files_of_its_folder_alone(root):
    (root / "s.mrxs").write_bytes(b"")
    (root / "s").mkdir()
    (root / "s" / "Slidedat.ini").write_text(
        "[DATAFILE]\nFILE_0 = ../../outside.png\nFILE_1 = /etc/passwd\nFILE_2 = a.dat\n"
    )
    (root / "s" / "a.dat").write_bytes(b"x")
    assert [name for name, _ in slide_files(root / "s.mrxs", lambda _: {})] == ["", "Slidedat.ini", "a.dat"]
