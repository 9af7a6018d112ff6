"""What opening a slide says of it."""

import hashlib

import openslide
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.resolution import MppOverride, Resolution
from tasks.slides.slide_facts import SlideFacts, facts_of, sample_digest
from tests._support.slide_files import break_tile, glass, noise, write_slide


def test_a_slide_says_its_size_and_likeness_and_nothing_else(tmp_path):
    path = write_slide(tmp_path / "a.tiff", noise(256, 128), mpp=0.5)
    facts = facts_of(path)
    assert (facts.width, facts.height, facts.problem) == (256, 128, "")
    assert facts.resolution(None, "a") == Resolution(0.5, 0.5, "metadata")
    assert facts.resolution(MppOverride(1, 1), "a").source == "override"
    with openslide.OpenSlide(path) as slide:
        quick = slide.properties["openslide.quickhash-1"]
    assert facts.likeness == hashlib.sha256(quick.encode()).hexdigest()
    assert SlideFacts.model_validate(facts.model_dump(mode="json")) == facts


def test_a_slide_without_a_size_of_pixels_says_so(tmp_path):
    facts = facts_of(write_slide(tmp_path / "a.tiff", noise(256, 128), mpp=None))
    with pytest.raises(SlideError, match=r"^a: the metadata states no um/px"):
        facts.resolution(None, "a")


@pytest.mark.parametrize("content", [b"", b"no slide", b"II*\0"])
def test_what_cannot_be_opened_says_why_without_a_path(tmp_path, content):
    (tmp_path / "a.tiff").write_bytes(content)
    problem = facts_of(tmp_path / "a.tiff").problem
    assert problem.startswith("a.tiff: OpenSlide cannot open it: ")
    assert str(tmp_path) not in problem


def test_the_look_depends_on_size_and_pixels(tmp_path):
    level0 = glass(512, 512)
    digests = [
        sample_digest(write_slide(tmp_path / "a.tiff", level0)),
        sample_digest(write_slide(tmp_path / "b.tiff", level0)),
    ]
    assert digests[0] == digests[1]
    level0[5, 5] = 0
    digests += [sample_digest(write_slide(tmp_path / "c.tiff", level0))]
    digests += [sample_digest(write_slide(tmp_path / "d.tiff", glass(512, 513)))]
    digests += [sample_digest(write_slide(tmp_path / "e.tiff", glass(8, 8)))]
    path = write_slide(tmp_path / "f.tiff", glass(512, 512))
    break_tile(path, 0)
    digests += [sample_digest(path)]
    assert len(set(digests)) == 5
