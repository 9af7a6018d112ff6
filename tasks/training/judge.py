"""What the network is worth if training ended now, with the weights that would then be used.

A regularizer may have to set weights right before they are used (noise modulation: BatchNorm's statistics).
The epoch is chosen among networks as they would be used: on the tumour slides of CAMELYON16, choosing among
unfinished ones of a modulated arm took the first epoch of ten.
"""

from collections.abc import Iterator

from torch import Tensor

from tasks.regularizers._step import Finish
from tasks.training.order import epoch_order
from tasks.training.resume import plain
from tasks.training.session import Session, stream
from tasks.training.validate import predict, scores

CLEAN_BATCHES = 100
"""At most so many batches of training tiles are shown again after an epoch."""


def judge_epoch(session: Session, row: dict[str, float]) -> dict[str, float]:
    """Return ``row`` with validation scores, and let the session keep the weights if they are the best.

    Where regularizers act after training they do so first; the scores before that bear ``_as_trained``. The
    network is left as it was trained.
    """
    acting = [i for i, item in enumerate(session.arm.regularizers) if item.acts_after_training]
    session.model.eval()
    if not acting:
        judged = row | _validate(session)
        session.note(judged)
        return judged
    trained = {name: plain(value) for name, value in session.model.state_dict().items()}
    before = {f"{name}_as_trained": value for name, value in _validate(session).items()}
    finish = Finish(model=session.model, clean_batches=lambda: _clean_batches(session))
    for index in acting:
        session.arm.regularizers[index].after_training(finish, session.arm.states[index])
    judged = row | _validate(session) | before
    session.note(judged)
    session.model.load_state_dict(trained)
    return judged


def _validate(session: Session) -> dict[str, float]:
    tiles = session.job.val
    return scores(predict(session.model, tiles, session.device), tiles.labels)


def _clean_batches(session: Session) -> Iterator[Tensor]:
    # Shuffled, as a batch of one slide alone would have the statistics of that slide.
    job = session.job
    shown = min(job.tiles_per_epoch, CLEAN_BATCHES * job.recipe.batch)
    order = epoch_order(job.train.labels, "none", stream(job, "clean"))[:shown]
    for images, _ in job.train.batches(order, job.recipe.batch, session.device):
        yield images
