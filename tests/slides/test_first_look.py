"""The first look: which way is chosen and why, in a process whose crash is a sentence."""

import subprocess
import sys

import numpy as np
import openslide
import pytest

from tasks.slides import first_look
from tasks.slides.choice import ReaderChoice
from tasks.slides.errors import SlideError
from tasks.slides.first_look import choose_reader, look
from tests._support.real_data import real_data
from tests._support.slide_files import noise, write_slide
from tests._support.tiled_files import aperio, halves, jpeg, picture, write_tiled


@pytest.fixture
def slide_file(tmp_path):
    return write_tiled(tmp_path / "slide.tif", halves(picture(), 2, odd=1))


@pytest.fixture
def children(monkeypatch):
    """The processes that were started, from none."""
    started, original = [], subprocess.Popen
    monkeypatch.setattr(first_look, "_idle", (0, []))
    first_look._chosen.cache_clear()
    monkeypatch.setattr(
        first_look.subprocess,
        "Popen",
        lambda *each, **settings: started.append(original(*each, **settings)) or started[-1],
    )
    yield started
    for child in started:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            pipe.close()


def test_a_file_whose_tiles_are_openslides_is_read_directly(slide_file):
    choice = look(slide_file)
    assert choice.name == "direct"
    assert choice.reason == "14 sampled regions of 3 levels equal OpenSlide's byte for byte"
    assert ReaderChoice.model_validate_json(choice.model_dump_json()) == choice


def test_the_choice_of_a_large_slide_is_small(tmp_path):
    path = write_tiled(tmp_path / "slide.tif", halves(picture(3000, 2000), 3), compression="none")
    assert len(look(path).model_dump_json()) < 2000


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"compression": "packbits"}, "compression 32773 is read by OpenSlide alone"),
        ({"description": aperio(700, 500), "encode": jpeg, "missing": (3,)}, "a missing tile is drawn from"),
    ],
)
def test_what_is_not_understood_is_left_to_openslide(tmp_path, settings, reason):
    choice = look(write_tiled(tmp_path / "slide.tif", halves(picture(), 1), **dict(settings)))
    assert choice.name == "openslide"
    assert reason in choice.reason
    assert choice.layout is None


def test_other_pixels_than_openslides_are_never_used(slide_file, monkeypatch):
    original = first_look.DirectSource.region

    def one_off(self, wanted):
        pixels = original(self, wanted)
        if wanted.level == 2:
            pixels[-1, -1, 0] ^= 1
        return pixels

    monkeypatch.setattr(first_look.DirectSource, "region", one_off)
    choice = look(slide_file)
    assert choice.name == "openslide"
    assert "level 2" in choice.reason
    assert "of the pixels differ from OpenSlide's" in choice.reason


def test_only_resolution_and_bounds_are_kept_of_the_metadata(tmp_path):
    path = write_tiled(
        tmp_path / "s.tif", halves(picture(), 0), description="Aperio Image Library|Patient = P7"
    )
    assert "P7" not in look(path).model_dump_json()


def test_one_child_serves_many_slides(slide_file, tmp_path, children):
    other = write_slide(tmp_path / "other.tiff", noise(300, 200))
    assert choose_reader(slide_file) == look(slide_file)
    assert choose_reader(other) == look(other)
    assert len(children) == 1


def test_a_refusal_comes_back_as_it_is(tmp_path, children):
    bad = tmp_path / "it.svs"
    bad.write_bytes(b"not a slide")
    with pytest.raises(SlideError, match=r"^it.svs: OpenSlide cannot open it: Unsupported"):
        choose_reader(bad)
    assert len(children) == 1


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            "import os, signal, sys; sys.stdin.readline(); os.kill(os.getpid(), signal.SIGSEGV)",
            "signal SIGSEGV",
        ),
        ("import os, sys; sys.stdin.readline(); os.abort()", "signal SIGABRT"),
        ("import os, sys; sys.stdin.readline(); os._exit(3)", "ended with code 3"),
    ],
)
def test_a_crash_is_a_sentence_and_the_next_slide_is_read(slide_file, children, monkeypatch, program, words):
    with monkeypatch.context() as changed:
        changed.setattr(first_look, "_PROGRAM", ("-c", program))
        with pytest.raises(SlideError, match=rf"^slide.tif: the process that looked at it first .*{words}"):
            choose_reader(slide_file)
    assert choose_reader(slide_file).name == "direct"
    assert len(children) == 2


