"""Completeness: a map that adds up, as far as float32 can, is complete here and by chance in Quantus."""

import numpy as np
import pandas as pd

from tasks.artifacts.explained_samples import INDEX
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.completeness import Completeness
from tests._support.agreement import CLASSES, grey_tiles, inputs, network, quantus, values
from tests._support.attribution_sets import write_maps


def test_quantus_compares_floats_for_equality_and_we_measure_the_difference(tmp_path):
    assert set(quantus("linear_completeness")) == {True, False}
    weight = inputs()["maps"][0] / 8
    whole = weight * (inputs()["grey"] / 255.0 - 1)
    maps = whole.astype(np.float32)
    tiles = grey_tiles(tmp_path / "tiles", inputs()["masks"])
    attributions = write_maps(tmp_path / "maps", tiles, maps)
    errors = maps.sum((1, 2), dtype=np.float64) - whole.sum((1, 2))
    index = pd.read_parquet(tmp_path / "maps" / INDEX)
    index.assign(completeness_error=errors).to_parquet(tmp_path / "maps" / INDEX, index=False)
    evidence = Evidence([tiles], {"e": (attributions,)}, CLASSES, 1)
    metric = Completeness()
    result = evaluate_pairs(network(), evidence, [("e", metric)], EvaluationSettings())["e", metric.id]
    assert (values(result, "relative") < 1e-5).all()
