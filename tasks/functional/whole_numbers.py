"""Values as integers, whose sums do not depend on the order."""

import torch
from torch import Tensor

_PARTS = 2.0**32


def whole_numbers(values: Tensor) -> Tensor:
    """Return int64 [B, P]: each row in multiples of 2**-32 of its largest magnitude, or zeros.

    Float sums differ in their last bit by the order of their terms, which on an accelerator may differ from
    run to run, and where means are ranked a last bit decides. Up to 2**31 of these add up without overflow,
    and of up to 2**21 equal ones the float64 mean is exactly theirs.

    Args:
        values: float [B, P], finite.
    """
    largest = values.abs().amax(1, keepdim=True).double()
    return (values / largest.clamp(min=torch.finfo(torch.float64).tiny) * _PARTS).round().long()
