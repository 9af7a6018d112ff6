from itertools import combinations

import pytest
import torch

from tasks.functional.tile_keys import tile_keys
from tasks.model_metrics._consistency import (
    CLEAN,
    PREDICTED,
    TRUE,
    ChannelConsistency,
    Observed,
    chance_purity,
)

TILES = 60


def observed(clean, truth, adversarial=None, predicted=None, slides=None, classes=2):
    return Observed(
        clean=clean,
        adversarial=clean if adversarial is None else adversarial,
        truth=truth,
        predicted=truth if predicted is None else predicted,
        slides=torch.arange(len(truth)) % 4 if slides is None else slides,
        keys=tile_keys([f"s/{i}" for i in range(len(truth))]),
        classes=classes,
    )


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def everything(tiles=TILES):
    return torch.ones(tiles, dtype=torch.bool)


def consistency(seen, top_share=0.1, at_least=4, seed=0):
    return ChannelConsistency(seen, top_share, at_least, seed)


def purity_of(classes, number):
    return float((torch.bincount(classes, minlength=number) / len(classes)).square().sum())


@pytest.mark.parametrize("counts", [(4, 3), (3, 2, 2), (6, 1)])
@pytest.mark.parametrize("chosen", [1, 3, 7])
def test_the_chance_is_the_mean_over_all_choices(counts, chosen):
    classes = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    found = [purity_of(classes[list(c)], len(counts)) for c in combinations(range(len(classes)), chosen)]
    expected = torch.tensor(found, dtype=torch.float64).mean()
    assert chance_purity(torch.tensor(counts), chosen) == pytest.approx(float(expected))


def test_channels_that_know_nothing_have_the_chance_purity_also_where_classes_are_unequal():
    """Trap: with nine tiles in ten of one class a random choice is 0.82 pure; permutation says so, too."""
    truth = (torch.arange(TILES) % 10 == 0).long()
    layer = consistency(observed(noise(TILES, 2000), truth), at_least=10).layer(everything())
    raw, corrected = layer.purity(CLEAN), layer.corrected(CLEAN)
    assert raw.mean() > 0.8
    assert raw.mean() == pytest.approx(layer.chance[CLEAN], abs=4 * float(raw.std()) / 2000**0.5)
    assert corrected.mean().abs() < 4 * corrected.std() / 2000**0.5
    assert layer.chance[CLEAN] == chance_purity(torch.tensor([54, 6]), 10)


def test_a_channel_that_is_a_class_is_wholly_pure_and_one_of_alternating_classes_is_not():
    truth = torch.arange(TILES) % 2
    clean = torch.stack([truth.float(), 1 - truth.float(), torch.arange(TILES).float()], dim=1)
    layer = consistency(observed(clean, truth)).layer(everything())
    assert layer.purity(CLEAN).tolist() == [1.0, 1.0, 0.5]
    assert layer.histograms[CLEAN].tolist() == [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]
    assert layer.corrected(CLEAN).tolist()[:2] == pytest.approx([1.0, 1.0])
    chance = chance_purity(torch.tensor([30, 30]), 6)
    assert layer.corrected(CLEAN)[2] == pytest.approx((0.5 - chance) / (1 - chance))


@pytest.mark.parametrize(
    ("share", "least", "count"), [(0.1, 4, 6), (0.11, 4, 7), (0.01, 4, 4), (0.5, 100, 60)]
)
def test_the_top_is_a_share_and_at_least_so_many(share, least, count):
    assert (
        consistency(observed(noise(TILES, 1), torch.arange(TILES) % 2), share, least).top_count(TILES)
        == count
    )


def test_dead_channels_are_counted_and_count_nowhere():
    truth = torch.arange(TILES) % 2
    live = truth.float()[:, None]
    dead = torch.zeros(TILES, 2)
    rounded = 5 + 1e-7 * noise(TILES, 1)
    found = consistency(observed(torch.cat([live, dead, rounded], dim=1), truth)).figures(everything())
    assert found["dead_share"] == 0.75
    assert found[CLEAN] == pytest.approx(1.0)


