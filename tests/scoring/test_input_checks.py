"""What is wrong with an array is said in one sentence."""

import numpy as np
import pytest
import torch

from tasks.scoring.errors import ScoringError
from tasks.scoring.input_checks import as_array, checked_images, checked_maps

IMAGES = np.full((2, 3, 4, 4), 0.5, np.float32)


def given(images=IMAGES, targets=(0, 1), masks=None, keys=None, patients=None):
    return checked_images(images, np.asarray(targets), masks or {}, keys, patients)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (IMAGES[0], r"images have shape \[3, 4, 4\]; needed \[N, 3, H, W\], at least one image"),
        (IMAGES[:, :1], r"images have shape \[2, 1, 4, 4\]"),
        (IMAGES[:0], r"images have shape \[0, 3, 4, 4\]"),
        (IMAGES.astype(np.int64), "images are int64; needed uint8, or floats"),
        (IMAGES * 4, r"images hold values from 2 to 2; needed \[0, 1\], with the normalisation in the model"),
        (IMAGES - 1, "images hold values from -0.5 to -0.5"),
        (np.where(np.eye(4), np.nan, IMAGES), "images hold values that are not finite"),
        ([[1, 2], [3]], "images are no array"),
    ],
)
def test_images_that_are_none(images, said):
    with pytest.raises(ScoringError, match=said):
        given(images)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([0, 1, 1], r"targets are int64 \[3\]; needed integers \[2\], one an image"),
        ([0.0, 1.0], r"targets are float64 \[2\]"),
        ([[0], [1]], r"targets are int64 \[2, 1\]"),
    ],
)
def test_targets_that_are_none(targets, said):
    with pytest.raises(ScoringError, match=said):
        given(targets=targets)


def test_names_are_one_an_image_and_keys_unique():
    with pytest.raises(ScoringError, match="1 keys come with 2 images"):
        given(keys=["a"])
    with pytest.raises(ScoringError, match="keys must be unique, but 'a' is listed more than once"):
        given(keys=["a", "a"])
    with pytest.raises(ScoringError, match="3 patients come with 2 images"):
        given(patients=["a", "a", "b"])
    with pytest.raises(ScoringError, match="some images name a patient and some do not"):
        given(patients=["a", ""])
    found = given(patients=["a", "a"])
    assert (found.keys, found.patients) == (("0", "1"), ("a", "a"))


@pytest.mark.parametrize(
    ("name", "mask", "said"),
    [
        ("tumour", np.ones((2, 4, 4), bool), "no mask 'tumour'; the masks are: annotation, evidence,"),
        ("tissue", np.ones((2, 4, 5), bool), r"masks\['tissue'\] are bool \[2, 4, 5\]; needed booleans"),
        ("tissue", np.ones((2, 4, 4)), r"masks\['tissue'\] are float64"),
    ],
)
def test_masks_that_are_none(name, mask, said):
    with pytest.raises(ScoringError, match=said):
        given(masks={name: mask})


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        (
            np.zeros((2, 4, 5)),
            r"attributions\['m'\] have shape \[2, 4, 5\]; needed \[2, 4, 4\], one map an image$",
        ),
        (np.zeros((2, 3, 4, 4)), "reduce the channels to one map, by their sum where the sign is to be kept"),
        (np.zeros((2, 4, 4), bool), r"attributions\['m'\] are bool; needed floats"),
        (
            np.full((2, 4, 4), np.inf),
            r"2 of 2 maps in attributions\['m'\] hold values .* the first of image '0'",
        ),
    ],
)
def test_maps_that_are_none(maps, said):
    with pytest.raises(ScoringError, match=said):
        checked_maps("m", maps, given())


def test_what_torch_alone_knows_arrives_as_numbers():
    halves = torch.full((2, 3), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert as_array(halves, "x").tolist() == [[0.5] * 3] * 2
    assert checked_maps("m", torch.ones(2, 4, 4, dtype=torch.float64), given()).dtype == np.float32


def test_bytes_stay_bytes():
    assert given((IMAGES * 255).astype(np.uint8)).images.dtype == np.uint8
    assert given(torch.from_numpy(IMAGES).double()).images.dtype == np.float32
