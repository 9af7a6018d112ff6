"""Which tiles a mask can judge."""

import torch

from tasks.faithfulness._crossing_tiles import CrossingTiles

INSIDE = torch.tensor([[0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]).bool()
MASK = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
TILES = CrossingTiles(MASK, INSIDE)


def test_a_tile_has_one_reason_at_most():
    assert {name: left_out.tolist() for name, left_out in TILES.excluded.items()} == {
        "no tissue in the tile": [True, False, False, False],
        "no mask on the tile's tissue": [False, True, False, False],
        "mask covers all of the tile's tissue": [False, False, True, False],
    }


def test_only_the_crossing_tile_keeps_its_value():
    judged = TILES.judged(torch.ones(4, dtype=torch.float64))
    assert judged.isnan().tolist() == [True, True, True, False]
    assert TILES.judged(TILES.chance)[3].item() == 0.25
