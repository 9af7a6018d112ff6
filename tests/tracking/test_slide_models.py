"""Slide models in MLflow: exported for bags of any size, with the encoder beside them and no patient."""

import numpy as np
import pytest
import torch

from tasks.artifacts.feature_set import EncoderFacts
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.mil.tile_classifier import TileClassifier
from tasks.tracking.job import dataset_of_bags, encoder_params
from tasks.tracking.model import WholeBags, signature_of
from tests._support.bag_models import make_bag_checkpoint, small_models
from tests._support.feature_sets import DIM, make_bag_cohort


@pytest.mark.parametrize(
    "model", [*small_models(), TileClassifier(aggregation="top_share", share=0.3)], ids=str
)
def test_every_slide_model_is_exported_for_bags_of_any_number_and_size(model, tmp_path):
    checkpoint = make_bag_checkpoint(
        tmp_path / "model", model, make_bag_cohort(tmp_path / "sets", patients=4)
    )
    classifier = load_bag_classifier(checkpoint, torch.device("cpu"))
    whole = WholeBags(classifier).eval()
    shapes = ({0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO},)
    exported = torch.export.export(whole, (torch.rand(2, 5, DIM),), dynamic_shapes=shapes).module()
    features = torch.randn(3, 9, DIM)
    mask = torch.ones(3, 9, dtype=torch.bool)
    torch.testing.assert_close(exported(features), classifier(features, mask), rtol=1e-4, atol=1e-5)


def test_the_signature_is_of_bags(tmp_path):
    sets = make_bag_cohort(tmp_path / "sets", patients=4)
    checkpoint = make_bag_checkpoint(tmp_path / "model", small_models()[0], sets)
    signature = signature_of(checkpoint)
    assert signature.inputs.inputs[0].shape == (-1, -1, DIM)
    assert signature.outputs.inputs[0].shape == (-1, 2)


def test_a_dataset_of_bags_counts_and_names_no_patient(tmp_path):
    sets = make_bag_cohort(tmp_path, patients=4)
    found = dataset_of_bags("train", [each.facts for each in sets], ["b", "a"])
    assert found.profile == {
        "slides": 4,
        "patients": 4,
        "tiles": sum(each.facts.count for each in sets),
        "labels": {"normal": 2, "tumour": 2},
        "features": DIM,
        "encoder": "made_up",
        "mpp": 0.5,
    }
    assert found == dataset_of_bags("train", [each.facts for each in sets], ["a", "b"])


def test_an_encoder_is_told_with_its_licence_or_that_none_is_stated():
    known = EncoderFacts(name="vit", digest="ab", licence="CC-BY-NC-ND-4.0")
    assert encoder_params(known) == {
        "encoder": "vit",
        "encoder_licence": "CC-BY-NC-ND-4.0",
        "encoder_digest": "ab",
    }
    claimed = encoder_params(EncoderFacts(name="uni", claimed=True))
    assert claimed["encoder_licence"] == "not stated"
    assert claimed["encoder_claimed"] == "by the file of the features"
    assert np.all([isinstance(value, str) for value in claimed.values()])
