"""Whatever a foreign module raises becomes one sentence of one type, and nothing else does."""

import pytest
import torch

from tasks.functional.foreign_errors import SaidAs


class SentenceError(Exception):
    pass


class OwnError(Exception):
    pass


class HomeMadeError(Exception):
    """Of no ordinary kind."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AssertionError("no"), "it failed: AssertionError: no"),
        (AssertionError(), "it failed: AssertionError"),
        (ValueError("\n first \n second"), "it failed: ValueError: first"),
        (RuntimeError("r"), "it failed: RuntimeError: r"),
        (KeyError("k"), "it failed: KeyError: 'k'"),
        (IndexError("i"), "it failed: IndexError: i"),
        (TypeError("t"), "it failed: TypeError: t"),
        (ZeroDivisionError("z"), "it failed: ZeroDivisionError: z"),
        (HomeMadeError("h"), "it failed: HomeMadeError: h"),
    ],
)
def test_any_error_is_said_and_chained(error, said):
    with pytest.raises(SentenceError) as caught, SaidAs(SentenceError, "it failed"):
        raise error
    assert str(caught.value) == said
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [SentenceError("s"), OwnError("o"), MemoryError(), torch.OutOfMemoryError("full"), KeyboardInterrupt()],
)
def test_sentences_exhausted_memory_and_interrupts_pass(error):
    with pytest.raises(type(error)) as caught, SaidAs(SentenceError, "it failed", (OwnError,)):
        raise error
    assert caught.value is error


def test_without_an_error_nothing_happens():
    with SaidAs(SentenceError, "it failed"):
        done = 1
    assert done == 1
