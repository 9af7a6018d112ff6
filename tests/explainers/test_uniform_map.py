"""The constant control: no metric takes it for a find, and it can be drawn."""

import dataclasses

import numpy as np
import pytest
import torch

from tasks.explainers.uniform_map import UniformMap
from tasks.reporting.heatmaps.draw import draw_slide
from tasks.reporting.maps.scale import ScaledSlide, common_scale
from tests._support.heatmap_jobs import make_job
from tests._support.small_networks import small_network


def test_it_is_one_everywhere():
    maps = UniformMap()(small_network(), torch.zeros(2, 3, 16, 20), torch.tensor([0, 1]), torch.arange(2))
    assert torch.equal(maps, torch.ones(2, 16, 20))


@pytest.mark.parametrize("scaled_over", ["slide", "study"])
def test_it_is_drawn_on_a_scale_that_holds_it(tmp_path, scaled_over):
    maps = {("standard", 0): np.ones((40, 16, 16)), ("standard", 1): np.ones((40, 16, 16))}
    job = dataclasses.replace(make_job(tmp_path, maps), signed=False, explainer="uniform_map")
    if scaled_over == "study":
        held = {item.name: item.attributions for item in job.checkpoints}
        job = dataclasses.replace(job, scale=common_scale([ScaledSlide(job.tiles, held)], job.recipe.scale))
    out = tmp_path / "out"
    out.mkdir()
    measures = draw_slide(job, out)
    assert measures["colour_limit"] == pytest.approx(1.0, rel=3e-3)
    assert (out / "sheet.png").stat().st_size > 0
