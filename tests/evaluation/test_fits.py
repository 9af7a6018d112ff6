"""Metrics and explanations that do not fit are refused in a sentence that names both."""

import pytest

from tasks.evaluation.fits import refuse_misfits
from tasks.explainers.contribution import Contribution
from tasks.explainers.gradient import Gradient
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.gini import Gini
from tasks.faithfulness.random_logit import RandomLogit
from tasks.faithfulness.tile_deletion import TileDeletion


class WantsOthers(Contribution):
    """An explainer that compares with other bags."""

    @property
    def wants_references(self) -> bool:
        return True


def test_what_fits_is_let_through_at_either_level():
    refuse_misfits([TileDeletion(), Gini(), RandomLogit()], [Contribution()], 2, "bag")
    refuse_misfits([Deletion(), Gini()], [Gradient()], 2, "tile")


@pytest.mark.parametrize(
    ("metric", "explainer", "sample", "said"),
    [
        (Deletion(), Contribution(), "bag", "'deletion' gives scores per tile, but a study of level slide"),
        (TileDeletion(), Gradient(), "tile", "'tile_deletion' gives scores per slide"),
        (
            RandomLogit(),
            WantsOthers(id="others"),
            "bag",
            "'random_logit' asks the explainer again, and 'others' compares with bags",
        ),
    ],
)
def test_what_does_not_fit_is_refused(metric, explainer, sample, said):
    with pytest.raises(ValueError, match=said):
        refuse_misfits([metric], [explainer], 2, sample)
