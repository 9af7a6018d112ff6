"""A part that grows."""

import torch

from tasks.artifacts.spill import Spill
from tasks.evaluation.draft import Draft
from tasks.evaluation.score_rows import ScoreRows
from tasks.evaluation.units import Units
from tasks.evidence.slide import SlideEvidence
from tasks.faithfulness.base import Metric, UnitScores
from tasks.faithfulness.gini import Gini
from tasks.faithfulness.parameter_randomisation import ParameterRandomisation
from tasks.faithfulness.random_logit import RandomLogit
from tasks.faithfulness.section_auc import SectionAuc
from tests._support.tile_sets import make_tile_set


def new_draft(metric: Metric, scorer: Metric) -> Draft:
    spill = Spill()
    return Draft("m", metric, scorer, Units(spill), ScoreRows(spill))


def test_sections_are_named_after_their_slide(tmp_path):
    slide = SlideEvidence(make_tile_set(tmp_path, "s", "p", "test", 5), {}, 1, "tumour")
    draft = new_draft(SectionAuc(), SectionAuc(ranked_by="signed"))
    value = torch.tensor([0.7, 0.6], dtype=torch.float64)
    draft.add_sections(slide, UnitScores(values={"auc": value}, sections=(1, 4)))
    found = draft.finish({"x": 1.0}).result()
    assert found.scores["unit_id"].tolist() == ["s/section_1", "s/section_4"]
    assert found.scores["value"].tolist() == [0.7, 0.6]
    assert found.scores["patient_id"].tolist() == ["p", "p"]
    assert found.measures == {"x": 1.0}
    assert found.info.metric["ranked_by"] == "kind"
    assert found.info.sign == SectionAuc(ranked_by="signed").sign


def test_the_report_says_which_controls_are_rivals():
    """A test of dependence on the network counts those alone that see none."""
    found = {
        m: new_draft(m(), m()).finish({}).info.rivals for m in (Gini, ParameterRandomisation, RandomLogit)
    }
    assert found == {Gini: "all", ParameterRandomisation: "blind", RandomLogit: "blind"}
