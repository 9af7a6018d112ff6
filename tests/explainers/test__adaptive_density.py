"""Adaptive kernel densities against scipy, by hand, and where they could divide by nothing."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import find_peaks, peak_prominences
from scipy.stats import gaussian_kde, norm

from tasks.explainers import _adaptive_density
from tasks.explainers._adaptive_density import adaptive_bandwidths, density, peaks, pilot_bandwidth

ROWS = np.random.default_rng(0).normal(size=(3, 40)) ** 3
SAMPLES = torch.from_numpy(ROWS)


def bell(distance: float, width: float) -> float:
    return math.exp(-(distance**2) / (2 * width**2)) / (width * math.sqrt(2 * math.pi))


def width_of(row: np.ndarray, k: int) -> float:
    """The pilot's bandwidth, sample by sample."""
    ordered = sorted(row.tolist())
    distances = []
    for place, value in enumerate(ordered):
        above = ordered[place + k] - value if place + k < len(ordered) else math.inf
        below = value - ordered[place - k] if place >= k else math.inf
        distances.append(min(above, below))
    return sum(distances) / len(distances)


@pytest.mark.parametrize(("count", "k"), [(4, 1), (9, 2), (40, 4)])
def test_the_pilot_is_scipys_density_with_the_neighbours_distance(count, k):
    points = torch.linspace(-5, 5, 17, dtype=torch.float64).expand(3, -1)
    ours = density(points, SAMPLES[:, :count], pilot_bandwidth(SAMPLES[:, :count]))
    rows = ROWS[:, :count]
    theirs = [gaussian_kde(row, width_of(row, k) / row.std(ddof=1))(points[0].numpy()) for row in rows]
    np.testing.assert_allclose(ours.numpy(), np.stack(theirs), rtol=1e-9)


def test_bandwidths_adapt_by_the_square_root_law():
    """0, 0 and 1: with pilot density a at the pair and b at the single one, g cubed is a a b."""
    samples = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    width = 1 / 3
    assert pilot_bandwidth(samples).item() == pytest.approx(width)
    pair = (2 * bell(0, width) + bell(1, width)) / 3
    single = (bell(0, width) + 2 * bell(1, width)) / 3
    mean = (pair * pair * single) ** (1 / 3)
    known = [width * math.sqrt(mean / pair), width * math.sqrt(mean / pair), width * math.sqrt(mean / single)]
    torch.testing.assert_close(adaptive_bandwidths(samples)[0], torch.tensor(known, dtype=torch.float64))
    assert known[0] < width < known[2]


def test_each_sample_keeps_its_own_bandwidth():
    samples, widths = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.5]])
    known = [
        (bell(0, 1) + bell(2, 0.5)) / 2,
        (bell(1, 1) + bell(1, 0.5)) / 2,
        (bell(2, 1) + bell(0, 0.5)) / 2,
    ]
    torch.testing.assert_close(
        density(torch.tensor([[0.0, 1.0, 2.0]]), samples, widths)[0], torch.tensor(known)
    )


def peaks_of(row: np.ndarray) -> float:
    """All of it again: scipy's pilot, the law, and the prominences of scipy's peaks on a fine grid."""
    row = row / np.abs(row).max()
    pilot = gaussian_kde(row, width_of(row, 5) / row.std(ddof=1))
    logarithms = np.log(pilot(row))
    widths = np.sqrt(pilot.covariance[0, 0]) * np.exp((logarithms.mean() - logarithms) / 2)
    points = np.linspace(row.min() - 9 * widths.max(), row.max() + 9 * widths.max(), 20001)
    curve = np.sqrt(norm.pdf(points[:, None], row, widths).mean(1))
    places, _ = find_peaks(curve)
    return float(peak_prominences(curve, places)[0].sum() / curve.max())


@pytest.mark.parametrize("seed", range(4))
def test_peaks_are_the_prominences_that_scipy_finds(seed):
    generator = np.random.default_rng(seed)
    lumps = np.concatenate([generator.normal(centre, 0.3, 50) for centre in (-2, 2)])
    assert peaks(torch.from_numpy(lumps)[None]).item() == pytest.approx(peaks_of(lumps), rel=0.05)
    assert 1.5 < peaks_of(lumps) < 2.5
    even = generator.uniform(size=100)
    assert peaks(torch.from_numpy(even)[None]).item() == pytest.approx(peaks_of(even), rel=0.05)
    assert peaks_of(even) < peaks_of(lumps)


@pytest.mark.parametrize(
    ("row", "known"),
    [
        (np.linspace(-1, 1, 40).tolist(), 1),
        ([3.0] * 40, 1),
        ([0.0] * 40, 1),
        ([1.0 + 1e-6 * (place % 2) for place in range(40)], 1),
        ([-2.0] * 20 + [2.0] * 20, 2),
        ([0.0] * 20 + [2.0] * 20, 2),
        ([0.0, 0.0, 1.0, 1.0], 2),
    ],
    ids=["even", "constant", "dead", "constant but for rounding", "two", "on and off", "few"],
)
def test_plain_cases(row, known):
    samples = torch.tensor([row], dtype=torch.float64)
    counted = peaks(samples)
    assert counted.item() == pytest.approx(known, abs=0.02)
    torch.testing.assert_close(peaks(samples * -1e4), counted, rtol=1e-6, atol=0)


def test_the_count_moves_as_little_as_the_samples():
    """A count of maxima jumps where a shoulder becomes a peak."""
    apart = torch.linspace(1.0, 4.0, 301, dtype=torch.float64)
    samples = torch.stack([torch.zeros(301, dtype=torch.float64), apart], 1).repeat_interleave(20, 1)
    counted = peaks(samples + torch.linspace(0, 2, 20, dtype=torch.float64).repeat(2))
    assert counted[0] == pytest.approx(1)
    assert counted[-1] > 1.2
    assert counted.diff().abs().max() < 0.02


def test_rows_do_not_see_one_another_however_they_are_cut(monkeypatch):
    together = peaks(SAMPLES)
    monkeypatch.setattr(_adaptive_density, "_PAIRS", 1)
    torch.testing.assert_close(peaks(SAMPLES), together, rtol=1e-12, atol=0)
    assert peaks(SAMPLES[:, :1]).tolist() == [1, 1, 1]
