import numpy as np
import pytest
import torch

from tasks.model_metrics._jackknife import pseudo_values


def mean_of(values):
    return lambda kept: {"mean": float(values[kept].mean())}


def test_of_a_mean_over_equally_large_slides_they_are_the_slide_means():
    values = torch.rand(30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slides = torch.arange(30) % 5
    found = pseudo_values(mean_of(values), slides).values["mean"]
    assert found == pytest.approx([float(values[slides == s].mean()) for s in range(5)])


def test_their_mean_takes_the_bias_off():
    """The variance over n is biased by (n - 1) / n; the jackknife of it is the one over n - 1, exactly."""
    values = torch.tensor([0.3, 1.9, -2.0, 0.4, 7.0], dtype=torch.float64)

    def plain(kept):
        return {"variance": float(values[kept].var(correction=0))}

    found = pseudo_values(plain, torch.arange(5)).values["variance"]
    assert found.mean() == pytest.approx(float(values.var(correction=1)))


def test_one_slide_has_the_plain_figure():
    values = torch.tensor([1.0, 2.0, 6.0])
    found = pseudo_values(mean_of(values), torch.zeros(3, dtype=torch.int64))
    assert found.values["mean"].tolist() == [3.0]
    assert found.indispensable == 0


def test_a_slide_that_cannot_be_spared_has_the_plain_figure_and_is_counted():
    """Trap: left out, the others' values would stand for a figure that none of them shows."""
    values = torch.tensor([1.0, 1.0, 0.0, 1.0])

    def share(kept):
        return {"share": float(values[kept].mean()) if 0.0 in values[kept] else float("nan")}

    found = pseudo_values(share, torch.tensor([0, 1, 2, 3]))
    assert found.values["share"] == pytest.approx([1.0, 1.0, 0.75, 1.0])
    assert found.indispensable == 1


def test_a_figure_that_is_never_defined_has_no_value_and_no_slide_is_blamed():
    found = pseudo_values(lambda kept: {"none": float("nan")}, torch.arange(3))
    assert np.isnan(found.values["none"]).all()
    assert found.indispensable == 0
