"""The area among pixels of equal darkness."""

import numpy as np
import pytest
import torch

from tasks.functional.matched_auc import FEWEST, matched_auc


def drawn(count: int, levels: int, seed: int):
    """Return values, darkness with ties, mask and inside, each [3, count]."""
    generator = np.random.default_rng(seed)
    darkness = generator.integers(0, levels, (3, count)).astype(float)
    values = generator.normal(size=(3, count)).round(1) + 0.2 * darkness
    mask = generator.random((3, count)) < 0.2 + 0.5 * darkness / levels
    return values, darkness, mask, generator.random((3, count)) < 0.8


def by_pairs(values, darkness, mask, inside, strata: int) -> float:
    """Return the definition, pair by pair."""
    values, darkness, mask = values[inside], darkness[inside], mask[inside]
    order = np.array([(darkness < d).sum() + ((darkness == d).sum() - 1) / 2 for d in darkness])
    strata = max(1, min(strata, len(values) // FEWEST))
    stratum = np.floor(order * strata / len(values)).astype(int)
    weight = total = 0.0
    for number in range(strata):
        groups = {-1: [], 0: [], 1: []}
        for i in np.flatnonzero(mask & (stratum == number)):
            for j in np.flatnonzero(~mask & (stratum == number)):
                won = 1.0 if values[i] > values[j] else 0.5 if values[i] == values[j] else 0.0
                groups[int(np.sign(darkness[i] - darkness[j]))].append(won)
        fewer = min(len(groups[-1]), len(groups[1]))
        weight += len(groups[0]) + 2 * fewer
        total += sum(groups[0])
        if fewer:
            total += fewer * (np.mean(groups[-1]) + np.mean(groups[1]))
    return total / weight


@pytest.mark.parametrize(("levels", "strata"), [(4, 1), (12, 3), (200, 5), (200, 1), (200, 100)])
def test_it_is_the_definition_pair_by_pair(levels, strata):
    given = drawn(150, levels, levels)
    found = matched_auc(*map(torch.from_numpy, given), strata)
    expected = [by_pairs(*row, strata) for row in zip(*given, strict=True)]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("strata", [1, 7, 10])
@pytest.mark.parametrize("rising", [lambda d: d, lambda d: -d, lambda d: d**3, lambda d: 0 * d])
def test_darkness_and_every_rising_or_falling_function_of_it_score_exactly_a_half(rising, strata):
    _, darkness, mask, inside = map(torch.from_numpy, drawn(2000, 300, 0))
    assert matched_auc(rising(darkness), darkness, mask, inside, strata).tolist() == [0.5] * 3


def test_the_mask_scores_one_and_its_opposite_zero_however_dark_it_is():
    _, darkness, mask, inside = map(torch.from_numpy, drawn(2000, 300, 1))
    for sign, expected in ((1.0, 1.0), (-1.0, 0.0)):
        assert matched_auc(sign * mask.double(), darkness, mask, inside, 10).tolist() == [expected] * 3


def test_a_map_that_adds_to_darkness_is_seen_and_one_that_adds_nothing_is_not():
    generator = np.random.default_rng(2)
    darkness = generator.normal(size=(8, 4000))
    mask = generator.random(darkness.shape) < 1 / (1 + np.exp(-darkness))
    noise = generator.normal(size=darkness.shape)
    inside = np.ones_like(mask)
    told = {"noise": noise, "dark and noise": darkness + noise, "mask and noise": mask + noise}
    found = {
        name: matched_auc(*map(torch.from_numpy, (values, darkness, mask, inside)), 10).numpy()
        for name, values in told.items()
    }
    for name in ("noise", "dark and noise"):
        assert abs(found[name].mean() - 0.5) < 4 * found[name].std() / 8**0.5
    # Two normals one apart.
    assert found["mask and noise"].mean() == pytest.approx(0.76, abs=0.02)


def test_where_darkness_decides_every_pair_nothing_is_left():
    mask = torch.tensor([[True, True, False, False]])
    darkness = torch.tensor([[3.0, 4.0, 1.0, 2.0]])
    assert matched_auc(mask.double(), darkness, mask, torch.ones_like(mask), 1).isnan().all()


def test_what_lies_outside_takes_no_part():
    values, darkness, mask, inside = map(torch.from_numpy, drawn(400, 50, 3))
    changed = torch.where(inside, values, 1e6)
    assert torch.equal(
        matched_auc(values, darkness, mask, inside, 5), matched_auc(changed, darkness, mask, inside, 5)
    )
