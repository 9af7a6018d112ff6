"""An encoder that cannot be used is refused before any slide is read."""

import pytest
import torch
from torch import nn

from tasks.embedding.admission import check_encoder
from tasks.models.encoders.checkpoint import CheckpointEncoder
from tasks.models.encoders.colour_statistics import ColourStatistics
from tasks.models.errors import ModelError
from tests._support.record_jobs import make_checkpoint


class Gives(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, images):
        return self.answer(images)


def test_it_says_how_long_features_are(tmp_path):
    assert check_encoder(ColourStatistics(), 8, 0.5) == 27
    encoder = CheckpointEncoder(folder=str(make_checkpoint(tmp_path / "c", 0).folder))
    assert check_encoder(encoder, 16, 1.0) == 64
    with pytest.raises(ModelError, match="was trained on tiles of 16 px"):
        check_encoder(encoder, 32, 1.0)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda images: images, r"features of shape \[2, 3, 8, 8\] for two tiles, needed \[2, D\]"),
        (lambda images: images.mean((2, 3)) / 0, "features that are not finite"),
        (lambda images: images.reshape(3, -1) @ torch.ones(2), "cannot encode tiles of 8 px: RuntimeError"),
    ],
)
def test_other_answers_are_refused(monkeypatch, answer, sentence):
    monkeypatch.setattr(ColourStatistics, "build", lambda self: Gives(answer))
    with pytest.raises(ModelError, match=sentence):
        check_encoder(ColourStatistics(), 8, 0.5)
