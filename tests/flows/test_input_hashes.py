"""No file is read twice: not after an error, not after a kill, and all files of a slide count."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flows.input_hashes import InputHashes, signature
from tasks.slides.content import SlideContent, digest_of_files
from tests._support.dicom_headers import dicom_file
from tests._support.mrxs import write_mrxs
from tests._support.slide_files import noise, write_slide
from tests._support.tile_images import png, tile_pixels, write_tiles

ROOT = Path(__file__).parents[2]


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def reads(monkeypatch):
    """Count the files whose bytes are hashed."""
    counted = []
    real = InputHashes._hash
    monkeypatch.setattr(
        InputHashes,
        "_hash",
        lambda self, path, *rest: (counted.append(path.name), real(self, path, *rest))[1],
    )
    return counted


@pytest.fixture
def opened(monkeypatch):
    """Count the slides that are opened."""
    counted = []
    from tasks.slides.slide_facts import facts_of

    monkeypatch.setattr(
        "flows.input_hashes.facts_of", lambda path: (counted.append(path.name), facts_of(path))[1]
    )
    return counted


@pytest.fixture(autouse=True)
def _written_long_ago(request, monkeypatch):
    """Let no file of a test count as one that changed a moment ago."""
    if "clock" not in request.fixturenames:
        monkeypatch.setattr("flows.input_hashes._TICK_S", 0.0)


@pytest.fixture
def clock(monkeypatch):
    """Set the clock of this process."""
    return lambda seconds: monkeypatch.setattr("flows.input_hashes.time.time", lambda: seconds)


def test_a_file_that_changes_twice_at_one_time_is_read_again(tmp_path, clock):
    file = tmp_path / "a.bin"
    for text, now in ((b"one", 1000.0), (b"two", 1000.0), (b"six", 1001.0)):
        file.write_bytes(text)
        os.utime(file, (1000, 1000))
        clock(now)
        assert InputHashes(tmp_path / "home").file(file) == sha(text)


@pytest.mark.parametrize("now", [999_000.0, 1_001_000.0])
def test_a_file_of_another_time_is_read_once_though_the_clock_went_back(tmp_path, reads, clock, now):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    os.utime(file, (1_000_000, 1_000_000))
    clock(now)
    for _ in range(2):
        assert InputHashes(tmp_path / "home").file(file) == sha(b"one")
    assert reads == ["a.bin"]
    file.write_bytes(b"two")
    os.utime(file, (now, now))
    assert InputHashes(tmp_path / "home").file(file) == sha(b"two")


def test_files_are_read_once_and_again_when_touched(tmp_path, reads):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    assert InputHashes(tmp_path).file(file) == sha(b"one")
    assert InputHashes(tmp_path).file(file) == sha(b"one")
    assert reads == ["a.bin"]
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert InputHashes(tmp_path).file(file) == sha(b"two")
    other = tmp_path / "new.bin"
    other.write_bytes(b"six")
    os.utime(other, ns=(1, 1))
    other.replace(file)  # of equal size and time, but another file
    assert InputHashes(tmp_path).file(file) == sha(b"six")
    assert len(reads) == 3


def test_what_was_read_before_an_error_is_kept(tmp_path, reads):
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
    with pytest.raises(OSError, match="No such file"):
        InputHashes(tmp_path).all_files([tmp_path / name for name in ("a", "gone", "b", "c")])
    assert sorted(reads) == ["a", "b", "c"]
    assert set(InputHashes(tmp_path).all_files(tmp_path / name for name in "abc").values()) == {
        sha(n) for n in (b"a", b"b", b"c")
    }
    assert len(reads) == 3


def test_a_file_that_is_written_while_it_is_read_is_not_kept(tmp_path, monkeypatch):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    keys = iter([signature(file), "changed", signature(file), signature(file)])
    monkeypatch.setattr("flows.input_hashes.signature", lambda path: next(keys))
    hashes = InputHashes(tmp_path)
    hashes.file(file)
    assert len(hashes._hashes) == 0


def test_hashes_of_an_earlier_version_are_taken_over(tmp_path, reads):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    (tmp_path / "work").mkdir()
    key = signature(file).rpartition("|")[0]
    (tmp_path / "work" / "file_hashes.json").write_text(json.dumps({key: "kept"}))
    assert InputHashes(tmp_path).file(file) == "kept"
    (tmp_path / "work" / "file_hashes.json").write_text('{"a')
    assert InputHashes(tmp_path).file(file) == sha(b"one")
    assert reads == ["a"]


def test_a_slide_of_one_file_has_the_digest_of_that_file(tmp_path):
    path = write_slide(tmp_path / "a.tiff", noise(64, 64))
    own = sha(path.read_bytes())
    assert InputHashes(tmp_path).contents([path]) == {path: SlideContent(own, own)}


def test_every_file_of_an_mrxs_counts_and_its_name_does_not(tmp_path):
    path = write_mrxs(tmp_path / "a.mrxs", noise(128, 128))

    def digest(slide=path):
        return InputHashes(tmp_path / "home").contents([slide])[slide].digest

    before = digest()
    for name in ("Data0000.dat", "Index.dat", "Slidedat.ini"):
        member = tmp_path / "a" / name
        kept = member.read_bytes()
        member.write_bytes(kept + b"\n")
        assert digest() != before, name
        member.write_bytes(kept)
        assert digest() == before
    shutil.copy(path, tmp_path / "b.mrxs")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert digest(tmp_path / "b.mrxs") == before


def test_every_file_of_a_series_counts_and_any_stands_for_it(tmp_path):
    folder = tmp_path / "dcm"
    folder.mkdir()
    for name in ("a.dcm", "b.dcm"):
        (folder / name).write_bytes(dicom_file("explicit", "1.2.3", name.encode()))

    def digests():
        return [
            InputHashes(tmp_path / "home").contents([folder / name])[folder / name].digest
            for name in ("a.dcm", "b.dcm")
        ]

    first, second = digests()
    assert first == second
    (folder / "c.dcm").write_bytes(dicom_file("explicit", "1.2.4"))
    assert digests() == [first, first], "another slide of the folder changes nothing"
    (folder / "b.dcm").write_bytes(dicom_file("explicit", "1.2.3", b"other pixels"))
    assert digests()[0] != first
    (folder / "b.dcm").write_bytes(dicom_file("explicit", "1.2.3", b"b.dcm"))
    assert digests()[0] == first
    (folder / "d.dcm").write_bytes(dicom_file("explicit", "1.2.3", b"one level more"))
    assert digests()[0] != first


def test_a_file_that_cannot_be_read_is_a_problem_of_its_slide(tmp_path, monkeypatch):
    good, bad = (write_slide(tmp_path / f"{name}.tiff", noise(64, 64)) for name in ("good", "bad"))
    real = type(bad).open

    def refuse(path, *rest, **named):
        if path.name == "bad.tiff":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **named)

    monkeypatch.setattr(type(bad), "open", refuse)
    contents = InputHashes(tmp_path).contents([good, bad])
    assert contents[bad].problem == "bad.tiff cannot be read: Permission denied"
    assert contents[good].problem == ""


def test_slides_are_opened_once(tmp_path, opened):
    paths = [write_slide(tmp_path / f"{seed}.tiff", noise(64, 64, seed)) for seed in range(3)]
    facts = InputHashes(tmp_path).facts(paths)
    assert InputHashes(tmp_path).facts(paths) == facts
    assert sorted(opened) == ["0.tiff", "1.tiff", "2.tiff"]
    write_slide(paths[1], noise(128, 64))
    assert InputHashes(tmp_path).facts(paths)[paths[1]].width == 128
    assert len(opened) == 4


def test_a_slide_that_did_not_open_is_tried_again(tmp_path, opened):
    path = tmp_path / "a.tiff"
    path.write_bytes(b"no slide")
    for _ in range(2):
        assert "OpenSlide cannot open it" in InputHashes(tmp_path).facts([path])[path].problem
    assert opened == ["a.tiff"] * 2


def test_nothing_of_a_slides_metadata_is_kept_but_its_size(tmp_path):
    folder = tmp_path / "dcm"
    folder.mkdir()
    path = folder / "a.dcm"
    path.write_bytes(dicom_file("explicit", "1.2.826.77"))
    hashes = InputHashes(tmp_path)
    hashes.contents([path])
    hashes.facts([path])
    kept = "".join(file.read_text() for file in (tmp_path / "work").iterdir())
    assert "1.2.826" not in kept
    assert "Nobody" not in kept


def test_the_digest_of_a_slide_does_not_depend_on_the_sequence():
    files = [("a", "1"), ("b", "2"), ("", "3")]
    assert (
        digest_of_files(files)
        == digest_of_files(files[::-1])
        != digest_of_files([("a", "2"), ("b", "1"), ("", "3")])
    )
    assert digest_of_files([("", "3")]) == "3"


def test_a_kill_loses_only_the_file_that_was_being_read(tmp_path, reads):
    for name in "abcdef":
        (tmp_path / name).write_bytes(name.encode())
        # Not just changed, so that its hash may be kept.
        os.utime(tmp_path / name, (1e9, 1e9))
    code = (
        "import os, pathlib, signal, sys\n"
        "import flows.side_by_side as side\n"
        "side.THREADS = 1\n"
        "from flows.input_hashes import InputHashes\n"
        "real = InputHashes._hash\n"
        "def dies(self, path, *rest):\n"
        "    if path.name == 'd': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(self, path, *rest)\n"
        "InputHashes._hash = dies\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "InputHashes(folder).all_files(folder / name for name in 'abcdef')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=False, cwd=ROOT)
    assert done.returncode == -9
    InputHashes(tmp_path).all_files(tmp_path / name for name in "abcdef")
    assert sorted(reads) == ["d", "e", "f"]


def test_the_images_of_a_tile_list_count_and_no_other_of_their_archive(tmp_path):
    row = write_tiles(tmp_path, archive=True)
    path = tmp_path / row.path

    def digest(changed):
        images = {f"inner/t{i}.png": png(tile_pixels(i)) for i in range(5)} | changed
        with zipfile.ZipFile(tmp_path / "tiles.zip", "w") as file:
            for name, data in images.items():
                file.writestr(name, data)
        content = InputHashes(tmp_path / "home").contents([path])[path]
        assert content.problem == ""
        assert content.own == sha(path.read_bytes())
        return content.digest

    first = digest({})
    assert digest({"inner/t4.png": png(tile_pixels(40))}) == first
    assert digest({"inner/t3.png": png(tile_pixels(40))}) != first


def test_every_image_file_of_a_tile_list_counts_and_an_absent_one_is_a_problem(tmp_path, reads):
    path = tmp_path / write_tiles(tmp_path).path
    first = InputHashes(tmp_path / "home").contents([path])[path]
    assert sorted(reads) == ["a.csv", *(f"t{i}.png" for i in range(4))]
    (tmp_path / "t2.png").write_bytes(png(tile_pixels(20)))
    assert InputHashes(tmp_path / "home").contents([path])[path].digest != first.digest
    (tmp_path / "t2.png").unlink()
    assert "no image 't2.png'" in InputHashes(tmp_path / "home").contents([path])[path].problem


def test_the_facts_of_a_tile_list_are_told_by_the_list(tmp_path):
    path = tmp_path / write_tiles(tmp_path).path
    facts = InputHashes(tmp_path / "home").facts([path])[path]
    assert (facts.width, facts.height, facts.problem) == (64, 80, "")
    path.write_text("image,x\n")
    assert "needs the columns" in InputHashes(tmp_path / "home").facts([path])[path].problem
