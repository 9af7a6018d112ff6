"""Which tiles are trained on, and that a batch holds the right pixels."""

import numpy as np
import pytest
import torch

from tasks.training.errors import TrainingDataError
from tasks.training.tiles import labelled_tiles
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")


@pytest.fixture
def sets(tmp_path):
    return [
        make_tile_set(tmp_path / "b", "b", "p", "train", 20, failed=(0, 3)),
        make_tile_set(tmp_path / "a", "a", "q", "train", 15),
        make_tile_set(tmp_path / "v", "v", "r", "val", 10),
    ]


def test_mixed_and_failed_tiles_are_left_out_and_slides_sorted(sets):
    tiles = labelled_tiles(sets, "train", CLASSES)
    assert len(tiles) == 12 + 14
    first = tiles.gather(np.arange(1)).numpy()
    assert np.array_equal(first[0], sets[1].pixels[0])
    assert tiles.labels[:4].tolist() == [0, 0, 1, 1]
    assert tiles.rows.tolist()[12:16] == [1, 4, 5, 6]


def test_unlabelled_tiles_are_left_out(sets):
    table = sets[0].table.assign(label="")
    table.to_parquet(sets[0].folder / "tiles.parquet", index=False)
    del sets[0].__dict__["table"]
    assert len(labelled_tiles(sets, "train", CLASSES)) == 12


def test_batches_hold_their_pixels_in_the_asked_order(sets):
    tiles = labelled_tiles(sets, "train", CLASSES)
    order = np.random.default_rng(0).permutation(len(tiles))
    seen = list(tiles.batches(order, 8, torch.device("cpu")))
    assert [len(images) for images, _ in seen] == [8, 8, 8, 2]
    assert np.array_equal(np.concatenate([positions for _, positions in seen]), order)
    images, positions = seen[1]
    expected = torch.stack([tiles.gather(positions[i : i + 1])[0] for i in range(8)])
    assert images.dtype == torch.float32
    assert images.shape == (8, 3, 16, 16)
    assert torch.equal((images * 255).round().byte().permute(0, 2, 3, 1), expected)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_iterator_may_be_left_early(sets):
    tiles = labelled_tiles(sets, "train", CLASSES)
    batches = tiles.batches(np.arange(len(tiles)), 4, torch.device("cpu"))
    next(batches)
    batches.close()


def test_strange_labels_missing_classes_and_mixed_sizes_are_sentences(sets, tmp_path):
    with pytest.raises(TrainingDataError, match=r"slide 'a' has tiles labelled \['tumour'\]; training knows"):
        labelled_tiles(sets, "train", ("normal", "stroma"))
    with pytest.raises(
        TrainingDataError, match=r"split 'test' has no usable tile of class \['normal', 'tumour'\]"
    ):
        labelled_tiles(sets, "test", CLASSES)
    sets.append(make_tile_set(tmp_path / "c", "c", "s", "train", 10, tile_px=8))
    with pytest.raises(TrainingDataError, match="mixes tiles of shapes"):
        labelled_tiles(sets, "train", CLASSES)
