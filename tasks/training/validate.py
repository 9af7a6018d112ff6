"""How good the classifier is on what it was not trained on."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.samples.inputs import ask
from tasks.training.base_job import Samples


def predict(model: nn.Module, samples: Samples, device: torch.device) -> Tensor:
    """Return logits float64 [N, K] on the CPU, in eval mode and float32. The mode is restored."""
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        batches = samples.batches(np.arange(len(samples)), samples.at_once, device)
        logits = [ask(model, inputs) for inputs, _ in batches]
    model.train(was_training)
    # Moved once, so that nothing waits for the device between batches.
    return torch.cat(logits).cpu().double()


def scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the validation figures of logits [N, K] and labels int64 [N].

    Every class has the same weight, except in ``val_accuracy``: ``val_loss`` is the mean over classes of
    their mean cross-entropy, ``val_balanced_accuracy`` of their recall, ``val_auroc`` of each against the
    rest.
    """
    from monai.metrics import compute_roc_auc  # takes seconds to import

    hits = (logits.argmax(1) == labels).double()
    return {
        "val_loss": _class_mean(F.cross_entropy(logits, labels, reduction="none"), labels),
        "val_accuracy": float(hits.mean()),
        "val_balanced_accuracy": _class_mean(hits, labels),
        "val_auroc": float(compute_roc_auc(log_odds(logits), F.one_hot(labels, logits.shape[1]))),
    }


def log_odds(logits: Tensor) -> Tensor:
    """Return [N, K]: each class's logit minus the logsumexp of the others.

    It orders tiles as the probability does, but does not saturate at 1, where all tiles would tie.
    """
    own = torch.eye(logits.shape[1], dtype=torch.bool)
    rest = logits[:, None, :].masked_fill(own, float("-inf"))
    return logits - rest.logsumexp(2)


def _class_mean(values: Tensor, labels: Tensor) -> float:
    counts = torch.bincount(labels)
    sums = torch.bincount(labels, weights=values.double())
    return float((sums / counts)[counts > 0].mean())
