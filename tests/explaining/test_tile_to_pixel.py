"""Slide to tile to pixel: known answers at both steps, and what each step misses."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.feature_set import FeatureSet
from tasks.embedding.slide import EmbeddingSettings, embed_slide
from tasks.explainers.base import ExplanationError
from tasks.explainers.gradient import Gradient
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explaining.tile_in_bag import TileInBag
from tasks.explaining.tile_to_pixel import Chain, ChainSettings, explain_leading_tiles
from tasks.functional.gradients import target_margin
from tasks.functional.pixels import to_images
from tasks.models.bag_classifier import BagClassifier, build_bag_classifier
from tasks.models.encoders.colour_statistics import ColourStatistics
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.base import BagModel
from tasks.models.mil.mean_pool import MeanPool
from tasks.models.mil.transformer import Transformer
from tests._support.bags import DIM, bag_network, ragged
from tests._support.feature_sets import make_feature_set
from tests._support.small_networks import state_of
from tests._support.tile_sets import make_tile_set

COUNT = 9
MODELS = {"abmil": Abmil(embed=8, attention=4), "transformer": Transformer(width=8, heads=2)}


class MeanColour(nn.Module):
    """Features [B, 3]: the mean of each channel."""

    def forward(self, images: Tensor) -> Tensor:
        """Return them."""
        return images.mean((2, 3))


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return make_tile_set(tmp_path_factory.mktemp("tiles"), "s", "p", "test", COUNT, failed=(4,))


def embedded(folder, tiles) -> FeatureSet:
    folder.mkdir()
    embed_slide(tiles, "tumour", ColourStatistics(), EmbeddingSettings("float32"), folder)
    return FeatureSet(folder)


def model_of(recipe: BagModel, features: np.ndarray) -> BagClassifier:
    mean, std = torch.from_numpy(features.mean(0)), torch.from_numpy(features.std(0) + 0.05)
    return build_bag_classifier(recipe, 2, mean, std, 0).eval()


def run(folder, chain, features, tiles, explainer, count=3):
    folder.mkdir()
    explain_leading_tiles(chain, features, tiles, explainer, ChainSettings(1, count), folder)
    found = Attributions(folder)
    assert found.support == "pixel"
    return found.pixel_maps


@pytest.mark.parametrize("name", MODELS)
def test_each_step_says_what_it_shares_out_and_misses(tmp_path, tiles, name):
    features = embedded(tmp_path / "features", tiles)
    model = model_of(MODELS[name], features.features())
    encoder = ColourStatistics().build()
    before = state_of(model)
    explainer = IntegratedGradients(steps=64)
    found = run(tmp_path / "out", Chain(encoder, model), features, tiles, explainer)
    assert state_of(model) == before
    index = found.index
    assert index["contribution"].is_monotonic_decreasing
    assert index["tiles_error"].abs().max() < (1e-5 if name == "abmil" else 1e-2)
    bag = torch.from_numpy(features.features())[None]
    with torch.no_grad():
        for number, row in index.iterrows():
            position = features.tile_ids.index(row["tile_id"])
            blank = bag.clone()
            blank[0, position] = encoder(torch.ones(1, 3, 32, 32))[0]
            mask = torch.ones(1, COUNT - 1, dtype=torch.bool)
            margins = [target_margin(model(each, mask), torch.tensor([1])).item() for each in (bag, blank)]
            assert row["map_sum"] - row["completeness_error"] == pytest.approx(
                margins[0] - margins[1], abs=1e-4
            )
            assert row["map_sum"] == pytest.approx(found.maps()[number].sum(), abs=1e-4)
            assert abs(row["encoding_error"]) < 1e-4
    promised = (index["map_sum"] - index["completeness_error"]).abs().sum()
    assert index["completeness_error"].abs().sum() < 0.1 * promised


def test_of_a_linear_chain_every_pixel_has_its_part(tmp_path, tiles):
    """The mean colour, a mean over tiles and a linear head: w (x - 1) over pixels, tiles and spread."""
    colours = to_images(tiles.pixels[tiles.usable], torch.device("cpu")).mean((2, 3)).numpy()
    features = make_feature_set(tmp_path / "f", "s", "p", "test", "tumour", COUNT - 1)
    table = features.table.assign(tile_id=tiles.table["tile_id"].iloc[tiles.usable].to_numpy())
    from tasks.artifacts.feature_set import write_features

    (tmp_path / "colours").mkdir()
    facts = features.facts.model_copy(update={"dim": 3})
    write_features(tmp_path / "colours", colours, table, facts, "float32")
    model = model_of(MeanPool(), colours)
    chain = Chain(MeanColour(), model)
    found = run(
        tmp_path / "out", chain, FeatureSet(tmp_path / "colours"), tiles, IntegratedGradients(steps=1)
    )
    weight = ((model.network.head.weight[1] - model.network.head.weight[0]) / model.std).detach().numpy()
    for number, row in found.index.iterrows():
        position = tiles.table["tile_id"].tolist().index(row["tile_id"])
        image = tiles.pixels[position].astype(np.float64) / 255
        expected = (image - 1) @ weight / image[..., 0].size / (COUNT - 1)
        np.testing.assert_allclose(found.maps()[number], expected, rtol=1e-3, atol=1e-8)
        share = float((colours[features_row(tiles, position)] - model.mean.numpy()) @ weight / (COUNT - 1))
        assert row["contribution"] == pytest.approx(share, abs=1e-5)
        assert abs(row["completeness_error"]) < 1e-6


def features_row(tiles, position: int) -> int:
    return tiles.usable.tolist().index(position)


@pytest.mark.parametrize("model", ["abmil", "transformer"])
def test_a_tile_in_its_bag_gives_the_logits_of_the_bag(model):
    network, bag = bag_network(model).eval(), ragged((7,))

    class Row(nn.Module):
        """Hands the features on that an image carries."""

        def forward(self, images: Tensor) -> Tensor:
            return images[:, :, 0, 0].repeat(1, 2)

    images = torch.rand(3, DIM // 2, 1, 1)
    join = TileInBag(Row(), network, bag, 4)
    with torch.no_grad():
        for number, logits in enumerate(join(images)):
            features = bag.features.clone()
            features[0, 4] = images[number, :, 0, 0].repeat(2)
            torch.testing.assert_close(logits, network(features, bag.mask)[0])
    alone = TileInBag(Row(), network, ragged((1,)), 0)
    with torch.no_grad():
        features = images[:1, :, 0, 0].repeat(1, 2)[None]
        expected = network(features, torch.ones(1, 1, dtype=torch.bool))
        torch.testing.assert_close(alone(images[:1]), expected)


def test_an_explainer_without_a_reference_has_no_error_and_few_tiles_are_all(tmp_path, tiles):
    features = embedded(tmp_path / "features", tiles)
    chain = Chain(ColourStatistics().build(), model_of(MODELS["abmil"], features.features()))
    found = run(tmp_path / "out", chain, features, tiles, Gradient(), count=50)
    assert len(found.index) == COUNT - 1
    assert found.index["completeness_error"].isna().all()
    assert np.isfinite(found.maps()).all()


def test_features_that_are_not_of_these_tiles_are_refused(tmp_path, tiles):
    features = make_feature_set(tmp_path / "f", "other", "p", "test", "tumour", 5)
    chain = Chain(MeanColour(), model_of(MODELS["abmil"], features.features()))
    with pytest.raises(ExplanationError, match="has features and no pixels"):
        run(tmp_path / "out", chain, features, tiles, Gradient())