def test_a_decoder_that_never_ends_is_given_up(slide_file, children, monkeypatch):
    monkeypatch.setattr(first_look, "PATIENCE_S", 0.2)
    monkeypatch.setattr(first_look, "_PROGRAM", ("-c", "import time; time.sleep(600)"))
    with pytest.raises(SlideError, match="did not answer within 0 s"):
        choose_reader(slide_file)
    assert children[0].poll() is not None


def test_a_file_is_looked_at_again_only_when_it_changed(slide_file, children, monkeypatch):
    asked, original = [], first_look._Child.ask
    monkeypatch.setattr(
        first_look._Child, "ask", lambda self, path: asked.append(path) or original(self, path)
    )
    first = choose_reader(slide_file)
    assert choose_reader(slide_file) is first
    assert len(asked) == 1
    write_tiled(slide_file, halves(picture(seed=3), 0), "deflate")
    assert len(choose_reader(slide_file).facts.level_sizes) == 1
    assert len(asked) == 2


def test_a_child_that_ended_for_want_of_work_is_replaced(slide_file, children):
    choose_reader(slide_file)
    first_look._chosen.cache_clear()
    children[0].kill()
    children[0].wait()
    assert choose_reader(slide_file).name == "direct"
    assert len(children) == 2


def test_a_child_ends_when_nobody_asks(monkeypatch):
    done = subprocess.run(
        [sys.executable, "-m", "tasks.slides.first_look"],
        input=b"",
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == b""


def test_label_and_macro_images_are_never_opened(slide_file, monkeypatch):
    def refuse(_):
        raise AssertionError("an associated image was opened")

    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(refuse))
    look(slide_file)


def test_bounds_are_those_of_the_scanned_area(slide_file, monkeypatch):
    stated = {"openslide.bounds-x": "40", "openslide.bounds-y": "30", "openslide.vendor": "generic-tiff"}
    stated |= {
        "openslide.bounds-width": "200",
        "openslide.bounds-height": "100",
        "tiff.ImageDescription": "P7",
    }
    monkeypatch.setattr(openslide.OpenSlide, "properties", stated)
    facts = look(slide_file).facts
    assert facts.bounds == (40, 30, 200, 100)
    assert set(facts.properties) == {name for name in stated if "bounds" in name}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("formats/CMU-1-Small-Region.svs", "direct"),
        ("hard/corrupt_middle.svs", "direct"),
        ("her2st/slides/HER2ST_C4.tiff", "direct"),
        ("formats/hamamatsu_fluorescence.ndpi", "openslide"),
        ("formats/dicom_camelyon/multiframe_camelyon_challenge_image.dcm", "openslide"),
    ],
)
def test_the_way_of_a_real_slide(name, way):
    assert look(real_data(name)).name == way


def test_the_pixels_of_the_first_look_are_not_those_of_one_spot(slide_file, monkeypatch):
    """Edges, corners, the largest and the smallest source tile, and every level."""
    asked = []
    original = first_look.DirectSource.region
    monkeypatch.setattr(
        first_look.DirectSource, "region", lambda self, wanted: asked.append(wanted) or original(self, wanted)
    )
    choice = look(slide_file)
    levels = {wanted.level for wanted in asked}
    assert levels == {0, 1, 2}
    for level, (width, height) in enumerate(choice.facts.level_sizes):
        scale = choice.facts.level_downsamples[level]
        ends = [
            (wanted.x / scale + wanted.width, wanted.y / scale + wanted.height)
            for wanted in asked
            if wanted.level == level
        ]
        assert max(x for x, _ in ends) > width
        assert max(y for _, y in ends) > height
        assert np.isclose(min(wanted.x for wanted in asked if wanted.level == level), 0)
