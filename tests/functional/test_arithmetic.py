"""Float32 is float32 whatever was set before, and a block leaves every switch as it found it."""

import pytest
import torch

from tasks.functional.arithmetic import arithmetic, promise_float32, short_products

B = torch.backends


def switches():
    """Return every switch as torch tells it, with the older ones where it answers."""
    newer = [
        B.cuda.matmul.fp32_precision, B.cudnn.conv.fp32_precision, B.cudnn.rnn.fp32_precision,
        B.mkldnn.matmul.fp32_precision, B.mkldnn.conv.fp32_precision, B.mkldnn.rnn.fp32_precision,
    ]  # fmt: skip
    try:
        older = [B.cuda.matmul.allow_tf32, B.cudnn.allow_tf32, torch.get_float32_matmul_precision()]
    except RuntimeError:
        older = ["mixed"]
    return [*newer, *older, B.cudnn.benchmark, B.cudnn.deterministic]


EXACT = ["ieee"] * 6 + [False, False, "highest", False, False]


def nothing():
    pass


def older():
    torch.set_float32_matmul_precision("medium")
    B.cudnn.allow_tf32 = True


def newer():
    B.cuda.matmul.fp32_precision = "tf32"
    B.cudnn.conv.fp32_precision = "tf32"


def for_all():
    B.fp32_precision = "tf32"


def tuned():
    B.cudnn.benchmark = True
    B.cudnn.deterministic = True


USERS = [nothing, older, newer, for_all, tuned]


@pytest.fixture(autouse=True)
def put_back():
    """End as torch began."""
    yield
    promise_float32()
    B.fp32_precision = "none"
    B.cudnn.benchmark = B.cudnn.deterministic = False


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.__name__)
def test_float32_is_promised_whatever_the_user_set(user):
    user()
    promise_float32()
    assert switches() == EXACT
    assert not short_products()


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.__name__)
@pytest.mark.parametrize("tf32", [False, True])
def test_a_block_leaves_every_switch_as_it_was(user, tf32):
    user()
    found = switches()
    inside = []

    def fail():
        with arithmetic(tf32=tf32, autotune=True):
            inside.extend([short_products(), *switches()])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside[0] == tf32
    assert inside[4:7] == ["ieee"] * 3
    assert inside[-2:] == [True, False]
    assert switches() == found


@pytest.mark.parametrize(
    ("autotune", "benchmark", "deterministic"),
    [(None, False, False), (True, True, False), (False, False, True)],
)
def test_how_convolutions_are_chosen(autotune, benchmark, deterministic):
    with arithmetic(autotune=autotune):
        assert (B.cudnn.benchmark, B.cudnn.deterministic) == (benchmark, deterministic)
        assert not short_products()


def test_blocks_may_lie_in_one_another():
    """Validation inside a training in TF32 is float32."""
    with arithmetic(tf32=True, autotune=True):
        with arithmetic():
            assert switches() == EXACT
        assert short_products()
        assert B.cudnn.benchmark
