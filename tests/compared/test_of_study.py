"""What a page says of a study of level slide: the axes of its maps, and the labels that arms saw."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from tasks.compared.of_study import trained_on_in_words, two_axes, weak_labels_in_words
from tasks.comparison.job import TwoAxes
from tasks.evaluate import EvaluateSection
from tasks.faithfulness.tile_deletion import TileDeletion
from tasks.faithfulness.tile_localisation import TileLocalisation
from tasks.faithfulness.tile_marks import TileMarks
from tasks.slides.row import SlideRow
from tasks.train import TrainSection


@dataclass
class Described:
    """A study that has sections and a level, and nothing else."""

    level: str
    sections: tuple

    @property
    def config(self):
        return SimpleNamespace(level=self.level)

    def section(self, kind):
        return next(section for section in self.sections if isinstance(section, kind))


def study(*metrics, level="slide", train=None):
    return Described(level, (EvaluateSection(metrics=metrics or (TileDeletion(),)), train))


@pytest.fixture
def evaluated(monkeypatch):
    """Let a study have one slide that is explained, with these fields."""

    def use(**fields):
        row = SlideRow(slide_id="a", patient_id="p", path="a.tiff", split="test", **fields)
        monkeypatch.setattr("tasks.compared.of_study._evaluated", lambda study: [row])

    return use


@pytest.mark.parametrize(
    ("metrics", "axes"),
    [
        ((TileDeletion(), TileLocalisation()), TwoAxes("tile_deletion", "tile_localisation")),
        ((TileMarks(), TileDeletion()), TwoAxes("tile_deletion", "tile_marks")),
        ((TileMarks(), TileLocalisation(), TileDeletion()), TwoAxes("tile_deletion", "tile_localisation")),
        ((TileDeletion(),), TwoAxes("tile_deletion", "")),
        ((TileLocalisation(),), TwoAxes("", "tile_localisation")),
    ],
)
def test_each_axis_is_the_first_metric_of_its_kind(evaluated, metrics, axes):
    evaluated(annotation="a.geojson")
    assert two_axes(study(*metrics)) == axes


def test_marks_come_first_where_no_tile_has_a_label_of_its_own(evaluated):
    evaluated(label="tumour")
    assert two_axes(study(TileLocalisation(), TileMarks())).plausibility == "tile_marks"
    assert two_axes(study(TileLocalisation())).plausibility == "tile_localisation"


def test_marks_of_decoys_and_artefacts_are_no_axis(evaluated):
    evaluated(label="tumour")
    decoy, stamp = TileMarks(id="d", mark="decoy"), TileMarks(id="s", mark="artefact")
    assert two_axes(study(decoy, stamp, TileMarks(id="e"))).plausibility == "e"
    assert two_axes(study(decoy, stamp)).plausibility == ""


def test_a_study_of_tiles_has_no_axes():
    assert two_axes(study(level="tile")) is None


def test_arms_are_named_by_the_labels_they_were_trained_on():
    train = TrainSection.model_validate(
        {
            "arms": [
                {"id": "mean", "model": "mean_pool"},
                {"id": "tiles", "model": "tile_classifier"},
                {"id": "attention"},
            ],
            "seeds": [0],
            "recipe": {"bag": {"model": "abmil"}},
        }
    )
    assert trained_on_in_words(study(train=train)) == (
        "what arms were trained on: mean, attention on labels of slides; tiles on labels of tiles"
    )


def test_labels_of_slides_are_not_weak_where_slides_are_what_models_learn():
    assert weak_labels_in_words(study()) == ""
