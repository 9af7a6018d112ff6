"""What half precision does to scores: nothing from one reading to the next, and next to nothing at all."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tasks.artifacts.attributions import MAP_SCALE, PixelMaps, create_maps
from tasks.artifacts.explained_samples import INDEX
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.explainers.edge_map import EdgeMap
from tasks.explainers.gradient import Gradient
from tasks.explaining.as_stored import AsStored
from tasks.explaining.block import AttributionSettings
from tasks.explaining.slide import attribute_slide
from tasks.functional.half_maps import half_maps, rounded_maps
from tasks.functional.tile_keys import tile_keys
from tasks.plugins import available, plugin_class
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

METRICS = [
    name
    for name in available("tasks.faithfulness")
    if "pixel" in plugin_class("tasks.faithfulness", name).supports
]
COARSE = {"monotonicity", "effective_complexity", "rank_accuracy", "erasure"}
"""They count pixels, or look at few steps: a pixel that changes its place with an equal one shows."""


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return make_tile_set(tmp_path_factory.mktemp("tiles"), "s", "p", "test", 40)


def stored(folder, tiles, explainer, dtype):
    out, work = folder / f"{explainer.id}_{dtype}", folder / "work"
    for path in (out, work):
        path.mkdir(exist_ok=True)
    settings = AttributionSettings(target=1, map_dtype=dtype)
    attribute_slide(small_network(), tiles, explainer, settings, out, work)
    return PixelMaps(out)


@pytest.fixture(scope="module")
def maps(tmp_path_factory, tiles):
    """Return {dtype: the maps of the gradient}."""
    folder = tmp_path_factory.mktemp("maps")
    return {dtype: stored(folder, tiles, Gradient(), dtype) for dtype in ("float16", "float32")}


def scored(tiles, maps, name, dtype, explainer=None):
    """Return the scores of one metric, with what explains again in the precision of ``dtype``."""
    explainer = explainer or Gradient()
    kind = plugin_class("tasks.faithfulness", name)
    fields = {"mask": "evidence"} if "mask" in kind.model_fields else {}
    metric = kind.model_validate(fields).for_maps(explainer.map_kind, 2)
    evidence = Evidence(
        [tiles],
        {"e": (maps,)},
        ("normal", "tumour"),
        1,
        explainers={"e": AsStored(explainer, dtype)},
        kinds={"e": explainer.map_kind},
    )
    return evaluate_pairs(small_network(), evidence, [("e", metric)], EvaluationSettings())[
        "e", metric.id
    ].scores


def test_the_order_of_pixels_is_kept(maps):
    for half, whole in zip(maps["float16"].maps(), maps["float32"].maps(), strict=True):
        assert spearmanr(half.ravel(), whole.ravel()).statistic > 0.99999
        assert spearmanr(np.abs(half).ravel(), np.abs(whole).ravel()).statistic > 0.99999


@pytest.mark.parametrize("name", METRICS)
def test_each_score_is_that_of_full_precision_but_for_a_sliver(tiles, maps, name):
    half, whole = (scored(tiles, maps[dtype], name, dtype) for dtype in ("float16", "float32"))
    assert half.drop(columns=["value", "chance", "error"]).equals(
        whole.drop(columns=["value", "chance", "error"])
    )
    share = 0.1 if name in COARSE else 0.01
    for _, rows in whole.groupby("score"):
        values, others = rows["value"], half.loc[rows.index, "value"]
        assert values.isna().equals(others.isna())
        # Beside how much tiles differ, which decides what a study can tell apart.
        assert abs(others.mean() - values.mean()) <= share * values.std() + 1e-6 or values.isna().all()


@pytest.mark.parametrize("name", METRICS)
def test_a_map_that_was_read_and_stored_again_scores_the_same_bits(tmp_path, tiles, maps, name):
    read = maps["float16"].maps()
    half, scale = half_maps(torch.from_numpy(read))
    create_maps(tmp_path, len(read), read.shape[1], "float16")[:] = half.numpy()
    index = maps["float16"].index.assign(**{MAP_SCALE: scale.numpy()})
    index.to_parquet(tmp_path / INDEX, index=False)
    again = PixelMaps(tmp_path)
    np.testing.assert_array_equal(again.maps(), read)
    one, other = (scored(tiles, own, name, "float16") for own in (maps["float16"], again))
    assert one.equals(other)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_map_that_no_weight_changes_is_seen_not_to_change(tmp_path, tiles, dtype):
    control = EdgeMap()
    own = stored(tmp_path, tiles, control, dtype)
    found = scored(tiles, own, "parameter_randomisation", dtype, control)
    assert set(found.query("score == 'magnitude'")["value"].dropna()) == {1.0}


def test_maps_are_rounded_as_the_store_rounds_them():
    model, images = small_network().eval(), torch.rand(3, 3, 16, 16)
    targets, keys = torch.ones(3, dtype=torch.int64), tile_keys(["a", "b", "c"])
    explainer = Gradient()
    right = explainer(model, images, targets, keys)
    for dtype, wanted in (("float32", right), ("float16", rounded_maps(right))):
        like = AsStored(explainer, dtype)
        assert like.passes() == explainer.passes()
        assert torch.equal(like.attribute(like.prepare(model), images, targets, keys).detach(), wanted)
