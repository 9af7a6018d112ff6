"""Slides of an object store: fetched with all their files, looked at once, held while open."""

import gc
import uuid
from pathlib import Path

import pytest

from flows.input_hashes import InputHashes
from tasks.artifacts.backends.address import read_address
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.errors import StoreAddressError, StoreError
from tasks.slides.errors import ManifestError
from tasks.slides.manifest import load_manifest
from tasks.slides.mirror import mirror_for, mirror_of, on_disk, size_of
from tasks.slides.opening import Opening
from tests._support.studies import tiny_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture
def url(cohort):
    """A data root in memory that holds the files of a small cohort."""
    address = f"memory://{uuid.uuid4().hex}/cohort"
    root = cohort.parent
    files = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    Bucket(read_address(address)).upload(files)
    return address


@pytest.fixture
def mirror(url, tmp_path):
    return mirror_for(url, tmp_path / "home", 1.0)


def loaded(cohort, mirror, home):
    return load_manifest(cohort, mirror.files, frozenset(), InputHashes(home))


def test_a_manifest_reads_the_same_from_a_url_and_a_folder(cohort, mirror, tmp_path):
    there = load_manifest(cohort, cohort.parent, frozenset(), InputHashes(tmp_path / "other"))
    assert loaded(cohort, mirror, tmp_path / "home") == there


def test_urls_below_the_data_root_are_paths_that_start_from_it(cohort, mirror, url, tmp_path):
    csv = tmp_path / "urls.csv"
    csv.write_text(cohort.read_text().replace("slides/", f"{url}/slides/"))
    assert loaded(csv, mirror, tmp_path / "home") == loaded(cohort, mirror, tmp_path / "home")


@pytest.mark.parametrize(
    "path", ["slides/../slides/phantom_01_1.tiff", "memory://other/a.tiff", "/etc/passwd"]
)
def test_no_path_leaves_the_data_root(cohort, mirror, tmp_path, path):
    csv = tmp_path / "bad.csv"
    csv.write_text(cohort.read_text().replace("slides/phantom_01_1.tiff", path))
    with pytest.raises(ManifestError, match="leaves the data root"):
        loaded(csv, mirror, tmp_path / "home")


def test_a_url_needs_a_data_root_that_is_one(cohort, tmp_path):
    csv = tmp_path / "urls.csv"
    csv.write_text(cohort.read_text().replace("slides/", "s3://bucket/slides/"))
    with pytest.raises(ManifestError, match="leaves the data root"):
        load_manifest(csv, cohort.parent, frozenset(), InputHashes(tmp_path))


def test_a_file_that_is_not_there_is_told(cohort, mirror, tmp_path):
    csv = tmp_path / "bad.csv"
    csv.write_text(cohort.read_text().replace("phantom_01_1.tiff", "absent.tiff"))
    with pytest.raises(ManifestError, match=r"'slides/absent.tiff' is not there"):
        loaded(csv, mirror, tmp_path / "home")


def test_what_was_looked_at_once_is_never_fetched_again(cohort, mirror, tmp_path, monkeypatch):
    first = loaded(cohort, mirror, tmp_path / "home")
    monkeypatch.setattr(Bucket, "download", lambda *_: pytest.fail("it is known already"))
    assert loaded(cohort, mirror, tmp_path / "home") == first


def test_an_open_slide_is_held_and_a_closed_one_may_go(cohort, url, tmp_path):
    mirror = mirror_for(url, tmp_path / "home", 1e-9)
    paths = sorted((cohort.parent / "slides").glob("*.tiff"))[:3]
    one, other, third = (mirror.files / path.relative_to(cohort.parent) for path in paths)
    reader = Opening(one, None).open()
    with on_disk([other]):
        assert one.is_file()
        assert other.is_file()
    reader.close()
    del reader
    gc.collect()
    with on_disk([third]):
        assert not one.exists()


def test_mrxs_comes_with_its_folder(mirror):
    mirror._bucket.overwrite("m/slide.mrxs", b"mrxs")
    for name in ("Slidedat.ini", "Data0000.dat", "Index.dat"):
        mirror._bucket.overwrite(f"m/slide/{name}", name.encode())
    mirror._bucket.overwrite("m/another.mrxs", b"mrxs")
    path = mirror.files / "m" / "slide.mrxs"
    with on_disk([path]):
        assert (path.with_suffix("") / "Data0000.dat").read_bytes() == b"Data0000.dat"
        assert not (path.parent / "another.mrxs").exists()
    assert mirror.size(path) == len(b"mrxs" + b"Slidedat.ini" + b"Data0000.dat" + b"Index.dat")


def test_a_tile_list_comes_with_its_images_and_archives(mirror):
    lines = ["image,x,y,width,height", "a.png,0,0,8,8", "tiles.zip/b.png,8,0,8,8"]
    mirror._bucket.overwrite("t/list.csv", "\n".join(lines).encode())
    for name in ("a.png", "tiles.zip", "other.png"):
        mirror._bucket.overwrite(f"t/{name}", b"bytes")
    path = mirror.files / "t" / "list.csv"
    with on_disk([path]):
        assert {p.name for p in path.parent.iterdir()} == {"list.csv", "a.png", "tiles.zip"}


def test_another_process_knows_a_mirror_by_its_folder(mirror):
    assert str(mirror_of(mirror.files / "slides" / "a.tiff").address) == str(mirror.address)
    assert mirror_of(mirror.files) is not None
    assert mirror_of(mirror.files.parent / "other") is None


def test_sizes_are_told_without_fetching(cohort, mirror):
    path = next((cohort.parent / "slides").glob("*.tiff"))
    assert size_of(mirror.files / path.relative_to(cohort.parent)) == path.stat().st_size
    assert size_of(mirror.files / "absent") is None
    assert not list(mirror.files.iterdir())


def test_a_study_goes_on_in_the_home_of_another_machine(cohort, url, tmp_path):
    from flows.open_study import open_study
    from tests._support.studies import tiny_config

    study = open_study(tiny_config(cohort), tmp_path / "one", Path(url))
    there = study.at(tmp_path / "two")
    assert there.store.root == tmp_path / "two" / "store"
    path = there.data_root / there.slides[0].path
    with on_disk([path]):
        assert path.is_relative_to(tmp_path / "two")
        assert path.is_file()


def test_a_missing_file_is_one_sentence(mirror):
    with pytest.raises(StoreError, match=r"holds no slides/absent\.tiff"):
        Opening(mirror.files / "slides" / "absent.tiff", None).open()


def test_a_slide_that_is_larger_than_the_disk_is_refused_before_it_is_fetched(
    cohort, mirror, tmp_path, monkeypatch
):
    from tasks.study.errors import UsageError

    monkeypatch.setattr("shutil.disk_usage", lambda _: type("U", (), {"free": 10})())
    with pytest.raises(UsageError, match="put the home on a larger disk"):
        loaded(cohort, mirror, tmp_path / "home")


def test_a_secret_in_a_data_root_is_refused(tmp_path):
    with pytest.raises(StoreAddressError, match="holds no secret"):
        mirror_for("s3://key:hunter2@bucket/slides", tmp_path, 1.0)
