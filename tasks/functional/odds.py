"""Log odds of a prediction, exact where its probability rounds to 1."""

import torch
import torch.nn.functional as F
from torch import Tensor


def log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    """Return log(p / (1 - p)), float [B], of the probability p of ``classes`` [B] under ``logits`` [B, K].

    The gradient of the cross-entropy is that of this times -(1 - p). This gradient keeps its size and
    direction where p rounds to 1, where that of the cross-entropy is lost.
    """
    own = F.one_hot(classes, logits.shape[1]).bool()
    others = logits.masked_fill(own, -torch.inf).logsumexp(1)
    return logits.gather(1, classes[:, None]).squeeze(1) - others
