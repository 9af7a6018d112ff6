"""Stage evaluate at level slide: planned from features and scores of all slides, and scored as in memory."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from flows.engine import plan as planning
from flows.engine.execute import execute
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.stages import all_stages
from flows.open_study import open_study
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.store import Store
from tasks.artifacts.tile_scores import ScoredBag, write_tile_scores
from tasks.evaluate import Evaluate, EvaluateInputs
from tasks.models.bag_classifier import load_bag_classifier
from tasks.phantoms.generate import generate_cohort
from tasks.study.stage import Build
from tests._support.bag_models import bags_of, make_bag_study
from tests._support.plans import input_labels, labelled
from tests._support.studies import COHORT as TILES
from tests._support.studies import tiny_config

COHORT = TILES.model_copy(update={"val": (1, 1)})

METRICS = [{"name": "tile_deletion"}, {"name": "parameter_randomisation"}, {"name": "tile_localisation"}]
EXPLAIN = {"explainers": [{"name": "contribution"}], "controls": [{"name": "darkness"}]}
TRAIN = {"arms": [{"id": "a"}], "seeds": [0], "recipe": {"bag": {"model": "abmil"}, "batch": 2}}


def config(**changes):
    blocks = {"explain": EXPLAIN, "evaluate": {"metrics": METRICS}, "train": TRAIN}
    return tiny_config("manifest.csv", level="slide", **{**blocks, **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bags")
    sets, checkpoints = make_bag_study(folder)
    held_out = [each for each in sets if each.facts.split == "test"]
    model = load_bag_classifier(checkpoints["abmil"], torch.device("cpu"))
    scores = folder / "scores"
    scores.mkdir()
    bags = []
    for each in held_out:
        one = bags_of([each])
        with torch.no_grad():
            added = model.terms(one.features, one.mask).contributions[0]
        index = {"slide_id": each.facts.slide_id, "target": 1, "completeness_error": 0.0}
        bags.append(ScoredBag(index, each.tile_ids, (added[:, 1] - added[:, 0]).numpy()))
    write_tile_scores(scores, bags)
    return held_out, checkpoints["abmil"], Attributions(scores)


def test_it_scores_slides_with_the_slide_model(made, tmp_path):
    sets, checkpoint, scores = made
    study = SimpleNamespace(config=config(), section=config().section)
    inputs = EvaluateInputs(
        checkpoint, {}, {each.facts.slide_id: each for each in sets}, {}, scores, None, None
    )
    builds = [
        Build(
            inputs,
            SimpleNamespace(
                study=study,
                key=ArtifactKey("evaluate", ModelKey("a", 0), "contribution", metric=metric["name"]),
                device="cpu",
                advance=lambda n: None,
            ),
        )
        for metric in METRICS
    ]
    reports = {}
    for build, write in zip(builds, Evaluate().writers(builds), strict=True):
        folder = tmp_path / str(build.context.key.metric)
        folder.mkdir()
        write(folder)
        reports[build.context.key.metric] = FaithfulnessReport(folder)
    positive = [each.facts.slide_id for each in sets if each.facts.label == "tumour"]
    for report in reports.values():
        assert report.scores["unit_id"].unique().tolist() == positive
        assert set(report.scores["unit"]) == {"slide"}
        assert set(report.scores["patient_id"]) == {slide.replace("s", "p") for slide in positive}
    found = {name: report.scores.set_index("score")["value"] for name, report in reports.items()}
    assert (found["tile_deletion"].loc["srg"] > 0).all()
    assert (found["tile_localisation"].loc["auroc"] > 0.8).all()
    assert (found["parameter_randomisation"].loc["magnitude"] < 0.9).all()
    assert np.isfinite(found["tile_deletion"]).all()
    assert reports["tile_deletion"].info.passes == {"forward": len(positive)}


@pytest.mark.parametrize(
    ("evaluate", "said"),
    [
        ({"metrics": ["deletion"]}, "'deletion' gives scores per tile"),
        (
            {"metrics": ["tile_deletion"], "model_metrics": ["gradient_scale"]},
            "model metric 'gradient_scale' measures models that take pixels, but those of this study take",
        ),
    ],
)
def test_what_is_of_tiles_is_refused(evaluate, said):
    with pytest.raises(ValidationError, match=said):
        config(evaluate=evaluate)


@pytest.mark.slow
def test_a_study_scores_the_slides_that_it_explained(tmp_path, monkeypatch):
    """From tiles to reports: what stage explain writes is what stage evaluate reads."""
    manifest = generate_cohort(tmp_path / "cohort", COHORT, lambda done: None)
    train = {
        **TRAIN,
        "recipe": {
            "bag": {"model": {"name": "abmil", "embed": 8, "attention": 4}},
            "epochs": 2,
            "batch": 2,
        },
    }
    study = tiny_config(
        manifest,
        level="slide",
        train=train,
        explain={"explainers": ["contribution"], "controls": ["random_map", "darkness"]},
        evaluate={"metrics": METRICS},
    )
    wanted = ("tile", "embed", "train", "explain", "evaluate")
    monkeypatch.setattr(planning, "all_stages", lambda: [s for s in all_stages() if s.name in wanted])
    plan = planning.Plan(open_study(study, tmp_path / "home", None))
    reports = labelled(plan, "evaluate")
    assert {key.explainer for key in (each.key for each in reports.values())} == {
        "contribution",
        "random_map",
        "darkness",
    }
    first = next(iter(reports.values()))
    assert {label.partition("/")[0] for label in input_labels(first)} == {"train", "embed", "explain"}
    assert {"tasks.evidence.stored_bags", "tasks.models.mil.abmil"} <= set(first.modules)
    result = execute(plan, RerunOptions(), fulfil, {})
    assert not result.state.failed
    store = Store(tmp_path / "home")
    made = {r.spec.label: FaithfulnessReport(store.folder(r)) for r in store.records("FaithfulnessReport")}
    assert set(made) == set(reports)
    deletion = made["evaluate/a/seed0/contribution/tile_deletion"].scores
    assert len(deletion["unit_id"].unique()) == 1, "one test slide is tumour"
    assert np.isfinite(deletion["value"]).all()
