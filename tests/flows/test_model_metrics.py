"""Model metrics in a study: they run, are reused, can be forced alone, are compared and recorded."""

import pandas as pd
import pytest
import yaml

from flows.config import load_study
from flows.engine.outcome import Outcome
from flows.engine.rerun import Selection
from flows.study import study
from tasks.artifacts.store import Store
from tasks.study.errors import ConfigError, UsageError
from tasks.tracking.database import open_client
from tests._support.plans import statuses
from tests._support.studies import tiny_config

ARMS = [{"id": "standard"}, {"id": "modulated", "regularizers": [{"name": "noise_modulation"}]}]
LABELS = {f"measure/{arm['id']}/seed0/{m}" for arm in ARMS for m in ("neurons", "gradient_scale")}


def config_of(manifest, steps=1):
    """One explainer, no control, and two model metrics, one of them under a name of its own."""
    return tiny_config(
        manifest,
        explain={"explainers": [{"name": "gradient"}], "controls": []},
        evaluate={
            "metrics": [{"name": "gini"}],
            "model_metrics": [
                {"name": "neuron_consistency", "id": "neurons", "steps": steps},
                {"name": "gradient_scale"},
            ],
        },
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory, manifest, prefect):
    home = tmp_path_factory.mktemp("home")
    return home, study(config_of(manifest), home)


@pytest.mark.slow
def test_they_run_and_are_compared(finished):
    home, outcome = finished
    assert set(outcome.executed) >= LABELS
    folder = Store(home).path(outcome.comparison)
    rows = pd.read_parquet(folder / "comparison.parquet")
    rows = rows[(rows["explainer"] == "model") & (rows["score"] == "clean")]
    assert set(rows["arm"]) == {"standard", "modulated"}
    assert set(rows.loc[rows["kind"] == "difference", "against"]) == {"standard"}
    assert set(rows["metric"]) == {"neurons"}
    assert not rows["is_control"].any()
    assert set(rows["units"]) == {2}, "two test slides"


@pytest.mark.slow
def test_they_are_recorded_with_their_picture(finished):
    home, _ = finished
    client = open_client(home, None)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    run = client.search_runs([experiment], "tags.`veritile.arm` = 'standard'")[0]
    store = Store(home)
    record = next(
        r for r in store.records("FaithfulnessReport") if r.spec.label == "measure/standard/seed0/neurons"
    )
    scores = pd.read_parquet(store.path(record.reference) / "scores.parquet")
    for score in ("feature_cosine", "clean"):
        mean = scores.loc[scores["score"] == score, "value"].mean()
        assert run.data.metrics[f"faithfulness/model/neurons.{score}"] == pytest.approx(mean)
    assert "faithfulness/model/gradient_scale.margin" in run.data.metrics
    files = [item.path for item in client.list_artifacts(run.info.run_id, "model/neurons")]
    assert files == ["model/neurons/channels.png"]


@pytest.mark.slow
def test_again_they_are_reused_and_a_changed_field_runs_one_of_them_alone(finished, manifest, monkeypatch):
    home, outcome = finished
    said = statuses(config_of(manifest), home)
    assert {s.state for s in said.values()} == {"done"}
    assert set(said) == set(outcome.executed)
    with monkeypatch.context() as patch:
        patch.setattr("flows.engine.task.fulfil", lambda *_: pytest.fail("a build ran"))
        assert study(config_of(manifest), home).executed == ()
    changed = {
        label: s for label, s in statuses(config_of(manifest, steps=2), home).items() if s.state != "done"
    }
    assert set(changed) == {label for label in LABELS if "neurons" in label} | {"compare", "review", "record"}
    reasons = changed["measure/standard/seed0/neurons"].reasons
    assert reasons == ("recipe model_metric.steps: 1 -> 2",)


@pytest.mark.slow
@pytest.mark.parametrize("only", ["measure", "evaluate-group"])
def test_they_can_be_forced_alone(finished, manifest, only):
    selection = Selection(arm=("standard",), metric=("neurons",))
    outcome = study(config_of(manifest), finished[0], only=only, selection=selection)
    assert isinstance(outcome, Outcome)
    assert outcome.executed == ("measure/standard/seed0/neurons",)


def test_a_model_is_no_explainer_to_select(finished, manifest):
    selection = Selection(metric=("neurons",), explainer=("model",))
    with pytest.raises(UsageError, match="no explainer model; the explainers are gradient"):
        study(config_of(manifest), finished[0], only="measure", selection=selection)


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        (
            {"explain": {"explainers": [{"name": "gradient", "id": "model"}]}},
            "the id 'model' is reserved for what is measured on a model without an explainer",
        ),
        (
            {"explain": {"explainers": ["gradient"], "controls": [{"name": "random_map", "id": "model"}]}},
            "the id 'model' is reserved",
        ),
        (
            {"evaluate": {"metrics": ["gini"], "model_metrics": ["neuron_consistancy"]}},
            "no 'neuron_consistancy' among the model_metrics (did you mean 'neuron_consistency'?)",
        ),
        (
            {"evaluate": {"metrics": ["gini"], "model_metrics": [{"name": "gradient_scale", "id": "gini"}]}},
            "metric ids must be unique, but gini",
        ),
        (
            {"evaluate": {"metrics": ["gini"], "model_metrics": [{"name": "neuron_consistency", "step": 3}]}},
            "unknown key 'evaluate.model_metrics.0.step'; did you mean 'steps'?",
        ),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, manifest, blocks, sentence):
    good = config_of(manifest).model_dump(mode="json")
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**good, **blocks}))
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    assert sentence in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
