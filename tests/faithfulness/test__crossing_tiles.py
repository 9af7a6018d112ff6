"""Which tiles a mask can judge."""

import torch

from tasks.faithfulness._crossing_tiles import CrossingTiles

INSIDE = torch.tensor([[0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]).bool()
MASK = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
TILES = CrossingTiles(MASK, INSIDE, INSIDE)


def test_a_tile_has_one_reason_at_most():
    assert {name: left_out.tolist() for name, left_out in TILES.excluded.items()} == {
        "no tissue in the tile": [True, False, False, False],
        "no mask on the tile's tissue": [False, True, False, False],
        "mask covers all of the tile's tissue": [False, False, True, False],
    }


def test_against_decoys_the_rest_of_the_tissue_takes_no_part():
    """The decoys of the tiles: none, some without the mask, none beside the mask, one beside the mask."""
    tissue = torch.tensor([[1, 1, 1, 1]]).bool().expand(4, 4)
    decoy = torch.tensor([[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]]).bool()
    tiles = CrossingTiles(MASK, MASK | decoy, tissue, "decoy")
    assert {name: left_out.tolist() for name, left_out in tiles.excluded.items()} == {
        "no tissue in the tile": [False] * 4,
        "no mask on the tile's tissue": [True, True, False, False],
        "no decoy beside the mask on the tile's tissue": [False, False, True, False],
    }
    assert tiles.chance[3].item() == 0.5


def test_only_the_crossing_tile_keeps_its_value():
    judged = TILES.judged(torch.ones(4, dtype=torch.float64))
    assert judged.isnan().tolist() == [True, True, True, False]
    assert TILES.judged(TILES.chance)[3].item() == 0.25
