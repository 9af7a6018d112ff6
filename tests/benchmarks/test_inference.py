"""The benchmark of intervals and verdicts: its truth is right, and it sees what is wrong."""

import json

import numpy as np
import pytest
from scipy.stats import rankdata

from benchmarks import inference
from benchmarks.inference import KINDS, main, table_of
from benchmarks.inference_setting import SETTINGS, Latent, Setting, Spreads, drawn_codes, drawn_scores
from tasks.statistics.two_way import Estimate


def test_a_short_run_ends_with_one_line_of_json(capsys):
    main(["--simulations", "2"])
    told = capsys.readouterr()
    found = json.loads(told.out.splitlines()[-1])
    assert list(found) == [
        "coverage_min", "coverage_max", "type1_max", "power_at_detectable_min", "power_at_detectable_max",
        "false_reversed_max",
    ]  # fmt: skip
    assert all(0 <= value <= 1 for value in found.values())
    assert "differences: 36 of 36 settings" in told.err


def test_equal_settings_give_equal_figures():
    kind = next(kind for kind in KINDS if kind.name == "differences")
    first, again = (table_of(kind, 3, SETTINGS[:2]) for _ in range(2))
    assert first.equals(again)


def test_an_interval_beside_the_truth_is_counted(monkeypatch):
    monkeypatch.setattr(inference, "mean_estimate", lambda *_: Estimate(1.0, 0.9, 1.1))
    assert table_of(KINDS[0], 3, SETTINGS[:1])["coverage"].tolist() == [0.0]


def test_the_area_that_is_called_true_is_that_of_a_very_large_study():
    """By ranks (Mann and Whitney), with effects so large that an error in any of them would show."""
    latent = Latent(Setting(Spreads("large", 0.06, 0.1, 0.15), seeds=300, patients=400))
    drawn = latent.drawn(np.random.default_rng(0))
    positives, negatives = drawn.positive.sum(), (~drawn.positive).sum()
    scores = drawn.arms[0] + latent.separation(0.8) * drawn.positive
    ranks = rankdata(scores, axis=1)[:, drawn.positive].sum(axis=1)
    areas = (ranks - positives * (positives + 1) / 2) / (positives * negatives)
    assert areas.mean() == pytest.approx(0.8, abs=0.012)


def test_one_arm_and_the_difference_of_two_have_the_variances_of_the_setting():
    generator, spreads = np.random.default_rng(1), Spreads("made", 0.3, 0.2, 0.4)
    setting = Setting(spreads, 60, 150)
    codes = drawn_codes(150, generator)
    control, treated = drawn_scores(setting, codes, generator)
    for scores in (control, treated - control):
        by_patient = np.stack([scores[:, codes == patient].mean(axis=1) for patient in range(150)], axis=1)
        assert by_patient.mean(axis=1).std(ddof=1) == pytest.approx(0.3, rel=0.25)
        assert by_patient.mean(axis=0).std(ddof=1) == pytest.approx(0.2, rel=0.25)
        # Patients with few tiles vary more than the mean number says.
        rest = by_patient - by_patient.mean(axis=1, keepdims=True) - by_patient.mean(axis=0)
        assert 0.4 <= rest.std() <= 0.55
