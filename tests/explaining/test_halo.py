"""Tiles explained in their surroundings: no seams, an even border, and the same maps whoever asks."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.artifacts.attributions import HALO_SUM, PixelMaps
from tasks.artifacts.payload import content_digest, list_payload
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explainers.gradient import Gradient
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.occlusion import Occlusion
from tasks.explainers.shuffled_map import ShuffledMap
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explaining.block import AttributionSettings
from tasks.explaining.halo import HaloExplainer, refuse_fixed_size
from tasks.explaining.slide import attribute_slide
from tasks.functional.halo import middle
from tasks.functional.passes import counted_passes
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.plugins import available, plugin_class
from tests._support.small_networks import LinearNetwork, small_network, state_of
from tests._support.surrounded import cut_out, stitched

SIDE, TILE, HALO = 64, 16, 4
BLIND = {
    "random_map", "blurred_noise", "uniform_map", "edge_map", "optical_density", "tissue_mask",
    "centre_prior",
}  # fmt: skip


class SumOfConvolutions(nn.Module):
    """Two convolutions with a ReLU between them, summed over the image: a pixel reaches 2 px far."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 2, 3, padding=1)
        self.double()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [B, 2]."""
        hidden = torch.relu(self.first(images.double()))
        logits: torch.Tensor = self.second(torch.relu(hidden)).sum((2, 3))
        return logits


PIXELS = [
    name
    for name in available("tasks.explainers")
    if "pixels" in plugin_class("tasks.explainers", name).accepts
]
"""Those of images; bags have no halo."""


def explainer_of(name: str) -> Explainer:
    fewer = {"draws": 32} if name == "rise" else {}
    explainer = plugin_class("tasks.explainers", name).model_validate(fewer)
    assert isinstance(explainer, Explainer)
    return explainer.calibrated(0.1)


def explain(folder, model, explainer, tiles, around, batch=32):
    """Return the stored maps of the tiles, in their surroundings where these are given."""
    out, work = folder / "out", folder / "work"
    out.mkdir(parents=True)
    work.mkdir()
    settings = AttributionSettings(target=1, batch=batch, surrounded=around)
    attribute_slide(model, tiles, explainer, settings, out, work)
    return PixelMaps(out)


def asked_again(model, explainer, tiles, around, batch=32):
    """Return what a metric gets that explains the unchanged tiles."""
    images = to_images(tiles.pixels.copy(), torch.device("cpu"))
    keys = tile_keys(tiles.table["tile_id"].tolist())
    again = HaloExplainer(explainer, (around,), batch)
    model = model.eval()
    with torch.no_grad():
        return again.attribute(again.prepare(model), images, torch.ones_like(keys), keys)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def cut(image, tmp_path_factory):
    return cut_out(tmp_path_factory.mktemp("cut"), image, TILE, HALO, 8)


@pytest.mark.parametrize("name", ["gradient", "input_x_gradient", "integrated_gradients", "deep_lift"])
def test_a_halo_as_wide_as_a_pixel_reaches_leaves_no_seam(tmp_path, image, cut, name):
    tiles, around = cut
    model, explainer = SumOfConvolutions(), explainer_of(name)
    whole = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    one, keys = torch.ones(1, dtype=torch.int64), tile_keys(["whole"])
    right = explainer(model, whole, one, keys)[0].numpy()
    found = stitched(explain(tmp_path / "with", model, explainer, tiles, around).maps(), tiles, right.shape)
    inside = np.isfinite(found)
    assert inside.sum() == 9 * TILE**2
    scale = np.abs(right[inside]).max()
    assert np.abs(found - right)[inside].max() < 1e-5 * scale
    bare = stitched(explain(tmp_path / "without", model, explainer, tiles, None).maps(), tiles, right.shape)
    assert np.abs(bare - right)[inside].max() > 0.05 * scale, "there is no seam to mend"


def test_the_border_of_an_untrained_network_is_as_bright_as_the_middle(tmp_path):
    coarse = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    tiles, around = cut_out(tmp_path, coarse.repeat(6, 0).repeat(6, 1), 64, 32, 32)
    model = build_classifier(NetworkRecipe(width=0.125), 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), seed=0).eval()
    without, with_halo = (
        _border(explain(tmp_path / name, model, Gradient(), tiles, shown).maps())
        for name, shown in (("a", None), ("b", around))
    )
    assert without < 0.7
    assert 0.85 < with_halo < 1.1


def _border(maps):
    """Return mean |map| of the outer 8 px over that of the pixels at least 16 px inside."""
    mean, places = np.abs(maps).mean(0), np.arange(maps.shape[1])
    along = np.minimum(places, places[::-1])
    far = np.minimum(along[:, None], along[None])
    return mean[far < 8].mean() / mean[far >= 16].mean()


@pytest.mark.parametrize("name", PIXELS)
def test_changed_tiles_are_explained_as_the_stored_maps_were_made(tmp_path, cut, name):
    tiles, around = cut
    model, explainer = small_network(), explainer_of(name)
    if not explainer.takes_halo:
        assert name in BLIND
        return
    stored = explain(tmp_path, model, explainer, tiles, around)
    again = asked_again(model, explainer, tiles, around)
    scale = max(1e-6, float(np.abs(stored.maps()).max()))
    np.testing.assert_allclose(again, stored.maps(), atol=1e-4 * scale)
    one_by_one = asked_again(model, explainer, tiles, around, batch=1)
    np.testing.assert_allclose(one_by_one, again, atol=1e-4 * scale)
    # The halo is seen.
    bare = explain(tmp_path / "bare", model, explainer, tiles, None).maps()
    assert np.abs(bare - stored.maps()).max() > 1e-3 * scale


@pytest.mark.parametrize("name", ["gradient", "occlusion", "rise", "smoothgrad", "shuffled_map"])
def test_passes_are_counted_per_larger_image(cut, name):
    tiles, around = cut
    model, explainer = small_network().eval(), explainer_of(name)
    with counted_passes(model) as counter:
        asked_again(model, explainer, tiles, around)
    assert counter.spent == HaloExplainer(explainer, (around,), 8).passes() * len(tiles.table)


def test_a_run_is_the_same_twice_and_nearly_in_other_batches_and_leaves_all_as_it_was(tmp_path, cut):
    tiles, around = cut
    model, explainer = small_network(), SmoothGrad(samples=2)
    before, pixels = state_of(model), around.pixels.copy()
    first, second = (explain(tmp_path / n, model, explainer, tiles, around) for n in "ab")
    assert content_digest(list_payload(first.folder)) == content_digest(list_payload(second.folder))
    single = explain(tmp_path / "c", model, explainer, tiles, around, batch=1)
    np.testing.assert_allclose(single.maps(), first.maps(), atol=1e-5)
    assert state_of(model) == before
    assert (around.pixels == pixels).all()
    bare = explain(tmp_path / "d", model, explainer, tiles, None)
    np.testing.assert_allclose(first.logits, bare.logits, atol=1e-6)
    assert HALO_SUM not in bare.index


def test_completeness_is_measured_on_the_whole_map(tmp_path, cut):
    tiles, around = cut
    explainer = IntegratedGradients(steps=64)
    found = explain(tmp_path, SumOfConvolutions(), explainer, tiles, around)
    images = to_images(around.pixels.copy(), torch.device("cpu"))
    with torch.no_grad():
        margins = [
            (logits[:, 1] - logits[:, 0]).numpy()
            for logits in (SumOfConvolutions()(images), SumOfConvolutions()(torch.ones_like(images)))
        ]
    promised, error = margins[0] - margins[1], found.index["completeness_error"].to_numpy()
    assert np.abs(error).max() < 0.02 * np.abs(promised).max()
    sums = found.maps().astype(np.float64).sum((1, 2)) + found.index[HALO_SUM].to_numpy()
    np.testing.assert_allclose(sums - error, promised, rtol=1e-4, atol=1e-4)


def test_controls_of_the_tile_take_no_halo_and_those_that_hold_an_explainer_take_its():
    takes = {name for name in PIXELS if explainer_of(name).takes_halo}
    assert takes == set(PIXELS) - BLIND
    assert not ShuffledMap(base={"name": "centre_prior"}).takes_halo
    assert SmoothGrad().takes_halo


def test_a_shuffled_map_has_the_values_of_the_tile_and_none_of_its_halo(cut):
    tiles, around = cut
    model = small_network()
    own = asked_again(model, Gradient(), tiles, around).flatten(1)
    shuffled = asked_again(model, ShuffledMap(), tiles, around).flatten(1)
    assert torch.equal(own.sort(1).values, shuffled.sort(1).values)
    assert not torch.equal(own, shuffled)


@pytest.mark.parametrize(("overlap", "windows"), [(0.5, 12), (0.0, 12)])
def test_windows_keep_their_size_in_pixels(overlap, windows):
    explainer = Occlusion(windows=8, overlap=overlap)
    wider = explainer.with_halo(64, 16)
    assert wider.windows == windows
    (first, *_), (other, *_) = explainer._along(64), wider._along(96)
    assert abs((first.stop - first.start) - (other.stop - other.start)) <= 1
    held = ShuffledMap(base={"name": "occlusion"}).with_halo(64, 16)
    assert isinstance(held.base, Occlusion)
    assert held.base.windows == 12


def test_what_cannot_be_explained_with_a_halo_is_said_in_a_sentence(tmp_path, cut):
    tiles, around = cut
    fixed = LinearNetwork(torch.ones(3, TILE, TILE))
    said = r"explain.halo_px is 4, so tiles of 16 px .* images of 24 px, which .* set explain.halo_px to 0"
    with pytest.raises(ExplanationError, match=said):
        explain(tmp_path / "fixed", fixed, Gradient(), tiles, around)
    with pytest.raises(ExplanationError, match=r"the network gives \[1, 2, 24, 24\] in place of one row"):
        refuse_fixed_size(nn.Conv2d(3, 2, 1), torch.ones(1, 3, 24, 24), 4)
    strange = cut_out(tmp_path / "other", np.zeros((SIDE, SIDE, 3), np.uint8), 8, HALO, 8)[1]
    with pytest.raises(ExplanationError, match="the surroundings are not of the tiles that are explained"):
        explain(tmp_path / "strange", small_network(), Gradient(), tiles, strange)
    lost = tile_keys(["elsewhere"])
    with pytest.raises(ExplanationError, match="surroundings of the tile with key"):
        HaloExplainer(Gradient(), (around,), 8).attribute(
            small_network().eval(), torch.ones(1, 3, TILE, TILE), torch.ones(1, dtype=torch.int64), lost
        )


def test_what_surrounds_a_changed_tile_stays(cut):
    """The network sees the changed tile where it was, and around it what was there."""
    tiles, around = cut
    seen = []

    class Watching(Gradient):
        def attribute(self, model, images, targets, tile_keys):
            seen.append(images)
            return images.sum(1)

    images = torch.rand(2, 3, TILE, TILE)
    keys = tile_keys(tiles.table["tile_id"].tolist()[4:6])
    maps = HaloExplainer(Watching(), (around,), 8).attribute(small_network(), images, keys, keys)
    torch.testing.assert_close(maps, images.sum(1))
    shown = torch.cat(seen)
    assert torch.equal(middle(shown, HALO), images)
    stored = to_images(around.pixels[4:6].copy(), torch.device("cpu"))
    middle(stored, HALO).copy_(images)
    assert torch.equal(shown, stored)
