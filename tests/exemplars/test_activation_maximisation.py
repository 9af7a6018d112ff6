import numpy as np
import pytest
import torch
from PIL import Image

from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.exemplars.activation_maximisation import ActivationMaximisation
from tasks.exemplars.base import ExemplarError, ExemplarJob, show_exemplars
from tasks.models.classifier import Classifier
from tests._support.small_networks import LinearNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "train", 20)


def shown(method, model, slide, out, **changes):
    out.mkdir()
    job = ExemplarJob(
        model=model, train=[slide], explained=[], **{"classes": CLASSES, "target": 1, **changes}
    )
    show_exemplars(method, job, out)
    return ExemplarSet(out)


def image(found, name):
    return np.asarray(Image.open(found.folder / name)).astype(float) / 255


def network():
    return Classifier(small_network(), (0.7, 0.6, 0.7), (0.2, 0.2, 0.2))


HALVES = torch.ones(3, 16, 16)
HALVES[..., :8] = -1


@pytest.mark.parametrize("sigma", [0.0, 0.2])
def test_of_a_linear_network_the_image_is_the_sign_of_its_weights(slide, sigma, tmp_path):
    sign = torch.randint(0, 2, (1, 16, 16), generator=torch.Generator().manual_seed(0)).mul(2).sub(1).float()
    sign = sign.expand(3, -1, -1).contiguous()
    method = ActivationMaximisation(steps=150, learning_rate=0.2, sigma=sigma, jitter_px=0)
    found = shown(method, LinearNetwork(sign), slide, tmp_path / "a")
    values = found.table("values.parquet").set_index("name")
    for name, place, wanted in (("tumour", 1, sign), ("normal", 0, -sign)):
        pixels = image(found, f"class_{place}.png") - 0.5
        assert np.abs(pixels).mean() > 0.49
        # A pixel that a first large step made black or white stays so: the sigmoid is flat there.
        assert (np.sign(pixels) == wanted.permute(1, 2, 0).numpy()).mean() > 0.96
        # No image has more than the sum of the positive weights.
        most = float(wanted.clamp_min(0).sum())
        assert 0.93 * most < values.loc[name, "end"] <= most


def test_the_values_rise_and_the_steps_say_so(slide, tmp_path):
    found = shown(ActivationMaximisation(steps=60), network(), slide, tmp_path / "a")
    values, steps = found.table("values.parquet"), found.table("steps.parquet")
    assert values["name"].tolist() == ["normal", "tumour"]
    assert (values["end"] > values["start"]).all()
    assert found.info.excluded == {"images whose value did not rise": 0}
    for name in CLASSES:
        climb = steps.loc[steps["name"] == name]
        assert climb["step"].tolist() == list(range(60))
        assert climb["value"].iloc[-10:].mean() > climb["value"].iloc[:10].mean()


def test_before_is_the_mean_colour_and_the_highest_tile_is_that_of_all_tiles(slide, tmp_path):
    found = shown(ActivationMaximisation(steps=1, sigma=0), LinearNetwork(HALVES), slide, tmp_path / "a")
    values = found.table("values.parquet").set_index("name")
    table = slide.table
    rows = np.flatnonzero(table["label"].isin(CLASSES))
    margins = (slide.pixels[rows] / 255.0 * HALVES[0, :, :, None].numpy()).sum((1, 2, 3))
    for name, best in (("tumour", margins), ("normal", -margins)):
        assert values.loc[name, "highest"] == pytest.approx(best.max(), rel=1e-4)
        assert values.loc[name, "highest_tile"] == table["tile_id"].iloc[rows[best.argmax()]]
        assert abs(values.loc[name, "start"]) < 20, "an even colour and small noise have next to no margin"


def test_a_value_that_does_not_rise_is_counted(slide, tmp_path):
    found = shown(ActivationMaximisation(steps=2), LinearNetwork(HALVES * 0), slide, tmp_path / "a")
    assert found.info.excluded == {"images whose value did not rise": 2}


