"""Which scores rank maps alike, from reports whose order is planted."""

import dataclasses

import numpy as np
import pytest

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.analyses.agreement import SECTIONS, UNITS, metric_agreement
from tasks.comparison.figures import agreement as agreement_figure
from tasks.comparison.figures.agreement import draw_agreement
from tasks.comparison.page.analyses import agreement_section
from tasks.comparison.rows.aligned_scores import aligned_scores
from tasks.comparison.summary import summarise
from tasks.statistics.agreement import kendall
from tests._support.traced_jobs import VALUES, make_traced_job

SETTINGS = 0.95


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_traced_job(tmp_path_factory.mktemp("agreed"))


@pytest.fixture(scope="module")
def found(job):
    return metric_agreement(aligned_scores(job, SETTINGS), SETTINGS)


def pair(found, one, other):
    rows = found.table[(found.table["one"] == one) & (found.table["other"] == other)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_directions_are_aligned_before_ranks_are_compared(found):
    """``lerf`` is one less the gap and better lower: turned, it ranks maps exactly alike."""
    row = pair(found, "deletion.gap", "deletion.lerf")
    assert (row["tau"], row["low"], row["high"]) == pytest.approx((1, 1, 1))
    assert row["ranked_on"] == UNITS
    assert row["same_metric"]


def test_scores_without_a_direction_are_listed_apart(found):
    assert found.scores == ("deletion.gap", "deletion.lerf", "place.hit")
    assert found.without_direction == ("deletion.gini",)
    assert "deletion.gini" not in set(found.table["one"]) | set(found.table["other"])


def test_scores_of_different_tiles_are_compared_by_their_means_in_each_section(found):
    """Removal scores labelled tiles, placing crossed ones, where it ranks maps the other way round."""
    row = pair(found, "deletion.gap", "place.hit")
    assert row["ranked_on"] == SECTIONS
    assert not row["same_metric"]
    assert row["tau"] < -0.9
    assert row["clusters"] == 5, "slides with a crossed tile"
    assert row["high"] < 0


def test_the_mean_is_over_arms_seeds_and_tiles_with_controls_among_the_maps(job, found):
    scored = {f"{item.metric}.{item.score}": item for item in aligned_scores(job, SETTINGS)}
    turned = dataclasses.replace(
        scored["deletion.lerf"],
        values={
            key: np.random.default_rng(len(key[1]) + key[2]).permutation(value)
            for key, value in scored["deletion.lerf"].values.items()
        },
    )
    row = pair(metric_agreement([scored["deletion.gap"], turned], SETTINGS), "deletion.gap", "deletion.lerf")
    taus = []
    for arm in job.arms:
        for seed in (0, 1, 2):
            maps = [(arm, explainer, seed) for explainer in VALUES]
            both = [[scored["deletion.gap"].values[m] for m in maps], [-turned.values[m] for m in maps]]
            taus.append(kendall(np.array(both).transpose(2, 0, 1))[:, 0, 1])
    assert row["tau"] == pytest.approx(np.mean(taus))
    assert row["taus"] == np.size(taus)


def test_networks_and_lone_maps_agree_with_nothing(job):
    lone = dataclasses.replace(job, reports=tuple(i for i in job.reports if i.explainer == "good"))
    assert len(metric_agreement(aligned_scores(lone, SETTINGS), SETTINGS).table) == 0
    models = tuple(dataclasses.replace(i, explainer=MODEL) for i in job.reports if i.explainer == "good")
    found = metric_agreement(aligned_scores(dataclasses.replace(job, reports=models), SETTINGS), SETTINGS)
    assert (found.scores, found.without_direction, len(found.table)) == ((), (), 0)


def test_the_page_names_contradictions_between_metrics_alone(job, found):
    text = "\n".join(agreement_section(summarise(job, []), found))
    assert "Of 2 pairs of scores of different metrics, 0 agree and 2 contradict each other" in text
    assert "Not in the matrix, because they have no direction: deletion.gini." in text
    assert "Pairs without a common unit are compared by their section means." in text
    assert "| deletion.gap | place.hit | \N{MINUS SIGN}" in text
    assert "| deletion.gap | deletion.lerf |" not in text
    assert "![Rank agreement of the metrics](agreement.png)" in text


def test_nothing_to_compare_makes_no_section(job):
    assert agreement_section(summarise(job, []), metric_agreement([], SETTINGS)) == []


def test_the_matrix_is_drawn_symmetric_with_a_mark_on_section_means(job, found):
    figure = draw_agreement(summarise(job, []), found, ())
    axes = figure.axes[0]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(shown, shown.T)
    assert shown[0, 1] == pytest.approx(1)
    assert np.isnan(np.diag(shown)).all()
    texts = {text.get_position(): text for text in axes.texts}
    assert texts[2, 0].get_text().endswith("*")
    assert texts[1, 0].get_text() == "1.00"
    assert texts[1, 0].get_weight() == texts[0, 2].get_weight() == "bold"
    assert "section means are ranked" in " ".join(figure.get_supxlabel().split())


def test_too_many_scores_are_drawn_one_per_metric(job, found, monkeypatch):
    monkeypatch.setattr(agreement_figure, "MOST_SCORES", 2)
    figure = draw_agreement(summarise(job, []), found, ("deletion.gap", "place.hit"))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["deletion.gap", "place.hit"]
    assert figure.axes[0].images[0].get_array()[0, 1] < -0.9
    assert "All 3 are in the table" in " ".join(figure.get_supxlabel().split())
