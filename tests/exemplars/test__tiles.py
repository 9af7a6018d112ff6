import numpy as np
import pytest
import torch

from tasks.exemplars._tiles import by_slide_id, features_and_logits, labelled
from tasks.exemplars.base import ExemplarError, ExemplarJob
from tasks.models.classifier import Classifier
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    return [
        make_tile_set(folder / "b", "b", "p", "train", 10, failed=(1,)),
        make_tile_set(folder / "a", "a", "p", "train", 6),
    ]


def test_slides_come_by_id_and_unreadable_tiles_do_not(slides):
    tiles = by_slide_id(slides)
    a, b = slides[1].table["tile_id"].tolist(), slides[0].table["tile_id"].tolist()
    assert tiles.table["tile_id"].tolist() == [*a, b[0], *b[2:]]
    assert len(tiles) == 15


def test_labels_choose_and_mixed_is_none_of_them(slides):
    assert set(by_slide_id(slides).table["label"]) == {"normal", "mixed", "tumour"}
    assert set(by_slide_id(slides, CLASSES).table["label"]) == set(CLASSES)
    assert set(by_slide_id(slides, ["tumour"]).table["label"]) == {"tumour"}
    assert len(by_slide_id(slides, ["fat"])) == len(by_slide_id([])) == 0


def test_labels_are_places_among_the_classes(slides):
    places = by_slide_id(slides).label_indices(CLASSES)
    assert places.tolist()[:6] == [0, 0, -1, 1, 1, 0]
    assert by_slide_id(slides).label_indices(("tumour", "normal")).tolist()[:4] == [1, 1, -1, 0]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_batches_are_the_pixels_in_order(slides, size):
    tiles = by_slide_id(slides, CLASSES)
    images = torch.cat(list(tiles.batches(size, torch.device("cpu"))))
    expected = np.stack([tiles.pixels(row) for row in range(len(tiles))])
    assert np.array_equal(images.permute(0, 2, 3, 1).mul(255).round().byte().numpy(), expected)
    row = slides[0].table.index[slides[0].table["tile_id"] == tiles.table["tile_id"].iloc[-1]].item()
    assert np.array_equal(expected[-1], slides[0].pixels[row])


def test_there_is_no_tile_beyond_the_last(slides):
    with pytest.raises(IndexError, match="no such tile"):
        by_slide_id(slides).pixels(15)


def test_features_are_means_of_the_last_map(slides):
    model = Classifier(small_network().eval(), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    told = []
    job = ExemplarJob(model, slides, [], CLASSES, 1, batch=4, advance=told.append)
    features, logits = (
        torch.cat(parts) for parts in zip(*features_and_logits(job, by_slide_id(slides)), strict=True)
    )
    images = torch.cat(list(by_slide_id(slides).batches(100, torch.device("cpu"))))
    layer = model.network[4:6]
    with torch.no_grad():
        before = model.network[:4]((images - model.mean) / model.std)
        assert torch.allclose(features, layer(before).mean((2, 3)), atol=1e-5)
        assert torch.allclose(logits, model(images), atol=1e-5)
    assert told == [4, 2, 4, 4, 1]


def test_training_tiles_without_a_class_are_refused(slides):
    job = ExemplarJob(None, slides, [], ("fat", "stroma"), 1)
    with pytest.raises(
        ExemplarError, match="none of the 2 training slides has a tile labelled fat or stroma"
    ):
        labelled(job)
