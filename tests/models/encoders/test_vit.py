"""Published vision transformers: sizes are those of timm, transforms and tiles those of the table."""

import pytest
import torch
from safetensors.torch import save_file

from tasks.embedding.admission import check_encoder
from tasks.models.encoders._published import PRESETS, VitPreset
from tasks.models.encoders.vit import Vit
from tasks.models.errors import ModelError
from tasks.models.vit import VisionTransformer
from tests._support.vit_weights import SHAPES, as_dinov2, filled, made_up_images, own_shapes

COUNTS = {
    "uni": (342, 303350784),
    "uni2_h": (343, 681394176),
    "virchow": (454, 631229184),
    "virchow2": (455, 631239424),
    "h_optimus_0": (567, 1134774272),
    "prov_gigapath": (566, 1134953984),
    "lunit_s8": (150, 21670272),
    "kaiko_s16": (150, 21665664),
    "kaiko_b8": (150, 85807872),
}
"""How many tensors and numbers timm 1.0.31 makes for each, with the arguments that their authors publish."""


@pytest.mark.parametrize("name", COUNTS)
def test_published_sizes_are_those_of_timm(name):
    with torch.device("meta"):
        state = VisionTransformer(PRESETS[name].shape).state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == COUNTS[name]


DIMS = {"uni": 1024, "uni2_h": 1536, "virchow2": 2560, "h_optimus_1": 1536, "phikon": 768, "phikon_v2": 1024}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_its_licence_and_source(name):
    preset = PRESETS[name]
    assert preset.licence
    assert preset.citation
    width = preset.shape.dim * (2 if preset.features == "cls_and_mean" else 1)
    assert width == DIMS.get(name, width)


def described(kind, **changes):
    preset = {"shape": SHAPES[kind].model_dump(), "transform": {"resize": SHAPES[kind].size}}
    return VitPreset.model_validate({**preset, **changes})


def vit(folder, kind, weights=None, **changes):
    path = folder / "w.safetensors"
    save_file(filled(own_shapes(SHAPES[kind])) if weights is None else weights, path)
    return Vit(weights=str(path), preset=described(kind, **changes))


def test_features_are_the_class_token_and_the_mean_of_patches_without_registers(tmp_path):
    plain = {"mean": (0, 0, 0), "std": (1, 1, 1), "resize": 28}
    encoder = vit(tmp_path, "virchow2", features="cls_and_mean", transform=plain)
    network = VisionTransformer(SHAPES["virchow2"]).eval()
    network.load_state_dict(filled(own_shapes(SHAPES["virchow2"])))
    with torch.no_grad():
        images = made_up_images(28)
        tokens, features = network(images), encoder.build()(images)
    torch.testing.assert_close(features, torch.cat([tokens[:, 0], tokens[:, 5:].mean(1)], dim=1))


def test_a_file_of_dinov2_gives_what_the_file_of_timm_gives(tmp_path):
    weights = filled(own_shapes(SHAPES["prov_gigapath"]))
    first = vit(tmp_path, "prov_gigapath").build()
    torch.save({"teacher": as_dinov2(weights, 1)}, tmp_path / "w.pth")
    second = Vit(weights=str(tmp_path / "w.pth"), preset=described("prov_gigapath")).build()
    with torch.no_grad():
        images = torch.rand(2, 3, 60, 60)
        assert torch.equal(first(images), second(images))


def test_positions_of_larger_images_are_resized_for_dinov2_alone(tmp_path):
    shape = SHAPES["uni"]
    weights = filled({**own_shapes(shape), "pos_embed": (1, 1 + 25, shape.dim)})
    assert vit(tmp_path, "uni", weights, trained_px=80).build()(torch.rand(1, 3, 32, 32)).shape == (1, 48)
    with pytest.raises(ModelError, match=r"1 layers have another shape, first 'pos_embed'"):
        vit(tmp_path, "uni", weights).build()


@pytest.mark.parametrize(
    ("preset", "tile_px", "mpp", "sentence"),
    [
        ("uni", 512, 0.5, r"uni takes tiles of 224 or 256 px, got 512 px: set tile\.tile_px"),
        ("uni", 256, 0.25, r"uni takes tiles at 0\.5 um/px, got 0\.25: set tile\.mpp"),
        ("h_optimus_0", 256, 0.5, "h_optimus_0 takes tiles of 224 px, got 256 px"),
        ("prov_gigapath", 224, 0.5, "prov_gigapath takes tiles of 256 px, got 224 px"),
        ("virchow2", 224, 0.7, r"virchow2 takes tiles at 0\.25 or 0\.5 or 1 or 2 um/px, got 0\.7"),
    ],
)
def test_tiles_that_an_encoder_was_not_made_for_are_refused(preset, tile_px, mpp, sentence):
    with pytest.raises(ModelError, match=sentence):
        Vit(weights="w", preset=preset).refuse_tiles(tile_px, mpp)


def test_its_own_tiles_are_taken_and_another_mpp_where_it_is_named():
    Vit(weights="w", preset="uni").refuse_tiles(256, 0.5)
    Vit(weights="w", preset="uni", mpp=0.44).refuse_tiles(224, 0.44)
    Vit(weights="w", preset="dinov2_s14").refuse_tiles(100, 3.0)
    with pytest.raises(ModelError, match=r"takes tiles at 0\.44 um/px, got 0\.5"):
        Vit(weights="w", preset="uni", mpp=0.44).refuse_tiles(224, 0.5)


def test_an_unknown_preset_and_a_transform_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"no preset 'virchow_2' \(did you mean 'virchow2'\?\); there"):
        Vit(weights="w", preset="virchow_2")
    with pytest.raises(ValueError, match="the transform gives images of 64 px, the network takes 32"):
        described("uni", transform={"resize": 64})
    with pytest.raises(ValueError, match=r"without resize or crop, tiles must be \[32\]"):
        described("uni", transform={})


def test_its_facts_and_recipe_name_the_encoder_and_never_a_path(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"weights")
    encoder = Vit(weights="w.safetensors", preset="uni").located(tmp_path)
    assert encoder.files() == {"weights": path.resolve()}
    assert encoder.recipe() == {"name": "vit", "preset": "uni", "mpp": None}
    facts = encoder.facts()
    assert (facts.name, len(facts.digest)) == ("uni", 64)
    assert "derivatives" in facts.licence


def test_a_small_one_passes_admission_and_a_cut_file_does_not(tmp_path):
    assert check_encoder(vit(tmp_path, "lunit_s8"), 40, 0.5) == 48
    weights = filled(own_shapes(SHAPES["lunit_s8"]))
    del weights["blocks.1.mlp.fc2.bias"]
    with pytest.raises(ModelError, match=r"1 layers are missing, first 'blocks\.1\.mlp\.fc2\.bias'"):
        check_encoder(vit(tmp_path, "lunit_s8", weights), 40, 0.5)
