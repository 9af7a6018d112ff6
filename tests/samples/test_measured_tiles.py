import numpy as np
import pytest
import torch

from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.tile_sets import make_tile_set


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    made = [
        make_tile_set(folder / "b", "b", "p", "test", 20, failed=(0, 6)),
        make_tile_set(folder / "a", "a", "p", "test", 10),
    ]
    return MeasuredTiles(made, ("normal", "tumour"))


def test_every_batch_has_the_pixels_labels_and_keys_of_the_same_tiles(tiles):
    batches = list(tiles.batches(3, torch.device("cpu")))
    assert len(tiles) == 14 + 8 == sum(len(b.keys) for b in batches)
    assert max(len(b.keys) for b in batches) == 3
    assert torch.equal(torch.cat([b.keys for b in batches]), tiles.keys)
    assert torch.equal(torch.cat([b.labels for b in batches]), tiles.labels)
    images = torch.cat([b.images for b in batches])
    for number in range(len(tiles)):
        own = tiles.pixels(number)
        assert np.array_equal((images[number].permute(1, 2, 0) * 255).round().numpy(), own)
        whole = next(t for t in tiles.tile_sets if tiles.table["tile_id"][number] in set(t.table["tile_id"]))
        row = whole.table.index[whole.table["tile_id"] == tiles.table["tile_id"][number]].item()
        assert np.array_equal(whole.pixels[row], own)


def test_the_share_of_a_mark_is_that_of_the_labelled_tiles_and_unknown_without_an_image(tmp_path):
    made = [make_tile_set(tmp_path / name, name, "p", "test", 10, failed=(1,)) for name in "ab"]
    mask = np.zeros((10, 16, 16), np.uint8)
    mask[3, :4] = mask[2] = mask[1] = 1  # row 2 is mixed and row 1 cannot be read
    np.save(made[1].folder / "artefact_mask.npy", mask)
    shares = MeasuredTiles(made, ("normal", "tumour")).marked_fraction("artefact")
    np.testing.assert_array_equal(shares, [np.nan] * 7 + [0, 0.25, 0, 0, 0, 0, 0])


def test_labels_are_indices_and_slides_count_in_order(tiles):
    names = [("normal", "tumour")[label] for label in tiles.labels.tolist()]
    assert names == tiles.table["label"].tolist()
    assert tiles.slides.tolist() == [0] * 14 + [1] * 8
    with pytest.raises(IndexError):
        tiles.pixels(22)
