import numpy as np
import pytest
import torch

from tasks.exemplars._tiles import Tiles, labelled, looks
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
    tiles = Tiles(slides)
    a, b = slides[1].table["tile_id"].tolist(), slides[0].table["tile_id"].tolist()
    assert tiles.table["tile_id"].tolist() == [*a, b[0], *b[2:]]
    assert len(tiles) == 15


def test_labels_choose_and_mixed_is_none_of_them(slides):
    assert set(Tiles(slides).table["label"]) == {"normal", "mixed", "tumour"}
    assert set(Tiles(slides, CLASSES).table["label"]) == set(CLASSES)
    assert set(Tiles(slides, ["tumour"]).table["label"]) == {"tumour"}
    assert len(Tiles(slides, ["fat"])) == len(Tiles([])) == 0


def test_labels_are_places_among_the_classes(slides):
    places = Tiles(slides).label_places(CLASSES)
    assert places.tolist()[:6] == [0, 0, -1, 1, 1, 0]
    assert Tiles(slides).label_places(("tumour", "normal")).tolist()[:4] == [1, 1, -1, 0]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_batches_are_the_pixels_in_order(slides, size):
    tiles = Tiles(slides, CLASSES)
    images = torch.cat(list(tiles.batches(size, torch.device("cpu"))))
    expected = np.stack([tiles.pixels(row) for row in range(len(tiles))])
    assert np.array_equal(images.permute(0, 2, 3, 1).mul(255).round().byte().numpy(), expected)
    row = slides[0].table.index[slides[0].table["tile_id"] == tiles.table["tile_id"].iloc[-1]].item()
    assert np.array_equal(expected[-1], slides[0].pixels[row])


def test_there_is_no_tile_beyond_the_last(slides):
    with pytest.raises(IndexError, match="no such tile"):
        Tiles(slides).pixels(15)


def test_features_are_means_of_the_last_convolution(slides):
    model = Classifier(small_network().eval(), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    told = []
    job = ExemplarJob(model, slides, [], CLASSES, 1, batch=4, advance=told.append)
    features, logits = (torch.cat(parts) for parts in zip(*looks(job, Tiles(slides)), strict=True))
    images = torch.cat(list(Tiles(slides).batches(100, torch.device("cpu"))))
    layer = model.network[4]
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
