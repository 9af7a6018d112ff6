"""Which epoch is chosen."""

import pytest

from tasks.training.run import choose_epoch


def rows(*values):
    return [{"val_auroc": auroc, "val_loss": loss} for auroc, loss in values]


@pytest.mark.parametrize(
    ("history", "rule", "expected"),
    [
        (rows((0.7, 1.0), (0.9, 2.0), (0.8, 0.5)), "val_auroc", 2),
        (rows((0.7, 1.0), (0.9, 2.0), (0.8, 0.5)), "val_loss", 3),
        (rows((0.9, 2.0), (0.9, 1.0), (0.9, 1.5)), "val_auroc", 2),
        (rows((0.9, 1.0), (0.9, 1.0)), "val_auroc", 1),
    ],
)
def test_best_then_lower_loss_then_earlier(history, rule, expected):
    assert choose_epoch(history, rule) == expected
