"""The benchmark of readers: what it tells is put together right, on a slide made here."""

import numpy as np
import pytest

from benchmarks import slides
from benchmarks.slides_phantom import write_large
from tasks.slides.first_look import look
from tasks.slides.reader import open_slide


def cost(rate, crc=(1, 2), peak_mb=100):
    return slides.Cost(tiles=2, wall_s=1.0, cpu_s=2 / rate, peak_mb=peak_mb, crc=tuple(crc))


def test_the_figures_are_ratios_of_rates():
    native = {
        "limit": cost(4000), "lanczos": cost(3000), "area": cost(3000), "each_alone": cost(2000),
        "before": cost(500), "openslide": cost(600), "pyvips": cost(1200),
    }  # fmt: skip
    resampled = {
        "lanczos": cost(300),
        "area": cost(900, (3, 4)),
        "before": cost(150),
        "openslide": cost(200, (5, 6)),
    }
    stages = {"stage": cost(1000), "stage_before": cost(250)}
    assert slides.figures({0.7: native, 1.0: resampled}, 0.7, stages) == {
        "reading_over_openslide": 5.0,
        "decode_limit_share": 0.75,
        "stage_over_openslide": 4.0,
        "best_peer_ratio_resampled": 4.5,
        "best_peer_ratio_resampled_lanczos": 1.5,
        "identical_pixels": True,
        "peak_memory_mb": 100,
    }


@pytest.mark.parametrize("who", ["before", "openslide"])
def test_pixels_that_differ_are_said(who):
    native = {name: cost(1) for name in ("limit", "lanczos", "area", "before", "openslide")}
    native[who] = cost(1, (1, 9))
    found = slides.figures({0.7: native}, 0.7, {"stage": cost(1), "stage_before": cost(1)})
    assert found["identical_pixels"] is False


def test_the_large_slide_has_its_tissue_where_tiles_are(tmp_path):
    tissue = (
        np.random.default_rng(0).integers(90, 200, (64, 64, 3), dtype=np.uint8).repeat(64, 0).repeat(64, 1)
    )
    path = write_large(tmp_path / "large.tif", tissue, (2, 2), tissue_fraction=0.0)
    choice = look(path)
    assert choice.name == "direct"
    assert choice.levels_left_out == {}
    with open_slide(path, None, choice=choice) as slide:
        assert (slide.geometry.width_level0, slide.geometry.mpp) == (8192, 0.25)
        assert (slide.read(0, 0, 256, 256) == 255).all()
        assert slide.read(6000, 6000, 256, 256).mean() < 220
