"""A network of bags is called as it wants to be, and asked before it is believed."""

import pytest
import torch
from torch import nn

from tasks.scoring.bags.network import BroughtNetwork, admitted_bags
from tasks.scoring.errors import ScoringError
from tests._support.brought_bags import D, Masked, OneBag, Probable, Tiles, Tupled

TILES = torch.randn(30, D, generator=torch.Generator().manual_seed(0))
NONE = torch.zeros(D), torch.ones(D)


@pytest.mark.parametrize(
    ("network", "way"),
    [(OneBag(), "bag"), (Tiles(), "tiles"), (Masked(), "bags"), (torch.jit.script(OneBag()), "bag")],
)
def test_it_is_found_out_how_it_is_called(network, way):
    found, admission = admitted_bags(network.eval(), TILES, "auto", None)
    assert found == way
    assert admission.classes == 2
    assert admission.notes == ()


@pytest.mark.parametrize("kind", [OneBag, Tiles, Masked])
def test_padding_and_other_bags_change_nothing(kind):
    network = kind().eval()
    way, _ = admitted_bags(network, TILES, "auto", None)
    brought = BroughtNetwork(network, way, None, *NONE)
    features = torch.stack([TILES, TILES.flip(0), torch.full_like(TILES, 9.0)])
    mask = torch.arange(30) < torch.tensor([30, 12, 0])[:, None]
    before = features.clone()
    with torch.no_grad():
        logits = brought(features, mask)
        expected = OneBag()(TILES.flip(0)[None, :12])
        nothing = OneBag()(torch.zeros(1, 1, D))
    torch.testing.assert_close(logits[1:2], expected)
    torch.testing.assert_close(logits[2:], nothing)
    assert torch.equal(features, before)


def test_logits_among_other_things_are_named():
    with pytest.raises(ScoringError, match="gave tuple; needed a tensor of logits"):
        admitted_bags(Tupled(), TILES, "auto", None)
    way, admission = admitted_bags(Tupled(), TILES, "auto", 0)
    assert (way, admission.classes) == ("bag", 2)


class Ambiguous(OneBag):
    """Takes both shapes, and means something else by each."""

    def forward(self, bag):
        return self.head(bag.flatten(0, -2).mean(0, keepdim=True)) * bag.ndim


class Drawing(OneBag):
    def forward(self, bag):
        return super().forward(nn.functional.dropout(bag, 0.5))


class PerTile(OneBag):
    def forward(self, bag):
        return self.head(bag)


class Few(OneBag):
    def forward(self, bag):
        return super().forward(bag) / (bag.shape[1] - 1)


class Ordered(OneBag):
    def forward(self, bag):
        return super().forward(bag * torch.linspace(0, 1, bag.shape[1])[:, None])


class Writing(OneBag):
    def forward(self, bag):
        return super().forward(bag.mul_(2))


@pytest.mark.parametrize(
    ("network", "takes", "said"),
    [
        (Ambiguous(), "auto", "takes one bag .* and its tiles .*, and answers differently"),
        (Drawing(), "bag", "the same bag other logits at a second call"),
        (PerTile(), "bag", r"of shape \[1, 30, 2\] for a bag of 30 tiles"),
        (Few(), "bag", "not finite to a bag of 1 tiles"),
        (OneBag(), "bags", "does not take a bag"),
        (OneBag(), "some", "takes is 'some'; allowed: auto, bags, bag, tiles"),
        (nn.Linear(D + 1, 2), "bag", "does not take a bag of 30 tiles of 6 features"),
    ],
)
def test_what_cannot_be_relied_on_is_refused(network, takes, said):
    with pytest.raises(ScoringError, match=said):
        admitted_bags(network.eval(), TILES, takes, None)


def test_what_changes_the_meaning_of_numbers_is_noted():
    _, ordered = admitted_bags(Ordered(), TILES, "bag", None)
    assert "when the tiles come in another order" in ordered.notes[0]
    _, probable = admitted_bags(Probable(), TILES, "bag", None)
    assert "look like probabilities" in probable.notes[0]
    before = TILES.clone()
    _, writing = admitted_bags(Writing(), TILES, "bag", None)
    assert writing.writes_on_images
    assert torch.equal(TILES, before)
