"""The shared plan: shared passes, honest counts, and sentences for what does not fit."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evaluation.plan import EvaluationSettings, count_steps, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.evidence.sources import EvidenceError
from tasks.explainers.gradient import Gradient
from tasks.faithfulness.base import Metric, Probe, UnitScores
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.gini import Gini
from tasks.faithfulness.section_auc import SectionAuc
from tasks.functional.gradients import LogitsError
from tasks.functional.passes import counted_passes
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tests._support.attribution_sets import darkness, maps_of, noise
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

SETTINGS = EvaluationSettings(batch=16)
STEPS = 4
TUMOUR = 16 + 8


class Stability(Metric):
    """A stand-in for what calls the explainer anew: how far a map moves when the image gets lighter."""

    source: ClassVar[str] = "a test"
    needs: ClassVar[frozenset[str]] = frozenset({"attribution"})

    @property
    def sign(self):
        return "signed"

    def score_infos(self):
        return (ScoreInfo(name="moved", direction="lower", meaning="a distance"),)

    def probes(self, block, part):
        def make(steps):
            return torch.stack([block.images + 0.1 * (step + 1) for step in range(steps.start, steps.stop)])

        return (Probe(key=("lighter", part.explainer_id), count=3, make=make, explainer=part.explainer_id),)

    def score_block(self, block, part, answers):
        maps = answers["lighter", part.explainer_id]
        assert maps.shape == (3, *part.maps.shape)
        return UnitScores(values={"moved": (maps - part.maps).abs().amax((0, 2, 3)).double()})


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    slides = [make_tile_set(folder / n, n, n, "test", count) for n, count in (("s1", 40), ("s2", 20))]
    sets = {
        "noise": maps_of(folder / "noise", slides, noise),
        "dark": maps_of(folder / "dark", slides, darkness),
    }
    return Evidence(slides, sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))


def test_shared_images_go_through_the_model_once(evidence):
    """Clean once, each fill's end once, the steps between for each of two maps, two orders and two fills."""
    white, blur = Deletion(steps=STEPS), Deletion(steps=STEPS, fill="blur", id="deletion_blur")
    wanted = [(name, metric) for name in ("noise", "dark") for metric in (white, blur, Gini())]
    model = small_network()
    with counted_passes(model) as counter:
        found = evaluate_pairs(model, evidence, wanted, SETTINGS)
    union = TUMOUR * (1 + 2 + 2 * 2 * 2 * (STEPS - 1))
    assert counter.spent.forward == union
    for result in found.values():
        assert result.measures == {
            "plan_forward_images": union,
            "plan_backward_images": 0,
            "plan_minimum_forward_images": union,
            "plan_minimum_backward_images": 0,
            "plan_explained_images": 0,
        }
    alone = TUMOUR * (2 + 2 * (STEPS - 1))
    assert found["dark", "deletion"].info.passes == {"forward": alone}


def test_equal_metrics_under_two_ids_cost_nothing_more(evidence):
    twice = [("noise", Deletion(steps=STEPS, id=name)) for name in ("one", "two")]
    found = evaluate_pairs(small_network(), evidence, twice, SETTINGS)
    assert found["noise", "one"].measures["plan_forward_images"] == TUMOUR * (2 + 2 * (STEPS - 1))
    assert found["noise", "one"].scores.equals(found["noise", "two"].scores)


