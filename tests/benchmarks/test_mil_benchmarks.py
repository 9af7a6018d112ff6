"""Slide models reach the published range on public benchmarks of bags."""

import numpy as np
import pytest

from benchmarks.mil_benchmarks import FOLDS, MODELS, cross_validated, folds_of, musk1, ucsb, write_bags
from tests._support.real_data import real_data

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def folder():
    return real_data("mil_benchmarks")


def test_the_benchmarks_are_what_their_papers_say(folder):
    musk, cores = musk1(folder), ucsb(folder)
    assert (musk.labels.sum(), len(musk.labels), musk.features.shape) == (47, 92, (476, 166))
    assert (cores.labels.sum(), len(cores.labels), cores.features.shape) == (26, 58, (2002, 708))


def test_folds_hold_out_every_bag_once_and_share_out_both_classes():
    labels = np.array([0] * 45 + [1] * 47)
    folds = folds_of(labels, 0)
    assert np.bincount(folds).tolist() == pytest.approx([9.2] * FOLDS, abs=1.5)
    for value in (0, 1):
        assert set(np.bincount(folds[labels == value])) <= {4, 5}
    assert not np.array_equal(folds, folds_of(labels, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_musk1_is_in_the_published_range(folder, tmp_path, name):
    (tmp_path / "bags").mkdir()
    sets = write_bags(musk1(folder), tmp_path / "bags")
    assert 0.85 < cross_validated(sets, MODELS[name], 0, tmp_path / "work") < 0.98


@pytest.mark.slow
def test_ucsb_is_far_from_chance(folder, tmp_path):
    (tmp_path / "bags").mkdir()
    sets = write_bags(ucsb(folder), tmp_path / "bags")
    assert 0.72 < cross_validated(sets, MODELS["abmil"], 0, tmp_path / "work") < 0.97
