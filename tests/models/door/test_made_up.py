"""Made-up tiles look like tissue in the mean, and are always the same."""

import torch

from tasks.models.door.made_up import made_up_tiles

MEAN, STD = torch.tensor([0.7, 0.5, 0.6]).view(1, 3, 1, 1), torch.full((1, 3, 1, 1), 0.1)


def test_they_have_the_colour_that_was_asked_for_and_differ():
    tiles = made_up_tiles(MEAN, STD, 66)
    assert tiles.shape == (2, 3, 66, 66)
    assert tiles.min() >= 0
    assert tiles.max() <= 1
    torch.testing.assert_close(tiles.mean((0, 2, 3)), MEAN.flatten(), atol=0.02, rtol=0)
    assert 0.03 < tiles.std() - 0.05 < 0.1
    assert not torch.equal(tiles[0], tiles[1])
    assert torch.equal(tiles, made_up_tiles(MEAN, STD, 66))
