"""The shared plan: every part's probes in one pass over the tiles, each distinct probe run once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import nn

from tasks.evaluation.draft import Draft
from tasks.evaluation.host import to_host
from tasks.evaluation.prepared import networks, prepared_explainers
from tasks.evaluation.probing import Prober
from tasks.evaluation.result import MetricResult
from tasks.evaluation.selection import select, selection_of
from tasks.evidence.block import Block
from tasks.evidence.evidence import Evidence
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import EvidenceError, Rows
from tasks.faithfulness.base import MapBlock, Metric
from tasks.functional.inference_copy import inference_copy
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.functional.pixels import spans
from tasks.functional.tile_keys import tile_keys

Wanted = Sequence[tuple[str, Metric]]
"""The missing parts: (explainer id, metric)."""


@dataclass(frozen=True)
class EvaluationSettings:
    """Resources that change no number beyond 1e-5: images in flight, and the device of the model."""

    batch: int = 64
    device: str = "cpu"


def evaluate_pairs(
    model: nn.Module,
    evidence: Evidence,
    wanted: Wanted,
    settings: EvaluationSettings,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[tuple[str, str], MetricResult]:
    """Score every wanted part and return the results by (explainer id, metric id).

    Metrics that score the same tiles share blocks of ``settings.batch`` tiles, and in a block all probes of
    equal keys (the clean image, the fully removed one, common random subsets, noisy copies for one
    explainer) are run once. Memory is bounded by a block and by the scores. A part scores the same alone and
    together with others, to the last bit.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found.
        evidence: slides, masks and maps.
        wanted: the parts; (explainer id, metric id) must be unique.
        settings: resources.
        advance: called with the number of tiles or slides just scored, summed over parts; see
            :func:`count_steps` for the total.

    Raises:
        EvidenceError: the wanted parts do not match the evidence.
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
        for number in range(len(evidence.tile_sets)):
            slide = evidence.slide(number)
            for group in _groups(everything):
                for rows in _blocks(slide, group, settings.batch):
                    _score_block(_open(slide, rows, settings.device), group, prober)
                    advance(len(group) * len(rows))
            for draft in everything:
                if draft.metric.unit == "section":
                    draft.add_sections(slide, draft.metric.score_slide(slide, draft.explainer_id))
                    advance(1)
    spent = sum((counter.spent for counter in counters), Passes())
    return _finish(drafts, _measures(spent, prober))


def count_steps(evidence: Evidence, wanted: Wanted) -> int:
    """Return the total of all calls of ``advance``."""
    total = 0
    for number in range(len(evidence.tile_sets)):
        slide = evidence.slide(number)
        for _, metric in wanted:
            total += len(select(slide, selection_of(metric))) if metric.unit == "tile" else 1
    return total


def _new_drafts(evidence: Evidence, wanted: Wanted) -> dict[tuple[str, str], Draft]:
    drafts: dict[tuple[str, str], Draft] = {}
    for explainer_id, metric in wanted:
        if explainer_id not in evidence.attributions:
            known = ", ".join(evidence.attributions) or "none"
            raise EvidenceError(f"no maps of explainer {explainer_id!r}; there are: {known}")
        if (explainer_id, metric.id) in drafts:
            raise EvidenceError(f"metric {metric.id!r} is wanted twice for explainer {explainer_id!r}")
        if "attribution" in metric.needs and explainer_id not in evidence.explainers:
            raise EvidenceError(f"metric {metric.id!r} is not available: it needs explainer {explainer_id!r}")
        drafts[explainer_id, metric.id] = Draft(explainer_id, metric, evidence.explainers.get(explainer_id))
    return drafts


def _forward_network(model: nn.Module, evidence: Evidence, wanted: Wanted, device_name: str) -> nn.Module:
    """Return the network for forward passes: a faster copy, checked on two tiles that are not counted.

    These tiles depend on the evidence alone, so a part scores the same in any company.
    """
    if any("forward" in metric.needs for _, metric in wanted):
        for number in range(len(evidence.tile_sets)):
            slide = evidence.slide(number)
            if len(slide.explained):
                return inference_copy(model, slide.images(slide.explained[:2], torch.device(device_name)))
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
    """Return the parts that score tiles, grouped by selection."""
    groups: dict[object, list[Draft]] = {}
    for draft in drafts:
        if draft.metric.unit == "tile":
            groups.setdefault(selection_of(draft.metric), []).append(draft)
    return list(groups.values())


def _blocks(slide: SlideEvidence, group: Sequence[Draft], batch: int) -> Iterator[Rows]:
    rows = select(slide, selection_of(group[0].metric))
    return (rows[span] for span in spans(len(rows), batch))


def _open(slide: SlideEvidence, rows: Rows, device_name: str) -> Block:
    device = torch.device(device_name)
    return Block(
        slide=slide,
        rows=rows,
        images=slide.images(rows, device),
        targets=torch.from_numpy(slide.targets[rows]).to(device),
        keys=tile_keys(slide.tile_ids(rows)).to(device),
    )


def _score_block(block: Block, group: Sequence[Draft], prober: Prober) -> None:
    names = dict.fromkeys(draft.explainer_id for draft in group)
    maps = {name: MapBlock(name, block.maps(name)) for name in names}
    probes = [draft.metric.probes(block, maps[draft.explainer_id]) for draft in group]
    answers = prober.answer(block, [probe for asked in probes for probe in asked])
    for draft, asked in zip(group, probes, strict=True):
        scores = draft.metric.score_block(block, maps[draft.explainer_id], answers)
        draft.add_tiles(block, scores, asked)


def _finish(
    drafts: dict[tuple[str, str], Draft], measures: dict[str, float]
) -> dict[tuple[str, str], MetricResult]:
    on_host = iter(to_host([scores for draft in drafts.values() for scores in draft.scores]))
    return {
        part: draft.finish([next(on_host) for _ in draft.scores], measures) for part, draft in drafts.items()
    }