def test_the_faster_copy_changes_neither_scores_nor_counts(evidence):
    """A hook of the user's keeps the plan to the network itself: both ways agree, and cost the same."""
    model = build_resnet(NetworkRecipe(name="resnet18", width=0.25, stem_stride=2), 2, 0)
    wanted = [(name, Deletion(steps=STEPS)) for name in ("noise", "dark")]
    copied = evaluate_pairs(model, evidence, wanted, SETTINGS)
    with counted_passes(model) as counter:
        itself = evaluate_pairs(model, evidence, wanted, SETTINGS)
    for part, result in itself.items():
        assert result.measures == copied[part].measures
        assert result.measures["plan_forward_images"] == counter.spent.forward > 0
        found, expected = copied[part].scores["value"], result.scores["value"]
        assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_no_batch_is_larger_than_asked(evidence):
    sizes: list[int] = []
    model = small_network()
    handle = model.register_forward_hook(lambda _m, _i, output: sizes.append(len(output)))
    evaluate_pairs(model, evidence, [("noise", Deletion(steps=STEPS))], EvaluationSettings(batch=10))
    handle.remove()
    assert max(sizes) == 10
    assert sum(sizes) == TUMOUR * (2 + 2 * (STEPS - 1))


def test_a_sample_scores_its_tiles_as_the_whole_does(evidence):
    whole, few = (
        evaluate_pairs(small_network(), evidence, [("noise", metric)], SETTINGS)["noise", "deletion"].scores
        for metric in (Deletion(steps=STEPS), Deletion(steps=STEPS, tiles_per_slide=3))
    )
    assert few.groupby("slide_id")["unit_id"].nunique().tolist() == [3, 3]
    joined = few.merge(whole, on=["unit_id", "score"])
    assert joined["value_x"].tolist() == pytest.approx(joined["value_y"].tolist(), abs=1e-5)


def test_metrics_may_call_the_explainer_through_the_plan(evidence):
    model = small_network()
    handed = Evidence(
        evidence.tile_sets,
        {"gradient": evidence.attributions["noise"]},
        evidence.classes,
        evidence.target,
        {"gradient": Gradient()},
    )
    parts = [("gradient", Stability(name="test_plan"))]
    found = evaluate_pairs(model, handed, parts, EvaluationSettings(batch=100))["gradient", "test_plan"]
    assert len(found.scores) == TUMOUR
    assert (found.scores["value"] > 0).all()
    assert found.info.passes == {"forward": 3 * TUMOUR, "backward": 3 * TUMOUR, "explained": 3 * TUMOUR}
    assert found.info.minimum_passes == {"forward": 0, "backward": 0, "explained": 0}
    assert found.measures["plan_minimum_backward_images"] == 3 * TUMOUR


def test_a_metric_that_needs_the_explainer_says_so(evidence):
    with pytest.raises(EvidenceError, match="not available: it needs explainer 'noise'"):
        evaluate_pairs(small_network(), evidence, [("noise", Stability(name="test_plan"))], SETTINGS)


def test_what_is_not_there_or_wanted_twice_is_refused(evidence):
    with pytest.raises(EvidenceError, match="no maps of explainer 'nope'; there are: noise, dark"):
        evaluate_pairs(small_network(), evidence, [("nope", Gini())], SETTINGS)
    with pytest.raises(EvidenceError, match="'gini' is wanted twice"):
        evaluate_pairs(small_network(), evidence, [("noise", Gini()), ("noise", Gini())], SETTINGS)


def test_a_model_of_a_single_logit_is_refused(evidence):
    with pytest.raises(LogitsError, match="K >= 2"):
        evaluate_pairs(small_network(classes=1), evidence, [("noise", Deletion())], SETTINGS)


def test_nothing_wanted_and_nothing_to_score(evidence, tmp_path):
    assert evaluate_pairs(small_network(), evidence, [], SETTINGS) == {}
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 2)
    none = Evidence([tiles], {"noise": maps_of(tmp_path / "m", [tiles], noise)}, ("normal", "tumour"), 1)
    none = replace(none, kinds={"noise": "contribution"})
    wanted = [("noise", metric) for metric in (Deletion(), Gini(), SectionAuc())]
    found = evaluate_pairs(small_network(), none, wanted, SETTINGS)
    assert [len(found["noise", name].scores) for name in ("deletion", "gini", "section_auc")] == [0, 0, 1]
    for number, result in enumerate(found.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        result.write(folder)
    assert count_steps(none, wanted) == 1
