"""EfficientNet-Lite0 pads as TensorFlow does, and has the sizes of the published network."""

import torch
from torch.nn import functional as F

from tasks.models.efficientnet_lite import EfficientNetLite0, SamePadded, empty_lite0


def test_it_has_the_published_number_of_weights_but_the_head():
    own = sum(parameter.numel() for parameter in empty_lite0().parameters())
    assert own == 4_652_008 - 1280 * 1000 - 1000


def test_with_stride_two_the_further_pixel_is_at_the_lower_right():
    layer = SamePadded(1, 1, 3, 2)
    with torch.no_grad():
        layer.weight[:] = torch.arange(9.0).view(1, 1, 3, 3)
        image = torch.rand(1, 1, 8, 8)
        expected = F.conv2d(F.pad(image, [0, 1, 0, 1]), layer.weight, stride=2)
        torch.testing.assert_close(layer(image), expected)
        odd = F.conv2d(F.pad(image[..., :7, :7], [1, 1, 1, 1]), layer.weight, stride=2)
        torch.testing.assert_close(layer(image[..., :7, :7]), odd)


def test_any_size_gives_as_many_features():
    network = EfficientNetLite0().eval()
    with torch.no_grad():
        assert (
            network(torch.zeros(1, 3, 64, 64)).shape == network(torch.zeros(1, 3, 50, 50)).shape == (1, 1280)
        )
