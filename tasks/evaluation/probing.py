"""Run probes: inputs of many steps stacked up to the batch, equal probes once."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from tasks.evaluation.prepared import PreparedExplainer
from tasks.evidence.block import Block
from tasks.evidence.sources import EvidenceError
from tasks.faithfulness.base import Answers, Probe, ProbeKey
from tasks.functional.foreign_errors import SaidAs
from tasks.functional.gradients import check_logits
from tasks.functional.passes import Passes
from tasks.functional.pixels import spans
from tasks.functional.pooled_terms import PooledTerms, pools
from tasks.samples.inputs import Bags, Inputs, ask, each, leading

_NUMBERS = 1 << 26
"""Features of bags in flight: 256 MB of float32."""


class Prober:
    """Passes the inputs of probes through a model or its explainers, and counts the necessary passes.

    ``forward`` gives the logits of the unchanged network: the model itself, or a faster copy.
    """

    def __init__(
        self,
        model: nn.Module,
        explainers: Mapping[str, PreparedExplainer],
        batch: int,
        forward: nn.Module | None = None,
    ) -> None:
        self._model, self._explainers, self._batch = model, explainers, batch
        self._forward = model if forward is None else forward
        self._broken: dict[str, Tensor] = {}
        self._terms: tuple[Block, PooledTerms] | None = None
        self.pools = pools(model)
        self.minimum = Passes()
        self.explained = 0

    def answer(self, block: Block, probes: Iterable[Probe]) -> Answers:
        """Return the answer to each distinct key.

        Batches never mix probes. So a part is scored to the same last bit alone and together with others.
        """
        distinct: dict[ProbeKey, Probe] = {}
        for probe in probes:
            distinct.setdefault(probe.key, probe)
        return {key: self._run(block, probe) for key, probe in distinct.items()}

    def _run(self, block: Block, probe: Probe) -> Tensor:
        if probe.pooled is not None and self.pools:
            return self._closed(block, probe, probe.pooled)
        together = self._together(block)
        pieces = []
        with self._changed(probe):
            for steps in spans(probe.count, together):
                inputs = probe.make(steps)
                answer = self._ask(block, probe, each(lambda tensor: tensor.flatten(0, 1), inputs))
                pieces.append(answer.view(*leading(inputs, 2), *answer.shape[1:]))
        return torch.cat(pieces)

    def _together(self, block: Block) -> int:
        """Return how many steps go through the network at once."""
        most = self._batch // len(block.rows)
        if isinstance(block.inputs, Bags):
            most = min(most, _NUMBERS // max(1, block.inputs.features.numel()))
        return max(1, most)

    def _closed(self, block: Block, probe: Probe, answered: Callable[[PooledTerms], Tensor]) -> Tensor:
        """Return what terms answer; those of the unchanged network are kept while the block lasts."""
        if probe.within is not None:
            # Terms may hold weights, such as the bias, which are restored at the end.
            with self._changed(probe):
                logits = answered(self._asked_terms(block, probe))
        else:
            if self._terms is None or self._terms[0] is not block:
                self._terms = (block, self._asked_terms(block, probe))
            logits = answered(self._terms[1])
        self._note_broken(probe, logits)
        return logits

    def _asked_terms(self, block: Block, probe: Probe) -> PooledTerms:
        self.minimum += Passes(forward=len(block.rows))
        assert pools(self._model)
        assert isinstance(block.inputs, Bags)
        features, mask = block.inputs.features, block.inputs.mask
        with SaidAs(EvidenceError, f"the model failed on bags of {list(mask.shape)} for {_about(probe)}"):
            return self._model.terms(features, mask)

    def _changed(self, probe: Probe) -> AbstractContextManager[object]:
        if probe.within is None:
            return nullcontext()
        return probe.within(self._model if probe.explainer is None else self._ready(probe.explainer).network)

    def _ask(self, block: Block, probe: Probe, inputs: Inputs) -> Tensor:
        (count,) = leading(inputs)
        times = count // len(block.rows)
        targets = (block.targets if probe.targets is None else probe.targets).repeat(times)
        if probe.explainer is None:
            self.minimum += Passes(forward=count)
            shape = list(leading(inputs, 4 if isinstance(inputs, Tensor) else 2))
            with SaidAs(EvidenceError, f"the model failed on inputs of shape {shape} for {_about(probe)}"):
                logits = ask(self._forward if probe.within is None else self._model, inputs)
            check_logits(logits, targets)
            self._note_broken(probe, logits)
            return logits
        ready = self._ready(probe.explainer)
        self.minimum += ready.explainer.passes() * count
        self.explained += count
        return ready(inputs, targets, block.keys.repeat(times))

    def _note_broken(self, probe: Probe, logits: Tensor) -> None:
        """Remember whether logits are not finite; on the device, as reading them here would stall it."""
        broken = ~torch.isfinite(logits).all()
        known = self._broken.get(_about(probe))
        self._broken[_about(probe)] = broken if known is None else known | broken

    def refuse_broken(self) -> None:
        """Raise an error if the model gave logits that are not finite, at any time.

        Raises:
            EvidenceError: naming what it was asked about.
        """
        about = [what for what, broken in self._broken.items() if bool(broken)]
        if about:
            raise EvidenceError(
                f"the model gives logits that are not finite on {about[0]}: it cannot be asked about such "
                "images; choose another fill or metric"
            )

    def _ready(self, explainer: str) -> PreparedExplainer:
        if explainer not in self._explainers:
            raise EvidenceError(f"explainer {explainer!r} is not at hand, only its maps are")
        return self._explainers[explainer]


def _about(probe: Probe) -> str:
    """Return what a probe asks about, from its key: the words in it say which images, fill and settings."""
    return f"the images of the probe {probe.key!r}"
