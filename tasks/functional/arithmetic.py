"""How exact float32 is on a device, and how its convolutions are chosen. All of it belongs to the process.

NVIDIA GPUs can multiply float32 numbers with ten bits of mantissa in place of 23 (TF32). Torch does so in
convolutions unless it is told not to, and CPUs with matrix units have a like switch. Explanations, metrics
and predictions promise float32, so every build of a stage that asks models switches it off before it begins,
and training switches it on only where the recipe says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch

_EXACT, _SHORT = "ieee", "tf32"
_GPU = ("cuda.matmul", "cudnn.conv", "cudnn.rnn")
_OPERATIONS = (*_GPU, "mkldnn.matmul", "mkldnn.conv", "mkldnn.rnn")


def promise_float32() -> None:
    """Let float32 be float32 on every device, and convolutions be chosen without timing them.

    It holds for the whole process and until it is changed. Whatever the user set by torch's older or newer
    switches, or by the environment, is overruled.
    """
    _set_tf32(on=False)
    _choose_convolutions(timed=False, repeatable=False)


@contextmanager
def arithmetic(*, tf32: bool = False, autotune: bool | None = None) -> Iterator[None]:
    """Set the switches inside the block, and put them back as they were after it.

    Args:
        tf32: multiply float32 numbers on an accelerator with ten bits of mantissa.
        autotune: True lets cuDNN time its algorithms for each shape and take the fastest, which may be
            another one in the next run, with other last bits. False takes those that it calls
            deterministic. None takes what cuDNN guesses is fast, without timing.
    """
    found = _Switches.read()
    try:
        _set_tf32(on=tf32)
        _choose_convolutions(timed=autotune is True, repeatable=autotune is False)
        yield
    finally:
        found.restore()


def short_products() -> bool:
    """Say whether a float32 product on an accelerator may have ten bits of mantissa now."""
    return any(_backend(name).fp32_precision == _SHORT for name in _GPU)


def _set_tf32(on: bool) -> None:
    # The older switches first: torch refuses to read them where the newer ones say something else.
    torch.set_float32_matmul_precision("high" if on else "highest")
    torch.backends.cudnn.allow_tf32 = on
    for name in _OPERATIONS:
        # On a CPU nothing is shortened: it would gain nothing that amp does not.
        _backend(name).fp32_precision = _SHORT if on and name in _GPU else _EXACT


def _choose_convolutions(timed: bool, repeatable: bool) -> None:
    torch.backends.cudnn.benchmark = timed
    torch.backends.cudnn.deterministic = repeatable


def _backend(name: str) -> Any:
    library, _, operation = name.partition(".")
    return getattr(getattr(torch.backends, library), operation)


@dataclass(frozen=True)
class _Switches:
    """All switches as they were found."""

    matmul: str | None
    cudnn: bool | None
    precisions: dict[str, str]
    benchmark: bool
    deterministic: bool

    @classmethod
    def read(cls) -> "_Switches":
        matmul, cudnn = None, None
        # Torch refuses to answer where older and newer switches were mixed. The newer ones count then.
        with suppress(RuntimeError):
            matmul = torch.get_float32_matmul_precision()
        with suppress(RuntimeError):
            cudnn = torch.backends.cudnn.allow_tf32
        precisions = {name: _backend(name).fp32_precision for name in _OPERATIONS}
        return cls(
            matmul, cudnn, precisions, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
        )

    def restore(self) -> None:
        if self.matmul is not None:
            torch.set_float32_matmul_precision(self.matmul)
        if self.cudnn is not None:
            torch.backends.cudnn.allow_tf32 = self.cudnn
        for name, precision in self.precisions.items():
            _backend(name).fp32_precision = precision
        _choose_convolutions(self.benchmark, self.deterministic)