def test_the_channels_are_those_most_active_on_tiles_of_the_target(slide, tmp_path):
    model = network()
    method = ActivationMaximisation(objective="channel", channels=3, steps=30)
    found = shown(method, model, slide, tmp_path / "a")
    rows = np.flatnonzero(slide.table["label"] == "tumour")
    images = torch.from_numpy(slide.pixels[rows] / 255.0).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        means = model.eval().features(images).mean((0, 2, 3))
    wanted = means.argsort(descending=True)[:3].tolist()
    values = found.table("values.parquet")
    assert values["name"].tolist() == [f"channel {place}" for place in wanted]
    assert {p.name for p in found.pictures} == {"preferred.png", *(f"channel_{p}.png" for p in wanted)}
    assert (values["end"] > values["start"]).all()


def test_channels_may_be_named_and_one_named_twice_is_shown_once(slide, tmp_path):
    method = ActivationMaximisation(objective="channel", channels=(5, 2, 5), steps=2)
    found = shown(method, network(), slide, tmp_path / "a")
    assert found.table("values.parquet")["name"].tolist() == ["channel 5", "channel 2"]


def test_a_channel_that_there_is_not_is_refused(slide, tmp_path):
    method = ActivationMaximisation(objective="channel", channels=(8,), steps=2)
    with pytest.raises(ExemplarError, match="there is no channel 8; the layer has 0 to 7"):
        shown(method, network(), slide, tmp_path / "a")


def test_without_tiles_of_the_target_no_channel_is_chosen_but_one_may_be_named(slide, tmp_path):
    less = {"classes": ("normal", "fat")}
    with pytest.raises(ExemplarError, match="no training tile labelled fat chooses the channels"):
        shown(ActivationMaximisation(objective="channel", steps=2), network(), slide, tmp_path / "a", **less)
    named = ActivationMaximisation(objective="channel", channels=(1,), steps=2)
    assert len(shown(named, network(), slide, tmp_path / "b", **less).pictures) == 2


@pytest.mark.parametrize(("given", "size"), [(None, 16), (24, 24)])
def test_images_are_of_the_size_of_the_tiles_or_as_wanted(slide, given, size, tmp_path):
    found = shown(ActivationMaximisation(steps=2, size_px=given), network(), slide, tmp_path / "a")
    assert image(found, "class_0.png").shape == (size, size, 3)


def test_sigma_changes_the_image_and_so_does_the_seed(slide, tmp_path):
    images = []
    for number, fields in enumerate(({}, {"sigma": 0.0}, {"seed": 1})):
        method = ActivationMaximisation(steps=10, learning_rate=0.05, **fields)
        images.append(image(shown(method, network(), slide, tmp_path / str(number)), "class_1.png"))
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


class Endless(LinearNetwork):
    def forward(self, images):
        return super().forward(images) * torch.tensor([1.0, torch.nan])


def test_numbers_without_an_end_are_refused_and_the_weights_are_as_found(slide, tmp_path):
    model = Endless(HALVES.clone())
    before = state_of(model)
    with pytest.raises(ExemplarError, match=r"left the finite numbers at sigma 0\.2"):
        shown(ActivationMaximisation(steps=3), model, slide, tmp_path / "a")
    assert state_of(model) == before


def test_the_pictures_are_the_images_that_were_found(slide, tmp_path):
    found = shown(ActivationMaximisation(steps=3), network(), slide, tmp_path / "a")
    sheet = image(found, "preferred.png")
    small = Image.open(found.folder / "class_0.png").resize((168, 168), Image.Resampling.LANCZOS)
    assert np.array_equal(sheet[110 : 110 + 168, 20 : 20 + 168], np.asarray(small) / 255)
    best = found.table("values.parquet")["highest_tile"].iloc[0]
    tile = slide.pixels[int(np.flatnonzero(slide.table["tile_id"] == best)[0])]
    large = Image.fromarray(np.asarray(tile)).resize((168, 168), Image.Resampling.LANCZOS)
    assert np.array_equal(sheet[110 : 110 + 168, 200 : 200 + 168], np.asarray(large) / 255)


@pytest.mark.parametrize("fields", [{"sigma": -0.1}, {"steps": 0}, {"channels": 0}, {"size_px": 4}])
def test_fields_have_bounds(fields):
    with pytest.raises(ValueError, match="greater than or equal"):
        ActivationMaximisation(**fields)
