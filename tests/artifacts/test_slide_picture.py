"""Pictures of a whole slide, and what lies under each tile."""

import numpy as np
import pytest

from tasks.artifacts.slide_picture import SampledPicture, Squares, read_picture, sampled, write_picture


def squares(*corners, extent, tile_px):
    x, y = np.array(corners, dtype=float).T
    return Squares(x, y, extent, tile_px)


def under(picture, downsample, tiles):
    return list(sampled(picture, downsample, tiles, np.arange(len(tiles))))


def test_a_tile_pixel_has_the_value_at_its_centre():
    mask = np.random.default_rng(0).random((30, 40)) < 0.5
    (same,) = under(mask, (4.0, 4.0), squares((8, 12), extent=32.0, tile_px=8))
    np.testing.assert_array_equal(same, mask[3:11, 2:10])
    (finer,) = under(mask, (4.0, 4.0), squares((8, 12), extent=32.0, tile_px=16))
    np.testing.assert_array_equal(finer, np.kron(mask[3:11, 2:10], np.ones((2, 2))))


def test_beyond_the_slide_nothing_is_set():
    (tile,) = under(np.ones((4, 4), dtype=bool), (1.0, 1.0), squares((-2, 2), extent=4.0, tile_px=4))
    np.testing.assert_array_equal(tile, [[0, 0, 1, 1]] * 2 + [[0] * 4] * 2)


def test_axes_with_scales_of_their_own_are_sampled_by_their_own():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tile,) = under(picture, (2.0, 4.0), squares((2, 0), extent=4.0, tile_px=4))
    np.testing.assert_array_equal(tile, np.repeat([[1, 1, 2, 2]], 4, axis=0))


@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_a_picture_is_read_back_as_it_was_written(tmp_path, dtype):
    values = np.random.default_rng(1).integers(0, 2 if dtype is bool else 256, (37, 51)).astype(dtype)
    write_picture(tmp_path / "p.png", values)
    read = read_picture(tmp_path / "p.png")
    np.testing.assert_array_equal(read > 0 if dtype is bool else read, values)
    first = (tmp_path / "p.png").read_bytes()
    write_picture(tmp_path / "p.png", values)
    assert (tmp_path / "p.png").read_bytes() == first


def test_masks_are_indexed_as_an_array_of_them_would_be(tmp_path):
    values = np.random.default_rng(2).integers(0, 4, (64, 64)).astype(np.uint8)
    write_picture(tmp_path / "p.png", values)
    tiles = squares(*[(x, y) for y in range(0, 64, 16) for x in range(0, 64, 16)], extent=16.0, tile_px=16)
    whole = np.stack([values[y : y + 16, x : x + 16] for y in range(0, 64, 16) for x in range(0, 64, 16)])
    for binary, wanted in ((False, whole), (True, (whole > 0).astype(np.uint8))):
        masks = SampledPicture(tiles, tmp_path / "p.png", (1.0, 1.0), binary)
        assert (masks.shape, masks.dtype, len(masks)) == (wanted.shape, np.uint8, 16)
        for rows in (3, -1, slice(2, 9), slice(None), [5, 1, 1], np.array([], dtype=np.intp)):
            np.testing.assert_array_equal(masks[rows], wanted[rows])
        with pytest.raises(IndexError, match="no tile 16 among 16"):
            masks[16]


def test_a_picture_that_was_written_anew_is_read_anew(tmp_path):
    for value in (1, 2):
        write_picture(tmp_path / "p.png", np.full((4 + value, 4), value, np.uint8))
        assert (read_picture(tmp_path / "p.png") == value).all()
