"""The halo in a study: what it changes, its size, and what has none."""

import pytest
from pydantic import ValidationError

from flows.commands.maps_in_words import halo_in_words
from tasks.explain import ExplainSection, halo_of
from tests._support.plans import input_labels, labelled, plan_of
from tests._support.studies import tiny_config

EXPLAIN = {
    "explainers": [{"name": "gradient"}],
    "controls": [{"name": "centre_prior"}, {"name": "shuffled_map"}],
}
EVALUATE = {"metrics": [{"name": "gini"}, {"name": "local_lipschitz"}]}


@pytest.fixture
def planned(manifest, tmp_path):
    """Return a function from settings of ``explain`` to the plan."""

    def plan(network=None, tile_px=32, **explain):
        return plan_of(
            tiny_config(
                manifest,
                tile={"mpp": 1.0, "tile_px": tile_px},
                train={
                    "arms": [{"id": "standard"}],
                    "seeds": [0],
                    "recipe": {"network": network or {"width": 0.125}, "epochs": 1},
                },
                explain={**EXPLAIN, **explain},
                evaluate=EVALUATE,
            ),
            tmp_path,
        )

    return plan


def test_only_maps_that_see_the_halo_and_metrics_that_call_their_explainer_change(planned):
    off, on = planned(halo_px=0), planned(halo_px=8)
    kept = {p.key.label: (dict(p.recipe), p.files, input_labels(p)) for p in off}
    found = {p.key.label: (dict(p.recipe), p.files, input_labels(p)) for p in on}
    new = {label for label in found if label not in kept}
    assert {label.partition("/")[0] for label in new} == {"surround"}
    # The recording notes the whole study file.
    changed = {label for label in kept if kept[label] != found[label]} - {"record"}
    sees = ("/gradient", "/shuffled_map")
    assert changed == {
        label
        for label in kept
        if label.startswith("draw/gradient/")  # its legend names the halo
        or (label.startswith("explain/") and any(name in label for name in sees))
        or (label.endswith("/local_lipschitz") and any(name in label for name in sees))
    }
    assert len([label for label in changed if not label.startswith("draw/")]) == 2 * 2 + 2


def test_another_halo_reads_and_explains_anew(planned):
    few, many = planned(halo_px=8), planned(halo_px=12)
    for stage in ("surround", "explain"):
        pairs = [(few_, labelled(many, stage)[label]) for label, few_ in labelled(few, stage).items()]
        differ = {p.key.label for p, other in pairs if p.recipe != other.recipe}
        assert differ == {p.key.label for p, _ in pairs if "centre_prior" not in p.key.label}


@pytest.mark.parametrize(("tile_px", "halo_px"), [(32, 8), (64, 16), (96, 24), (128, 32), (224, 32)])
def test_auto_is_a_quarter_of_the_tile_and_at_most_32(planned, tile_px, halo_px):
    study = planned(tile_px=tile_px).study
    section = study.section(ExplainSection)
    assert [halo_of(study, e) for e in section.everything] == [halo_px, 0, halo_px]
    assert f"{halo_px} px around each explained tile of {tile_px} px" in halo_in_words(study)


def test_a_module_has_a_halo_only_where_it_is_asked_for(planned):
    module = {"module": "torchvision.models:resnet18"}
    plan = planned(network=module)
    assert not plan.of("surround")
    assert "may take images of one size only" in halo_in_words(plan.study)
    assert len(planned(network=module, halo_px=16).of("surround")) == 2


def test_off_is_off_and_said(planned):
    plan = planned(halo_px=0)
    assert not plan.of("surround")
    assert halo_in_words(plan.study) == "none"
    for explained in plan.of("explain"):
        assert "halo_px" not in explained.recipe


@pytest.mark.parametrize("halo_px", [-1, 1.5, "all"])
def test_other_sizes_are_refused(halo_px):
    with pytest.raises(ValidationError, match="halo_px"):
        ExplainSection.model_validate({**EXPLAIN, "halo_px": halo_px})
