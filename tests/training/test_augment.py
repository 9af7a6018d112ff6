"""Augmentation moves pixels and colours, the whole batch at once, and nothing else."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from tasks.training.augment import augment, draw_poses, pose
from tasks.training.recipe import AugmentationRecipe

NOTHING = AugmentationRecipe(flip=False, rotate=False, brightness=0, stain_scale=0, stain_shift=0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=16, seed=0):
    return 0.1 + 0.8 * torch.rand(count, 3, 8, 8, generator=generator(seed))


def test_switched_off_nothing_changes():
    assert torch.equal(augment(images(), NOTHING, generator()), images())


def test_eight_poses_are_the_eight_of_a_square():
    square = torch.arange(9.0).view(1, 1, 3, 3).expand(8, 1, 3, 3)
    poses = torch.tensor([[h, v, s] for h in (0, 1) for v in (0, 1) for s in (0, 1)]).T.bool()
    ours = {tuple(map(tuple, item[0].tolist())) for item in pose(square, poses)}
    turned = [np.rot90(square[0, 0].numpy(), k) for k in range(4)]
    expected = {tuple(map(tuple, t.tolist())) for a in turned for t in (a, a[:, ::-1])}
    assert ours == expected
    assert len(ours) == 8


@pytest.mark.parametrize(
    ("flip", "rotate", "count"), [(True, True, 8), (True, False, 4), (False, True, 4), (False, False, 1)]
)
def test_poses_are_drawn_equally_often(flip, rotate, count):
    recipe = AugmentationRecipe(flip=flip, rotate=rotate)
    poses = draw_poses(8000, recipe, generator()).int()
    numbers = (poses[0] * 4 + poses[1] * 2 + poses[2]).bincount()
    found = numbers[numbers > 0] / 8000
    assert len(found) == count
    assert (found - 1 / count).abs().max() < 0.02


def test_rotations_alone_never_mirror():
    corner = torch.tensor([[0.0, 1.0], [3.0, 2.0]]).view(1, 1, 2, 2).expand(64, 1, 2, 2)
    recipe = AugmentationRecipe(flip=False, rotate=True)
    for item in pose(corner, draw_poses(64, recipe, generator())):
        around = [item[0, 0, 0], item[0, 0, 1], item[0, 1, 1], item[0, 1, 0]]
        steps = {int(b - a) % 4 for a, b in pairwise(around)}
        assert steps == {1}


def test_brightness_is_one_factor_a_tile_within_bounds():
    recipe = NOTHING.model_copy(update={"brightness": 0.1})
    dim = images() * 0.5
    factor = augment(dim, recipe, generator()) / dim
    assert factor.flatten(1).std(1).max() < 1e-5
    assert factor.min() >= 0.9 - 1e-6
    assert factor.max() <= 1.1 + 1e-6
    assert factor[:, 0, 0, 0].std() > 0.01


def test_same_stream_same_batch_and_results_stay_images():
    recipe = AugmentationRecipe()
    first, second = (augment(images(), recipe, generator(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augment(images(), recipe, generator(6)))
    assert first.min() >= 0
    assert first.max() <= 1
    assert first.shape == images().shape


def test_the_input_and_the_global_generator_stay_untouched():
    before, given = torch.random.get_rng_state(), images()
    augment(given, AugmentationRecipe(), generator())
    assert torch.equal(given, images())
    assert torch.equal(before, torch.random.get_rng_state())
