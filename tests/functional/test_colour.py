"""Optical density."""

import numpy as np
import pytest
import torch
from skimage.color import separate_stains

from tasks.functional.colour import optical_density


def test_known_densities():
    images = torch.tensor([1.0, 0.1, 0.0, 10**-0.5]).view(1, 1, 2, 2)
    assert optical_density(images).flatten().tolist() == pytest.approx([0, 1, np.log10(255), 0.5], abs=1e-6)


def test_it_is_the_density_that_skimage_separates():
    """With the identity as stains, skimage's separation is its optical density up to its own constant."""
    images = np.random.default_rng(0).uniform(0.05, 1, size=(8, 8, 3))
    theirs = separate_stains(images, np.eye(3))
    ours = optical_density(torch.from_numpy(images).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    ratio = theirs / ours
    assert ratio.std() < 1e-9
