"""Images in memory look like tiles."""

import numpy as np

from tasks.scoring.input_checks import checked_images
from tasks.scoring.memory import MASKS, MapsInMemory


def some(masks=None):
    images = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    return checked_images(images, np.array([0, 1]), masks or {}, ["a", "b"], None)


def test_pixels_have_their_channels_last_and_tiles_their_labels():
    images = some()
    assert images.pixels.shape == (2, 4, 5, 3)
    assert images.pixels[1, 2, 3].tolist() == images.images[1, :, 2, 3].tolist()
    assert images.table["tile_id"].tolist() == ["a", "b"]
    assert images.table["label"].tolist() == ["0", "1"]
    assert images.usable.tolist() == [0, 1]


def test_without_masks_all_is_tissue_and_nothing_is_outlined():
    images = some()
    assert images.tissue_mask.shape == (2, 4, 5)
    assert images.tissue_mask.all()
    assert (images.annotation_mask == -1).all()
    assert images.marks == {}


def test_an_outline_names_the_class_of_its_image():
    mask = np.zeros((2, 4, 5), bool)
    mask[:, 1] = True
    images = some({"annotation": mask, "artefact": mask, "tissue": ~mask})
    assert MASKS == ("annotation", "evidence", "decoy", "artefact", "tissue")
    for number, target in enumerate((0, 1)):
        assert np.array_equal(images.annotation_mask[number] == target, mask[number])
    assert list(images.marks) == ["artefact"]
    assert np.array_equal(images.tissue_mask, ~mask)


def test_maps_come_in_the_order_of_the_images():
    images = some()
    values = np.arange(40, dtype=np.float32).reshape(2, 4, 5)
    maps = MapsInMemory(images, values, np.array([np.nan, 0.5]))
    assert maps.index["tile_id"].tolist() == ["a", "b"]
    assert maps.index["target"].tolist() == [0, 1]
    assert maps.index["completeness_error"].iloc[1] == 0.5
    assert np.array_equal(maps.maps(slice(1, 2)), values[1:])
    assert np.array_equal(maps.maps(), values)
