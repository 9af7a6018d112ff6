"""The instrument responds: a smaller quickstart, from drawing the slides to the finished comparison."""

from pathlib import Path

import pytest
import yaml

from flows.config import StudyConfig
from flows.study import study
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.store import Store
from tasks.phantoms.generate import generate_cohort
from tasks.phantoms.recipe import PhantomRecipe

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect")]
ROOT = Path(__file__).parents[2]
EXPLAINER, METRIC = "integrated_gradients", "granule_rank"
COHORT = PhantomRecipe(
    train=(2, 2, 2, 2, 2), val=(2,), test=(1,) * 7, size_px=(352, 352), mpp=1.0, sections=1, granules=True
)
CONTROLS = {"random_map", "optical_density", "edge_map", "centre_prior", "untrained_network"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory, prefect):
    """The rows of the comparison: no pen, half the resolution, one explainer and one score."""
    folder = tmp_path_factory.mktemp("instrument")
    manifest = generate_cohort(folder / "cohort", COHORT)
    config = yaml.safe_load((ROOT / "pipeline_configs" / "quickstart.yaml").read_text(encoding="utf-8"))
    config["manifest"] = str(manifest)
    config["tile"] = {"mpp": 1.0, "tile_px": 32, "thumbnail_px": 256}
    config["train"]["arms"] = [{"id": "trained"}, {"id": "untrained", "lr": 1e-12}]
    config["train"]["recipe"]["network"]["stem_stride"] = 1
    for block, name in (("explain", "explainers"), ("evaluate", "metrics")):
        config[block][name] = [each for each in config[block][name] if _id(each) in (EXPLAINER, METRIC)]
    config["evaluate"].pop("model_metrics")
    config["explain"]["drawn_slides"] = 1
    config["compare"] = {"reference_arm": "trained"}
    study(StudyConfig.model_validate(config), folder / "home")
    store = Store(folder / "home")
    (record,) = store.records("Comparison")
    return Comparison(store.path(record.reference)).table


def _id(block):
    return block.get("id", block["name"])


def against_controls(rows, arm):
    found = rows[(rows["kind"] == "against_control") & (rows["arm"] == arm) & (rows["score"] == "corrected")]
    return found.set_index("against")


def test_the_map_of_a_trained_network_is_ahead_of_every_control(rows):
    found = against_controls(rows, "trained")
    assert set(found.index) == CONTROLS
    assert (found["low"] > 0).all(), found[["value", "low", "high"]]


def test_the_map_of_an_untrained_network_is_not(rows):
    found = against_controls(rows, "untrained")
    assert len(found) == len(against_controls(rows, "trained"))
    assert not (found["low"] > 0).all(), found[["value", "low", "high"]]


def test_darkness_does_not_know_the_evidence(rows):
    """Evidence and decoys are equally dark by construction, so the control is at chance."""
    (level,) = rows[
        (rows["kind"] == "faithfulness")
        & (rows["arm"] == "trained")
        & (rows["explainer"] == "optical_density")
        & (rows["score"] == "corrected")
    ]["value"]
    assert abs(level) < 0.1
