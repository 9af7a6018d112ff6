"""The scores of tiles of an explainer, made in memory, block by block."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.evidence.bag_block import BagBlock
from tasks.evidence.bag_evidence import BagEvidence
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.batch import BatchExplainer
from tasks.functional.completeness import completeness_note
from tasks.functional.foreign_errors import SaidAs
from tasks.functional.gradients import LogitsError
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.functional.weight_noise import WeightNoiseError
from tasks.scoring.errors import ScoringError

_SENTENCES = (ExplanationError, LogitsError, WeightNoiseError)


@dataclass
class MadeScores:
    """What one explainer gave: per slide its scores [N], its completeness error, and why it gave none."""

    values: list[NDArray[np.float32]] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def silent(self) -> str:
        """Why it gave no score on any slide; empty where it gave some."""
        return self.reasons[0] if all(self.reasons) else ""


def settled_on_bags(
    model: nn.Module, explainers: Mapping[str, Explainer], evidence: BagEvidence, device: torch.device
) -> dict[str, Explainer]:
    """Return the explainers with all decided that is found in the network.

    Raises:
        ScoringError: one cannot explain this network, or needs what is not here.
    """
    wanting = [name for name, explainer in explainers.items() if explainer.wants_references]
    if wanting:
        raise ScoringError(
            f"explainer {wanting[0]!r} compares with bags of other slides, which are not handed over here; "
            "choose another baseline"
        )
    first = evidence.block(evidence, evidence.explained[:1], device).bags
    with SaidAs(ScoringError, "an explainer cannot explain this network", (ScoringError,)):
        try:
            return {name: explainer.settled(model, first) for name, explainer in explainers.items()}
        except ExplanationError as error:
            raise ScoringError(str(error)) from error


def explained_bags(
    model: nn.Module,
    explainers: Mapping[str, Explainer],
    evidence: BagEvidence,
    batch: int,
    device: torch.device,
) -> tuple[dict[str, MadeScores], Passes]:
    """Return what each explainer gives of all bags, and the passes. Features are read once for all of them.

    Args:
        model: gives logits [B, K], on ``device``; left as found.
        explainers: by name, settled.
        evidence: the bags.
        batch: bags in flight.
        device: where the model lies.

    Raises:
        ScoringError: an explainer failed, or gave values that are not finite.
    """
    made = {name: MadeScores() for name in explainers}
    spent = Passes()
    with leave_as_found(model), torch.no_grad():
        ready = {
            name: BatchExplainer(explainer, explainer.prepare(model), batch)
            for name, explainer in explainers.items()
        }
        for rows in evidence.pieces(evidence, evidence.explained, batch):
            block = evidence.block(evidence, rows, device)
            for name, explaining in ready.items():
                title = f"explainer {name!r} cannot explain {type(model).__name__}"
                with (
                    SaidAs(ScoringError, title, (ScoringError,)),
                    counted_passes(explaining.network) as counter,
                ):
                    try:
                        _add(made[name], name, explaining, block)
                    except _SENTENCES as error:
                        raise ScoringError(f"{title}: {error}") from error
                spent += counter.spent
    return made, spent


def incomplete_bags(explainers: Mapping[str, Explainer], made: Mapping[str, MadeScores]) -> tuple[str, ...]:
    """Return a sentence for each explainer that claims complete scores and gave incomplete ones."""
    return tuple(
        f"{name}: {note}"
        for name, explainer in explainers.items()
        if explainer.complete
        for note in completeness_note(
            np.array(made[name].errors), np.array([each.sum() for each in made[name].values])
        )
    )


def _add(made: MadeScores, name: str, explaining: BatchExplainer, block: BagBlock) -> None:
    reasons = explaining.explainer.unavailable(block.bags)
    maps = explaining.maps(block.bags, block.targets, block.keys)
    if maps.shape != block.elements.shape:
        raise ScoringError(
            f"explainer {name!r} gave scores of shape {list(maps.shape)}; needed {list(block.elements.shape)}"
        )
    said = torch.tensor([not reason for reason in reasons], device=maps.device)
    errors = explaining.completeness_errors(block.bags, block.targets, maps)
    made.reasons += reasons
    made.errors += errors.tolist()
    for scores, there, known in zip(maps, block.elements, said, strict=True):
        made.values.append(_checked(name, scores[there], bool(known)))


def _checked(name: str, scores: Tensor, known: bool) -> NDArray[np.float32]:
    if known and torch.isinf(scores).any():
        raise ScoringError(f"explainer {name!r} gave scores that are not finite")
    return scores.float().cpu().numpy()
