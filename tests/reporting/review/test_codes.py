"""Numbers survive the page to within half a step, clipped, and NaN stays without a value."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.reporting.drawing.colour import paint_attribution, paint_probability
from tasks.reporting.review.codes import (
    colour_table,
    map_codes,
    packed,
    packed_text,
    packed_words,
    probability_codes,
    range_codes,
)


def unpacked(text: str) -> np.ndarray:
    """Unpack an array by the rule of data.js."""
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.cumsum(data[1:], dtype=np.uint8) if data[0] else data[1:]


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=50), st.floats(1e-6, 1e6))
def test_a_map_comes_back_within_half_a_step(values, limit):
    wanted = np.array(values) * limit
    codes = map_codes(wanted, limit).astype(float)
    found = (codes - 128) / 127 * limit
    assert np.abs(found - np.clip(wanted, -limit, limit)).max() <= limit / 127 / 2 * (1 + 1e-9)
    assert codes.min() >= 1


def test_zero_ends_and_no_value_have_their_codes():
    assert map_codes(np.array([-3.0, -1.0, 0.0, 1.0, 3.0, np.nan]), 1.0).tolist() == [1, 1, 128, 255, 255, 0]
    assert probability_codes(np.array([0.0, 0.5, 1.0, np.nan])).tolist() == [1, 128, 255, 0]
    assert range_codes(np.array([2.0, 3.0, 4.0, np.nan]), 2, 4, 255).tolist() == [1, 128, 255, 0]
    assert range_codes(np.array([7.0]), 7, 7, 255).tolist() == [1]


@pytest.mark.parametrize("smooth", [True, False])
def test_packed_arrays_come_back(smooth):
    noise = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)
    codes = (np.arange(5000) // 7 % 256).astype(np.uint8) if smooth else noise
    text = packed(codes)
    assert np.array_equal(unpacked(text), codes)
    assert zlib.decompress(base64.b64decode(text))[0] == smooth


def test_words_are_all_high_bytes_and_then_all_low_ones():
    words = np.array([0, 1, 256, 65535], np.uint16)
    high, low = np.split(unpacked(packed_words(words)).astype(int), 2)
    assert (high * 256 + low).tolist() == words.tolist()


def test_text_comes_back():
    assert unpacked(packed_text("µm <é>")).tobytes().decode() == "µm <é>"


def over_pale_grey(kind: str, codes: np.ndarray, opacity: float) -> np.ndarray:
    """Return the colour of the table over white tissue, as the browser shows it."""
    table = np.frombuffer(base64.b64decode(colour_table(kind)), np.uint8).reshape(256, 4)[codes].astype(float)
    share = opacity * table[:, 3:] / 255
    return (1 - share) * 255 + share * table[:, :3]


@pytest.mark.parametrize("kind", ["signed", "magnitude"])
def test_colours_are_those_of_the_drawings(kind):
    values = np.linspace(-1.2 if kind == "signed" else 0, 1.2, 61)
    white = np.full((1, 61, 3), 255, np.uint8)
    drawn = paint_attribution(white, values[None].astype(np.float32), 1.0, 0.8, signed=kind == "signed")
    rounded = (map_codes(values, 1.0).astype(float) - 128) / 127
    exact = paint_attribution(white, rounded[None].astype(np.float32), 1.0, 0.8, signed=kind == "signed")
    shown = over_pale_grey(kind, map_codes(values, 1.0), 0.8)
    assert np.abs(shown - exact[0]).max() <= 1.5
    assert np.abs(shown - drawn[0]).max() <= 8


def test_probabilities_are_coloured_as_the_drawings_do():
    values = np.linspace(0, 1, 51)
    codes = probability_codes(values)
    rounded = (codes.astype(float) - 1) / 254
    exact = paint_probability(np.full((1, 51, 3), 255, np.uint8), rounded[None].astype(np.float32), 0.6)
    assert np.abs(over_pale_grey("probability", codes, 0.6) - exact[0]).max() <= 1.5


def test_no_value_is_seen_through():
    for kind in ("signed", "magnitude", "probability"):
        assert base64.b64decode(colour_table(kind))[:4] == b"\0\0\0\0"
