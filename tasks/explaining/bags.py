"""Explain the tiles of whole bags: small bags together, large ones alone, with resume."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tasks.artifacts.explained_samples import write_notes
from tasks.artifacts.feature_set import FeatureSet
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.bag_groups import MOST_BAGS, PaddedBags, grouped, read_bags
from tasks.explaining.batch import BatchExplainer
from tasks.explaining.block import NoNetwork
from tasks.explaining.kept_bags import ExplainedBag, KeptGroups, Row
from tasks.explaining.spent import Spent, costs_since
from tasks.functional.ahead import read_ahead
from tasks.functional.completeness import completeness_note
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import PassCounter, counted_passes
from tasks.functional.tile_keys import tile_keys
from tasks.samples.inputs import Bags, ask

EMPTY = "the slide has no tiles"


@dataclass(frozen=True)
class BagSettings:
    """The explained class, and the device of the model."""

    target: int
    device: str = "cpu"


def explain_bags(  # noqa: PLR0913  (as attribute_slide)
    model: nn.Module | None,
    sets: Mapping[str, FeatureSet],
    explainer: Explainer,
    settings: BagSettings,
    out: Path,
    work: Path,
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, float]:
    """Write the scores of all tiles of ``sets`` into ``out``, and return what was measured.

    Bags of about one size go through the network together, so what is in memory does not grow with the
    cohort. Which go together depends on their sizes alone, and each group is kept in ``work`` as soon as it
    is explained: an interrupted run goes on with the next group and ends with the same bytes.

    Args:
        model: gives logits [B, K] of bags, on ``settings.device``; left as found. None for a blind control,
            whose index has no logits.
        sets: the features of each slide, by slide id.
        explainer: what to run.
        settings: what is explained, and where.
        out: an empty folder for the payload.
        work: a folder for unfinished work, emptied at the end.
        advance: called with the number of slides just done.

    Raises:
        ExplanationError: the explainer gave values of another shape, or that are not finite where it did not
            say why; or there is no model and the explainer asks one.
    """
    started = time.perf_counter()
    if model is None and not explainer.blind:
        raise ExplanationError(f"explainer {explainer.id!r} explains a model, and none was handed over")
    network = NoNetwork() if model is None else model
    kept = KeptGroups(work, sets, grouped([each.facts.count for each in sets.values()]))
    spent = Spent(work)
    with leave_as_found(network), torch.no_grad(), ExitStack() as stack:
        explainer = _settled(explainer, network, sets, settings)
        explaining = BatchExplainer(explainer, explainer.prepare(network), MOST_BAGS)
        job = _BagJob(network, explaining, settings, list(sets))
        costs = partial(costs_since, started, _counted(job, stack), "bags")
        _explain_missing(job, kept, advance, lambda: spent.note(costs()))
    rows = kept.write(out)
    write_notes(out, (*explainer.notes(), *_incomplete(explainer, rows), *_silent(rows)))
    kept.forget()
    spent.forget()
    return _measures(sets, spent.total(costs()))


@dataclass(frozen=True)
class _BagJob:
    """What is to be done; ``slides`` are in the order of the index."""

    model: nn.Module
    explaining: BatchExplainer
    settings: BagSettings
    slides: list[str]


def _explain_missing(
    job: _BagJob, kept: KeptGroups, advance: Callable[[int], None], note: Callable[[], None]
) -> None:
    """Explain what is not written yet, group by group; ``note`` is called after each."""
    missing, sets = kept.missing(), list(kept.sets.values())
    advance(len(sets) - sum(len(kept.groups[number]) for number in missing))

    def read(number: int) -> PaddedBags:
        # No model sees facts, and no explainer but those that see no model.
        facts = job.explaining.explainer.blind
        return read_bags([sets[position] for position in kept.groups[number]], facts)

    with closing(read_ahead(read, missing)) as bags:
        for number in missing:
            slides = [job.slides[position] for position in kept.groups[number]]
            kept.keep(number, _explain_group(job, slides, next(bags)))
            note()
            advance(len(slides))


def _explain_group(job: _BagJob, slides: list[str], read: PaddedBags) -> list[ExplainedBag]:
    bags = read.on(torch.device(job.settings.device))
    targets = torch.full((len(slides),), job.settings.target, dtype=torch.int64, device=bags.mask.device)
    explainer = job.explaining.explainer
    scores = job.explaining.maps(bags, targets, tile_keys(slides).to(bags.mask.device))
    counts = bags.mask.sum(1).tolist()
    reasons = [why if n else EMPTY for why, n in zip(explainer.unavailable(bags), counts, strict=True)]
    _check(scores, bags, slides, reasons)
    logits = None if explainer.blind else ask(job.model, bags)
    own = logits if job.explaining.network is job.model else None
    errors = job.explaining.completeness_errors(bags, targets, scores, own).tolist()
    values = scores.float().cpu().numpy()
    found = []
    for number, slide in enumerate(slides):
        row: Row = {"slide_id": slide, "target": job.settings.target}
        if logits is not None:
            row |= {f"logit_{k}": value for k, value in enumerate(logits[number].double().tolist())}
        row["completeness_error"] = errors[number]
        row["score_sum"] = float(scores[number].double().sum()) if not reasons[number] else float("nan")
        row["note"] = reasons[number]
        found.append(ExplainedBag(row, values[number, : counts[number]]))
    return found


def _check(scores: Tensor, bags: Bags, slides: list[str], reasons: list[str]) -> None:
    if scores.shape != bags.mask.shape:
        raise ExplanationError(
            f"scores have shape {list(scores.shape)}; needed {list(bags.mask.shape)}, one per tile of a bag"
        )
    broken = (~torch.isfinite(scores)).any(1).tolist()
    strange = [slide for slide, bad, why in zip(slides, broken, reasons, strict=True) if bad and not why]
    if strange:
        raise ExplanationError(
            f"the scores of {len(strange)} of {len(slides)} slides are not finite, first of {strange[0]}"
        )


def _settled(
    explainer: Explainer, network: nn.Module, sets: Mapping[str, FeatureSet], settings: BagSettings
) -> Explainer:
    """Return the explainer with all decided that is found in the network, by a look at the smallest bag."""
    filled = [each for each in sets.values() if each.facts.count]
    if explainer.blind or not filled:
        return explainer
    smallest = min(filled, key=lambda each: each.facts.count)
    return explainer.settled(network, read_bags([smallest]).on(torch.device(settings.device)))


def _incomplete(explainer: Explainer, rows: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """Return a sentence where scores that claim to be complete are not."""
    if not explainer.complete:
        return ()
    errors, sums = (np.array([row[name] for row in rows], dtype=np.float64) for name in _MEASURED)
    return completeness_note(errors, sums)


_MEASURED = ("completeness_error", "score_sum")


def _silent(rows: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """Return a sentence for each reason why slides have no values."""
    reasons = [str(row["note"]) for row in rows]
    return tuple(
        f"No values on {reasons.count(why)} of {len(reasons)} slides: {why}."
        for why in dict.fromkeys(reasons)
        if why
    )


def _counted(job: _BagJob, stack: ExitStack) -> list[PassCounter]:
    """Count the passes of the model and, where it is another one, of the prepared network."""
    networks = {id(network): network for network in (job.model, job.explaining.network)}
    return [stack.enter_context(counted_passes(network)) for network in networks.values()]


def _measures(sets: Mapping[str, FeatureSet], costs: dict[str, float]) -> dict[str, float]:
    tiles = sum(each.facts.count for each in sets.values())
    return {**costs, "slides": len(sets), "tiles": tiles, "tiles_per_second": tiles / costs["seconds"]}
