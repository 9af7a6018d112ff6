"""The transformer against torch's own encoder layer, and its attention matrices."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from tasks.models.errors import ModelError
from tasks.models.mil.transformer import Transformer

DIM, CLASSES, WIDTH, HEADS = 5, 3, 8, 2


@pytest.fixture
def network():
    return Transformer(width=WIDTH, heads=HEADS, layers=2).build(DIM, CLASSES, seed=5).eval()


@pytest.fixture
def bags():
    features = torch.randn(2, 6, DIM, generator=torch.Generator().manual_seed(1))
    return features, torch.arange(6)[None] < torch.tensor([[6], [4]])


def torchs_own(layer):
    """Return an ``nn.TransformerEncoderLayer`` with the weights of ``layer``."""
    own = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 2 * WIDTH, dropout=0, activation="gelu", batch_first=True, norm_first=True
    )
    norm, first, _, second, _ = layer.feed_forward
    own.self_attn.in_proj_weight.data = layer.query_key_value.weight.data
    own.self_attn.in_proj_bias.data = layer.query_key_value.bias.data
    for theirs, ours in (
        (own.self_attn.out_proj, layer.out),
        (own.linear1, first),
        (own.linear2, second),
        (own.norm1, layer.norm),
        (own.norm2, norm),
    ):
        theirs.load_state_dict(ours.state_dict())
    return own.eval()


def test_logits_are_those_of_torchs_own_layers(network, bags):
    features, mask = bags
    tokens = torch.cat([network.token.expand(2, 1, WIDTH), network.embed(features)], dim=1)
    padding = torch.cat([torch.zeros(2, 1, dtype=torch.bool), ~mask], dim=1)
    for layer in network.layers:
        # In train mode: otherwise torch takes a nested path that needs no gradient.
        tokens = torchs_own(layer).train()(tokens, src_key_padding_mask=padding)
    expected = network.head(network.norm(tokens[:, 0]))
    torch.testing.assert_close(network(features, mask), expected, atol=1e-5, rtol=1e-5)


def test_the_attention_matrices_are_those_that_the_logits_come_from(network, bags):
    features, mask = bags
    found = network.attentions(features, mask)
    assert [matrix.shape for matrix in found] == [(2, HEADS, 7, 7)] * 2
    seen = torch.cat([torch.ones(2, 1, dtype=torch.bool), mask], dim=1)
    for matrix in found:
        torch.testing.assert_close(matrix.sum(3), torch.ones(2, HEADS, 7))
        assert (matrix.movedim(3, 1)[~seen] == 0).all()
    tokens, _ = network._tokens(features, mask)
    for layer, matrix in zip(network.layers, found, strict=True):
        value = layer._parted(tokens)[2]
        tokens = tokens + layer.out((matrix @ value).transpose(1, 2).flatten(2))
        tokens = tokens + layer.feed_forward(tokens)
    expected = network.head(network.norm(tokens[:, 0]))
    torch.testing.assert_close(network(features, mask), expected, atol=1e-6, rtol=1e-6)


def test_what_cannot_be_is_refused(network):
    with pytest.raises(ValidationError, match="width 10 must be a multiple of heads 3"):
        Transformer(width=10, heads=3)
    with pytest.raises(ModelError, match="4097 tiles need too much memory; at most 4096"):
        network.attentions(torch.zeros(1, 4097, DIM), torch.ones(1, 4097, dtype=torch.bool))


def test_a_tile_changes_what_others_are_worth(network, bags):
    """It is the one model whose logits are no weighted mean over tiles."""
    features, mask = bags[0][:1], bags[1][:1]
    changed = features.clone()
    changed[0, 0] += 3
    tokens = [network.layers[0](*network._tokens(each, mask)) for each in (features, changed)]
    assert not torch.allclose(tokens[0][0, 2:], tokens[1][0, 2:], atol=1e-3)
