"""For methods that train on other images than those the network will be used on."""

from tasks.regularizers.base import Regularizer, State
from tasks.training_step.batchnorm import reestimate
from tasks.training_step.network import module_of
from tasks.training_step.step import Finish


class CleanStatistics(Regularizer):
    """A method whose training inputs are changed images: BatchNorm's running statistics are theirs.

    The network would never meet such images again, so the statistics are taken anew before it is used.
    """

    def after_training(self, finish: Finish, state: State) -> None:
        """Take BatchNorm's running statistics from clean training tiles."""
        reestimate(module_of(finish.model), finish.clean_batches())
