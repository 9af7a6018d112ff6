"""For methods that train on other images than those the network will be used on."""

from tasks.regularizers.base import Regularizer, State
from tasks.training_step.batchnorm import reestimate
from tasks.training_step.network import module_of
from tasks.training_step.step import Finish


class CleanStatistics(Regularizer):
    """A method that trains on changed images, so BatchNorm's running statistics describe these.

    The network does not see such images in use, so the statistics are estimated again on clean tiles.
    """

    def after_training(self, finish: Finish, state: State) -> None:
        """Estimate BatchNorm's running statistics on clean training tiles."""
        reestimate(module_of(finish.model), finish.clean_batches())
