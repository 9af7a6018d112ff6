"""A job of bags: files in, a report out, the same numbers as in memory."""

import json

import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from tasks.scoring.bags.evaluate import evaluate_bags
from tasks.scoring.bags.job import BagNetworkSource, BagScoreJob, score_bags
from tasks.scoring.errors import ScoringError
from tests._support.bag_models import make_bag_checkpoint, small_models
from tests._support.brought_bags import OneBag, features, true_maps, write_bag_job
from tests._support.feature_sets import make_bag_cohort

METRICS = [{"name": "tile_deletion", "random_orders": 4, "steps": 8}, {"name": "tile_localisation"}]


def test_a_report_is_written_with_the_numbers_of_memory(tmp_path):
    job = BagScoreJob.model_validate({**write_bag_job(tmp_path), "metrics": METRICS})
    folder = score_bags(job, tmp_path)
    means = pd.read_csv(folder / "means.csv").set_index(["explainer", "metric", "score"])
    assert {explainer for explainer, *_ in means.index} == {
        "mine",
        "random_map",
        "centre_distance",
        "darkness",
    }
    bags = features()
    table = evaluate_bags(
        OneBag(),
        bags,
        attributions={"mine": true_maps(OneBag(), bags)},
        kinds="contribution",
        metrics=METRICS[:1],
        controls=(),
    )
    own = table.means.set_index("score")["mean"]["srg"]
    # Ties and random orders are of ids, which here hold coordinates; the map has no ties.
    assert means.loc[("mine", "tile_deletion", "srg"), "mean"] == pytest.approx(own, abs=1e-6)
    assert means.loc[("mine", "tile_localisation", "auroc"), "scored"] > 0
    said = json.loads((folder / "job.json").read_text())
    assert set(said["files"]) == {"slides.csv", "tiles.csv", "network.ts"}
    assert "clustered by patient" not in (folder / "report.md").read_text()  # four patients are too few
    with pytest.raises(ScoringError, match="exists; name a new folder"):
        score_bags(job, tmp_path)


def test_each_kind_of_network_is_loaded(tmp_path):
    cpu = torch.device("cpu")
    save_file(OneBag(seed=3).state_dict(), tmp_path / "w.safetensors")
    factory = "tests._support.brought_bags:one_bag"
    plain = BagNetworkSource(factory=factory).load(tmp_path, cpu)
    filled = BagNetworkSource(factory=factory, weights="w.safetensors").load(tmp_path, cpu)
    assert torch.equal(plain.head.weight, OneBag().head.weight)
    assert torch.equal(filled.head.weight, OneBag(seed=3).head.weight)
    make_bag_checkpoint(tmp_path / "checkpoint", small_models()[0], make_bag_cohort(tmp_path / "f", 4))
    loaded = BagNetworkSource(checkpoint="checkpoint").load(tmp_path, cpu)
    assert not loaded.training
    with pytest.raises(ScoringError, match=r"model\.torchscript: there is no file gone$"):
        BagNetworkSource(torchscript="gone", trusted=True).load(tmp_path, cpu)
    (tmp_path / "text").write_text("no network")
    with pytest.raises(ScoringError, match="the file text is no TorchScript"):
        BagNetworkSource(torchscript="text", trusted=True).load(tmp_path, cpu)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({}, "name one of checkpoint, torchscript and factory, got none"),
        ({"torchscript": "a", "factory": "b"}, "got torchscript, factory"),
        ({"torchscript": "a", "weights": "b"}, "weights go with factory"),
        ({"torchscript": "a"}, "a torchscript file is a program, which runs with your rights"),
        ({"factory": "a:b", "trusted": True}, "trusted goes with torchscript"),
    ],
)
def test_a_network_is_one_of_three(model, said):
    with pytest.raises(ValidationError, match=said):
        BagNetworkSource.model_validate(model)


def test_a_target_that_is_no_class_is_refused(tmp_path):
    job = BagScoreJob.model_validate({**write_bag_job(tmp_path), "metrics": METRICS, "target": "stroma"})
    with pytest.raises(ScoringError, match="target 'stroma' is none of the classes normal, tumour"):
        score_bags(job, tmp_path)
    assert not (tmp_path / "report").exists()
