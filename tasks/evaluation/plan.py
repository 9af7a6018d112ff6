"""The shared plan: every part's probes in one pass over the samples, each distinct probe run once."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import nn

from tasks.artifacts.spill import Spill
from tasks.evaluation.draft import Draft
from tasks.evaluation.prepared import networks, prepared_explainers
from tasks.evaluation.probing import Prober
from tasks.evaluation.result import MetricResult
from tasks.evaluation.score_rows import ScoreRows
from tasks.evaluation.scored import Scored
from tasks.evaluation.selection import Selection, select, selection_of
from tasks.evaluation.units import Units
from tasks.evidence.block import Block
from tasks.evidence.source import EvidenceSource, O
from tasks.evidence.sources import EvidenceError
from tasks.faithfulness.base import AttributionBlock, Metric
from tasks.functional.inference_copy import inference_copy
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.samples.inputs import Bags

Wanted = Sequence[tuple[str, Metric]]
"""The missing parts: (explainer id, metric)."""


@dataclass(frozen=True)
class EvaluationSettings:
    """Resources that change no number beyond 1e-5: images in flight, and the device of the model."""

    batch: int = 64
    device: str = "cpu"


def evaluate_pairs(
    model: nn.Module,
    evidence: EvidenceSource[O],
    wanted: Wanted,
    settings: EvaluationSettings,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[tuple[str, str], MetricResult]:
    """Do what :func:`score_pairs` does, and return the results as tables in memory."""
    scored = score_pairs(model, evidence, wanted, settings, advance)
    return {part: result.result() for part, result in scored.items()}


def score_pairs(
    model: nn.Module,
    evidence: EvidenceSource[O],
    wanted: Wanted,
    settings: EvaluationSettings,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[tuple[str, str], Scored]:
    """Score every wanted part and return the results by (explainer id, metric id).

    Metrics that score the same samples share blocks of ``settings.batch`` samples, and in a block all probes
    of equal keys (the clean image, the fully removed one, common random subsets, noisy copies for one
    explainer) are run once. Memory is bounded by a block and by the table of one slide: scores wait in a
    temporary file. A part scores the same alone and together with others, to the last bit.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found.
        evidence: what is scored, such as the slides of :class:`tasks.evidence.evidence.Evidence`.
        wanted: the parts; (explainer id, metric id) must be unique.
        settings: resources.
        advance: called with the number of tiles or slides just scored, summed over parts; see
            :func:`count_steps` for the total.

    Raises:
        EvidenceError: the wanted parts do not match the evidence, or the model fails on what they ask about.
        LogitsError: the model gives no logits of two or more classes.
    """
    drafts = _new_drafts(evidence, wanted)
    everything = list(drafts.values())
    with leave_as_found(model), torch.no_grad(), ExitStack() as stack:
        forward = _forward_network(model, evidence, wanted, settings.device)
        called = [name for name, metric in wanted if "attribution" in metric.needs]
        explainers = prepared_explainers(model, evidence.explainers, called)
        counted = dict.fromkeys((*networks(model, explainers), forward))
        counters = [stack.enter_context(counted_passes(each)) for each in counted]
        prober = Prober(model, explainers, settings.batch, forward)
        for opened in evidence.opened():
            for group in _groups(everything):
                for block in _blocks(evidence, opened, group, settings):
                    _score_block(block, group, prober)
                    advance(len(group) * len(block.rows))
            for draft in everything:
                if draft.metric.scores_sections:
                    draft.add_sections(opened, draft.scorer.score_slide(opened, draft.explainer_id))
                    advance(1)
    prober.refuse_broken()
    spent = sum((counter.spent for counter in counters), Passes())
    measures = _measures(spent, prober)
    return {part: draft.finish(measures) for part, draft in drafts.items()}


def count_steps(evidence: EvidenceSource[O], wanted: Wanted) -> int:
    """Return the total of all calls of ``advance``."""
    total = 0
    for opened in evidence.opened():
        for _, metric in wanted:
            total += 1 if metric.scores_sections else len(select(opened, selection_of(metric)))
    return total


def _new_drafts(evidence: EvidenceSource[O], wanted: Wanted) -> dict[tuple[str, str], Draft]:
    drafts: dict[tuple[str, str], Draft] = {}
    spill = Spill()
    shared: defaultdict[Selection, Units] = defaultdict(lambda: Units(spill))
    for explainer_id, metric in wanted:
        if explainer_id not in evidence.attributions:
            known = ", ".join(evidence.attributions) or "none"
            raise EvidenceError(f"no maps of explainer {explainer_id!r}; there are: {known}")
        if (explainer_id, metric.id) in drafts:
            raise EvidenceError(f"metric {metric.id!r} is wanted twice for explainer {explainer_id!r}")
        if "attribution" in metric.needs and explainer_id not in evidence.explainers:
            raise EvidenceError(f"metric {metric.id!r} is not available: it needs explainer {explainer_id!r}")
        drafts[explainer_id, metric.id] = Draft(
            explainer_id,
            metric,
            _scorer(evidence, explainer_id, metric),
            Units(spill) if metric.scores_sections else shared[selection_of(metric)],
            ScoreRows(spill),
            evidence.explainers.get(explainer_id),
        )
    return drafts


def _scorer(evidence: EvidenceSource[O], explainer_id: str, metric: Metric) -> Metric:
    try:
        return metric.for_maps(evidence.kinds.get(explainer_id), len(evidence.classes))
    except EvidenceError as error:
        raise EvidenceError(f"explainer {explainer_id!r}: {error}") from error


def _forward_network(
    model: nn.Module, evidence: EvidenceSource[O], wanted: Wanted, device_name: str
) -> nn.Module:
    """Return the network for forward passes: a faster copy, checked on two tiles that are not counted.

    These tiles depend on the evidence alone, so a part scores the same in any company. A network of bags is
    used as it is.
    """
    if any("forward" in metric.needs for _, metric in wanted):
        opened = next((each for each in evidence.opened() if len(each.explained)), None)
        if opened is not None:
            inputs = evidence.block(opened, opened.explained[:2], torch.device(device_name)).inputs
            return model if isinstance(inputs, Bags) else inference_copy(model, inputs)
    return model


def _measures(spent: Passes, prober: Prober) -> dict[str, float]:
    return {
        "plan_forward_images": spent.forward,
        "plan_backward_images": spent.backward,
        "plan_minimum_forward_images": prober.minimum.forward,
        "plan_minimum_backward_images": prober.minimum.backward,
        "plan_explained_images": prober.explained,
    }


def _groups(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Return the parts that score samples, grouped by selection."""
    groups: dict[object, list[Draft]] = {}
    for draft in drafts:
        if not draft.metric.scores_sections:
            groups.setdefault(selection_of(draft.metric), []).append(draft)
    return list(groups.values())


def _blocks(
    evidence: EvidenceSource[O], opened: O, group: Sequence[Draft], settings: EvaluationSettings
) -> Iterator[Block]:
    """Yield the samples that ``group`` scores, block by block, and add them to its units."""
    rows = select(opened, selection_of(group[0].metric))
    group[0].units.add(opened.units(rows))
    for piece in evidence.pieces(opened, rows, settings.batch):
        yield evidence.block(opened, piece, torch.device(settings.device))


def _score_block(block: Block, group: Sequence[Draft], prober: Prober) -> None:
    names = dict.fromkeys(draft.explainer_id for draft in group)
    parts = {name: AttributionBlock(name, block.attributions(name), block.elements) for name in names}
    probes = [draft.scorer.probes(block, parts[draft.explainer_id]) for draft in group]
    answers = prober.answer(block, [probe for asked in probes for probe in asked])
    for draft, asked in zip(group, probes, strict=True):
        scores = draft.scorer.score_block(block, parts[draft.explainer_id], answers)
        draft.add_samples(len(block.rows), scores, asked, prober.pools)
