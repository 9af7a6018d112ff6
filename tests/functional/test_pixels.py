"""From stored pixels to inputs."""

import numpy as np
import torch

from tasks.functional.pixels import batch_spans, forward_in_batches, spans, to_images


def test_images_are_channels_first_in_the_unit_interval():
    pixels = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    images = to_images(pixels, torch.device("cpu"))
    assert images.shape == (2, 3, 4, 5)
    assert images.dtype == torch.float32
    assert images[1, 2, 3, 4].item() == np.float32(pixels[1, 3, 4, 2]) / np.float32(255)


def test_spans_cover_everything_once():
    assert [(s.start, s.stop) for s in spans(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert list(spans(0, 3)) == []


def test_batches_of_many_slides_have_few_sizes():
    assert [(s.start, s.stop) for s in batch_spans(77, 64)] == [(0, 64), (64, 72), (72, 76), (76, 77)]
    assert list(batch_spans(0, 3)) == []
    for size in (1, 3, 64):
        lengths = set()
        for count in range(200):
            parts = list(batch_spans(count, size))
            assert [i for part in parts for i in range(part.start, part.stop)] == list(range(count))
            lengths |= {part.stop - part.start for part in parts}
        assert max(lengths) <= size
        assert len(lengths) <= size.bit_length() + 1


def test_batches_are_joined_in_order():
    images = torch.rand(5, 1, 2, 2, requires_grad=True)
    found = forward_in_batches(lambda batch: batch.sum((1, 2, 3)), images, 2)
    torch.testing.assert_close(found, images.sum((1, 2, 3)).detach())
    assert not found.requires_grad
