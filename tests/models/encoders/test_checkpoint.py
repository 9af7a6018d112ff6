"""A trained classifier as an encoder: its last map, its own normalisation, its own tiles alone."""

import json

import pytest
import torch

from tasks.models.classifier import load_classifier
from tasks.models.encoders.checkpoint import CheckpointEncoder
from tasks.models.errors import ModelError
from tests._support.record_jobs import make_checkpoint


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("study") / "model", 0)


def test_features_are_the_pooled_map_that_the_head_reads(stored):
    """So the head of the classifier on them gives its logits."""
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    classifier = load_classifier(stored, torch.device("cpu"))
    with torch.no_grad():
        features = CheckpointEncoder(folder=str(stored.folder)).build()(images)
        assert features.shape == (3, 64)
        torch.testing.assert_close(classifier.network.fc(features), classifier(images))


@pytest.mark.parametrize(("tile_px", "mpp"), [(32, 1.0), (16, 0.5)])
def test_other_tiles_are_refused(stored, tile_px, mpp):
    encoder = CheckpointEncoder(folder=str(stored.folder))
    encoder.refuse_tiles(16, 1.0)
    with pytest.raises(ModelError, match=r"was trained on tiles of 16 px at 1 um/px, got "):
        encoder.refuse_tiles(tile_px, mpp)


def test_its_files_are_found_from_the_study_and_its_path_is_no_recipe(stored):
    encoder = CheckpointEncoder(folder=stored.folder.name).located(stored.folder.parent)
    assert encoder.files()["weights"] == stored.weights
    assert encoder.recipe() == {"name": "checkpoint"}
    assert len(encoder.facts().digest) == 64
    assert encoder.is_ours


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"is no checkpoint: it has no weights\.safetensors"):
        CheckpointEncoder(folder=str(tmp_path)).build()
    (tmp_path / "weights.safetensors").touch()
    (tmp_path / "checkpoint.json").write_text(json.dumps({"classes": ["a"]}))
    with pytest.raises(ModelError, match="is none of a tile classifier: ValidationError"):
        CheckpointEncoder(folder=str(tmp_path)).refuse_tiles(16, 1.0)
