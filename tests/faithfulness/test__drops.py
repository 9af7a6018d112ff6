"""How far the output drops, and the three ways to read a map."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.artifacts.tile_set import TileSet
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import alike
from tasks.faithfulness._removal import CLEAN
from tasks.faithfulness.faithfulness_correlation import FaithfulnessCorrelation as Plain
from tasks.faithfulness.faithfulness_estimate import FaithfulnessEstimate
from tasks.faithfulness.infidelity import Infidelity
from tasks.faithfulness.non_sensitivity import NonSensitivity
from tasks.faithfulness.sensitivity_n import SensitivityN
from tasks.functional.tile_keys import tile_keys
from tests._support.attribution_sets import darkness
from tests._support.linear_scoring import column, scored, shuffled
from tests._support.tile_sets import make_tile_set


@pytest.fixture
def block(tmp_path) -> TileBlock:
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 2)
    slide, rows = SlideEvidence(tiles, {}, 1, "tumour"), np.arange(2)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return TileBlock(slide, rows, images, torch.ones(2, dtype=torch.int64), tile_keys(slide.sample_ids(rows)))


def logits(*rows: tuple[float, ...]) -> torch.Tensor:
    """Return [S, 2, K]: the same of both tiles."""
    return torch.tensor(rows)[:, None].expand(-1, 2, -1)


def traced(block, clean, changed, output="margin"):
    answers = {CLEAN: logits(clean), ("k",): logits(*changed)}
    return Plain(output=output).traced(block, answers, ("k",))


@pytest.mark.parametrize(
    ("output", "whole", "drop"),
    [
        ("margin", 2.0 - (0.0 + 4.0) / 2, 1.0),
        ("logit", 2.0, 1.0),
        ("probability", np.exp(2) / (1 + np.exp(2) + np.exp(4)), None),
    ],
)
def test_outputs_and_drops_by_hand(block, output, whole, drop):
    found = traced(block, (0.0, 2.0, 4.0), [(0.0, 1.0, 4.0), (0.0, 2.0, 4.0)], output)
    drop = whole - np.e / (1 + np.e + np.exp(4)) if drop is None else drop
    np.testing.assert_allclose(found.whole, [whole] * 2, rtol=1e-12)
    np.testing.assert_allclose(found.drops, [[drop] * 2, [0.0] * 2], rtol=1e-12, atol=1e-15)
    assert found.drops.dtype == torch.float64


@pytest.mark.parametrize(("moves", "unmoved"), [(0.0, True), (1e-5, True), (1e-3, False)])
def test_what_large_logits_lose_to_rounding_is_no_move(block, moves, unmoved):
    """The margin is small, the logits are not: rounding goes by the logits."""
    changed = [(100.0, 100.25), (100.0, 100.25 + moves)]
    assert traced(block, (100.0, 100.25), changed).unmoved.tolist() == [unmoved] * 2


def test_a_saturated_probability_still_moves(block):
    found = traced(block, (0.0, 20.0), [(0.0, 18.0), (0.0, 19.0)], "probability")
    assert found.drops.max() < 1e-7
    assert not found.unmoved.any()


def test_the_three_readings(block):
    maps = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(1))
    for kind, reads in (("sensitivity", "magnitude"), ("contribution", "contribution")):
        assert Plain().for_maps(kind, 2).reads == reads
    assert torch.equal(Plain(reads="magnitude").read(block, maps, {}), maps.abs())
    assert torch.equal(Plain(reads="contribution").read(block, maps, {}), maps)
    slopes = Plain(reads="sensitivity").read(block, maps, {})
    torch.testing.assert_close(slopes, maps * (block.images.mean(1) - 1))


@pytest.mark.parametrize("reads", ["contribution", "sensitivity"])
def test_signed_readings_are_turned_where_the_other_class_is_predicted_and_followed(block, reads):
    """The clean logits call the first tile the other class, and the second the target."""
    maps = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(1))
    answers = {CLEAN: torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])}
    follower, plain = (Plain(reads=reads, follows=whose) for whose in ("predicted", "target"))
    expected = plain.read(block, maps, answers)
    assert torch.equal(follower.read(block, maps, answers), torch.stack([-expected[0], expected[1]]))
    assert follower.followed_classes(block, answers).tolist() == [0, 1]


def test_a_fill_is_made_once_a_block(block):
    blurred = Plain(fill="blur", blur_px=2.0)
    assert blurred.remover.without_all(block) is blurred.remover.without_all(block)
    assert not torch.equal(
        Plain(fill="blur", blur_px=4.0).remover.without_all(block), blurred.remover.without_all(block)
    )
    # The width of a blur means nothing to another fill, so it must not part what could be shared.
    assert Plain(blur_px=2.0).remover.without_all(block) is Plain(blur_px=4.0).remover.without_all(block)


def test_alike_is_within_the_tolerance_of_each_column():
    values = torch.tensor([[0.0, 0.0, 5.0], [0.0, 1.0, 6.0]])
    assert alike(values).tolist() == [True, False, False]
    assert alike(values, torch.tensor([0.0, 0.5, 1.0])).tolist() == [True, False, True]


@pytest.mark.parametrize("reads", ["magnitude", "contribution", "sensitivity"])
def test_each_reading_says_what_it_does_with_the_sign(reads):
    assert "sign" in Plain(reads=reads).sign
    assert ("dropped" in Plain(reads=reads).sign) == (reads == "magnitude")


class NucleusDetector(nn.Module):
    """Counts the pixels darker than 0.5 on average over the channels, which are those of the evidence."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [B, 2]."""
        count = (images.mean(1) < 0.5).float().sum((1, 2))
        return torch.stack([torch.zeros_like(count), count], dim=1)


def evidence(tiles: TileSet) -> np.ndarray:
    return np.asarray(tiles.marks["evidence"][tiles.usable] > 0).astype(float)


def test_of_a_detector_that_reads_the_evidence_alone_the_evidence_is_the_best_map(tmp_path):
    """It foretells every drop; darkness, which is higher there too, does not, nor does what is elsewhere."""
    rivals = {"darkness": darkness, "shuffled": shuffled(evidence), "outside": lambda t: 1 - evidence(t)}
    metrics = {
        Plain(): "correlation",
        SensitivityN(): "correlation",
        FaithfulnessEstimate(): "correlation",
        Infidelity(reads="contribution"): "scaled",
        NonSensitivity(): "disagreement",
    }
    found = scored(tmp_path, {"evidence": evidence, **rivals}, list(metrics), NucleusDetector())
    for metric, name in metrics.items():
        best = column(found["evidence", metric.id], name)
        for rival in rivals:
            other = column(found[rival, metric.id], name)
            better = best < other if metric.score_infos()[0].direction == "lower" else best > other
            assert better.all(), (metric.id, rival)
        np.testing.assert_allclose(best, 1.0 if name == "correlation" else 0.0, atol=1e-9)
