"""Keys of the tiles of a bag: of their features, whatever the order and the company."""

import torch

from tasks.functional.noise import content_keys
from tasks.samples import tile_names
from tasks.samples.tile_names import drawing_keys, named
from tests._support.bags import keys_and_targets, only, ragged


def test_a_key_moves_with_its_tile_and_padding_has_none():
    bags = named(ragged())
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    moved = named(ragged()._replace(features=ragged().features[:, order], mask=ragged().mask[:, order]))
    assert torch.equal(moved.tile_keys, bags.tile_keys[:, order])
    assert (bags.tile_keys[~bags.mask] == 0).all()
    assert torch.equal(named(only(ragged(), 2)).tile_keys[0], bags.tile_keys[2, :5])
    assert len(bags.tile_keys[bags.mask].unique()) == 26


def test_names_that_are_given_stay_when_features_change():
    bags = named(ragged())
    changed = bags._replace(features=bags.features + 1)
    assert named(changed) is changed


def test_a_group_at_a_time_gives_the_same(monkeypatch):
    expected = named(ragged()).tile_keys
    monkeypatch.setattr(tile_names, "_AT_ONCE", 7)
    assert torch.equal(named(ragged()).tile_keys, expected)


def test_the_same_tile_draws_other_numbers_in_another_bag():
    bags = ragged((3, 3))
    bags.features[1] = bags.features[0]
    _, keys = keys_and_targets(2)
    drawn = drawing_keys(bags, keys)
    assert (drawn[0] != drawn[1]).all()


def test_content_decides_the_key_to_the_last_bit():
    rows = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    keys = content_keys(rows)
    assert len(keys.unique()) == 50
    assert torch.equal(content_keys(rows.flip(0)), keys.flip(0))
    nudged = rows.clone()
    nudged[3, 2] = torch.nextafter(rows[3, 2], torch.tensor(9.0))
    assert (content_keys(nudged) != keys).nonzero().tolist() == [[3]]
    swapped = rows[:, [1, 0, 2, 3]]
    assert (content_keys(swapped) != keys).all()
    assert torch.equal(content_keys(torch.tensor([[-0.0, 1.0]])), content_keys(torch.tensor([[0.0, 1.0]])))
