"""Factories as a user brings them, to be imported by name."""

import torch
from torch import nn

from tests._support.small_networks import LinearNetwork, small_network

SIDE = 8


def linear() -> nn.Module:
    """A linear network of zeros on images of 8 x 8 pixels."""
    return LinearNetwork(torch.zeros(3, SIDE, SIDE))


def convolutional() -> nn.Module:
    """A small network with BatchNorm and dropout."""
    return small_network()


def nothing() -> None:
    """No network."""


def failing() -> nn.Module:
    """Raise an error."""
    raise ZeroDivisionError("division by zero")
