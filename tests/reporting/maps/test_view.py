import dataclasses

import numpy as np
import pytest

from tasks.reporting.maps.job import HeatmapError
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import make_job, make_predictions


def test_one_limit_for_all_arms(tmp_path):
    view = view_slide(make_job(tmp_path))
    maps = [np.abs(item.attribution[np.isfinite(item.attribution)]) for item in view.checkpoints]
    assert view.limit == pytest.approx(sorted(np.percentile(own, 99) for own in maps)[2])


def test_other_predictions_than_those_evaluated_are_refused(tmp_path):
    job = make_job(tmp_path)
    item = job.checkpoints[0]
    margin = (item.predictions.table["logit_1"] - item.predictions.table["logit_0"]).to_numpy()
    other = make_predictions(tmp_path / "other", [job.tiles], [margin + 0.1])
    wrong = dataclasses.replace(job, checkpoints=(dataclasses.replace(item, predictions=other),))
    with pytest.raises(HeatmapError, match="is not the evaluated"):
        view_slide(wrong)