def test_a_network_of_dead_channels_has_no_consistency():
    found = consistency(observed(torch.zeros(TILES, 3), torch.arange(TILES) % 2)).figures(everything())
    assert found["dead_share"] == 1.0
    assert found[CLEAN] != found[CLEAN]


def test_tiles_of_one_class_have_none_either():
    """Trap: all channels of a one-class cohort are wholly pure."""
    truth = torch.ones(TILES, dtype=torch.int64)
    made = consistency(observed(noise(TILES, 3), truth))
    assert made.layer(everything()).purity(CLEAN).tolist() == [1.0, 1.0, 1.0]
    assert made.figures(everything())[CLEAN] != made.figures(everything())[CLEAN]


def test_an_attack_that_changes_nothing_changes_no_figure():
    """Equal scores follow one another alike on clean and adversarial images, so nothing is lost to ties."""
    clean = (noise(TILES, 8) - 0.9).clamp(min=0)
    found = consistency(observed(clean, torch.arange(TILES) % 2)).figures(everything())
    assert found[TRUE] == found[PREDICTED] == found[CLEAN]
    assert found["cs_true"] == pytest.approx(1.0)


def test_classes_that_the_attack_swaps_are_seen_by_the_cosine_and_not_by_the_purity():
    truth = torch.arange(TILES) % 2
    clean = torch.stack([truth.float(), 1 - truth.float()], dim=1)
    found = consistency(observed(clean, truth, adversarial=1 - clean, predicted=1 - truth)).figures(
        everything()
    )
    assert [found[name] for name in (CLEAN, TRUE, PREDICTED)] == pytest.approx([1.0, 1.0, 1.0])
    assert found["cs_true"] == 0.0
    assert found["cs_predicted"] == pytest.approx(1.0)


def test_ties_follow_the_tile_and_not_its_place():
    """Trap: of mostly zeros a stable sort would take the first slide's tiles."""
    truth = torch.arange(TILES) % 2
    clean = torch.zeros(TILES, 40)
    clean[0] = 1
    seen = observed(clean, truth)
    order = torch.randperm(TILES, generator=torch.Generator().manual_seed(3))
    turned = Observed(
        clean=clean[order],
        adversarial=clean[order],
        truth=truth[order],
        predicted=truth[order],
        slides=seen.slides[order],
        keys=seen.keys[order],
        classes=2,
    )
    shares = [consistency(s).layer(everything()).histograms[CLEAN] for s in (seen, turned)]
    assert torch.equal(*shares)
    tops = consistency(seen).clean_order[:, :6]
    assert len({tuple(sorted(row)) for row in tops.tolist()}) > 30, "each channel draws anew"
    assert not torch.equal(consistency(seen, seed=1).clean_order[:, :6], tops)


@pytest.mark.parametrize("channels", [3, 70])
def test_without_a_slide_it_is_what_the_other_tiles_alone_give(channels):
    truth = (noise(TILES) < 0.3).long()
    slides = torch.cat([torch.zeros(40), torch.ones(12), torch.full((8,), 2)]).long()
    clean = (noise(TILES, channels) - 0.7).clamp(min=0)
    clean[:40, 0] = 0  # only the second and third slide excite it
    clean[52:, 1] = 0
    clean[40:52, 1] = 0
    adversarial = (noise(TILES, channels, seed=1) - 0.7).clamp(min=0)
    predicted = (noise(TILES, seed=2) < 0.6).long()
    whole = consistency(observed(clean, truth, adversarial, predicted, slides), at_least=3)
    for slide in range(3):
        kept = slides != slide
        rest = Observed(
            clean=clean[kept],
            adversarial=adversarial[kept],
            truth=truth[kept],
            predicted=predicted[kept],
            slides=torch.unique(slides[kept], return_inverse=True)[1],
            keys=whole.observed.keys[kept],
            classes=2,
        )
        alone = consistency(rest, at_least=3).figures(everything(int(kept.sum())))
        assert whole.figures(kept) == pytest.approx(alone)
    assert whole.figures(slides != 0)["dead_share"] == pytest.approx(1 / channels)
