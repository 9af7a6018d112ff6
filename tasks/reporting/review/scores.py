"""Faithfulness scores per slide: means with intervals, and the scores of single tiles."""

import pickle
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.afresh import afresh
from tasks.artifacts.faithfulness_report import Rivals, ScoreInfo
from tasks.artifacts.spill import Spill, Spilled
from tasks.reporting.arrays import Floats
from tasks.reporting.review.budget import LISTED
from tasks.reporting.review.codes import packed, packed_words, range_codes
from tasks.reporting.review.job import ReviewJob
from tasks.statistics.better import lead
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import Clusters, choose_clusters
from tasks.statistics.paired import paired_units

ScoreKey = tuple[int, int, int]
"""Index of a model, of an explainer and of a score."""

_TILE = "tile"
_DIGITS = 5
_WORD, _BYTE = 65535, 255
_ENTRY = 48
"""Bytes of an entry without its text."""


@dataclass(frozen=True)
class NamedScore:
    """One score of one metric.

    Attributes:
        metric: id of the metric.
        info: name, direction and meaning of the score.
        unit: what is scored, for instance ``tile``.
        rivals: which controls an explainer must beat in this score.
        of_map: True for what the map itself says of a tile, which is no score. It ranks tiles, too.
    """

    metric: str
    info: ScoreInfo
    unit: str
    rivals: Rivals = "all"
    of_map: bool = False

    @property
    def of_tiles(self) -> bool:
        """True where the score ranks tiles from most to least faithful."""
        return self.unit == _TILE and self.info.direction != "none"


_VALUE = NamedScore(
    "value",
    ScoreInfo(name="of the tile", direction="higher", meaning="what the map gives the tile, in raw units"),
    _TILE,
    of_map=True,
)


class ReviewedScores:
    """All reports of a study, split by slide. The scores of one slide are in memory at a time."""

    def __init__(self, job: ReviewJob) -> None:
        self.job = job
        self.named = (*_named_scores(job), *([_VALUE] if job.level == "slide" else []))
        self._spill = Spill()
        self._places: defaultdict[str, dict[ScoreKey, Spilled]] = defaultdict(dict)
        self._slide = ""
        self._units: dict[ScoreKey, pd.DataFrame] = {}
        self._clusters_by_units: dict[tuple[str, ...], Clusters] = {}
        models = {model: i for i, model in enumerate(job.models)}
        explainers = {explainer.id: i for i, explainer in enumerate(job.explainers)}
        names = {(named.metric, named.info.name): i for i, named in enumerate(self.named)}
        shown = list(job.slides)
        for (model, explainer, metric), report in job.reports.items():
            if model in models and explainer in explainers:
                table = report.scores
                own = table[table["slide_id"].isin(shown)]
                for (score, slide), part in own.groupby(["score", "slide_id"], sort=False):
                    key = (models[model], explainers[explainer], names[metric, str(score)])
                    self._places[str(slide)][key] = self._spill.add(pickle.dumps(part))

    def units(self, model: int, explainer: int, score: int, slide: str) -> pd.DataFrame | None:
        """Return the scored units of one slide in long form; None where there is none."""
        return self._of(slide).get((model, explainer, score))

    def by_tile(self, slide: str, ids: pd.Index) -> dict[tuple[int, int, int], Floats]:
        """Return {(model, explainer, score): [N]}, in the order of ``ids``, NaN for tiles without a score."""
        by_tile = {}
        # Sorted, as sums over maps must not depend on the order in which reports came in.
        for (model, explainer, score), part in sorted(self._of(slide).items(), key=_key):
            if self.named[score].unit == _TILE:
                values = np.full(len(ids), np.nan)
                rows = ids.get_indexer(pd.Index(part["unit_id"]))
                values[rows[rows >= 0]] = part["value"].to_numpy(dtype=np.float64)[rows >= 0]
                by_tile[model, explainer, score] = values
        return by_tile | (self._values(slide, ids) if self.job.level == "slide" else {})

    def _values(self, slide: str, ids: pd.Index) -> dict[tuple[int, int, int], Floats]:
        """Return the values that the maps of a slide give its tiles, in place of scores of tiles."""
        found = {}
        for m, model in enumerate(self.job.models):
            for e, explainer in enumerate(self.job.explainers):
                stored = self.job.maps.get((model, explainer.id, slide))
                # Anew: what is read of one slide is not kept.
                maps = None if stored is None else afresh(stored)
                if maps is not None and len(maps.index):
                    values = np.full(len(ids), np.nan)
                    values[ids.get_indexer(pd.Index(maps.index["tile_id"]))] = maps.maps()[:, 0, 0]
                    found[m, e, len(self.named) - 1] = values
        return found

    def records(self, slide: str) -> dict[str, Any]:
        """Return ``notes``, and ``of`` and ``against``, which hold [model][explainer][score] or None.

        ``of`` is [mean, low, high, units, note, mean chance]. ``note`` is an index into ``notes``. Bounds are
        None where there is no interval. ``against`` is [control, difference, low, high, lead]: the paired
        difference to the rival control that the explainer is least ahead of, for explainers alone.
        """
        notes: dict[str, int] = {}
        of = [
            [
                [self._record((m, e, s), slide, notes) for s in range(len(self.named))]
                for e in range(len(self.job.explainers))
            ]
            for m in range(len(self.job.models))
        ]
        against = [
            [
                [self._against(m, e, s, slide) for s in range(len(self.named))]
                for e in range(len(self.job.explainers))
            ]
            for m in range(len(self.job.models))
        ]
        return {"notes": list(notes), "of": of, "against": against}

    def _against(self, model: int, explainer: int, score: int, slide: str) -> list[Any] | None:
        named, own = self.named[score], self.units(model, explainer, score, slide)
        if own is None or named.info.direction == "none" or self.job.explainers[explainer].is_control:
            return None
        pairs = {
            number: paired_units(own, other)
            for number, rival in enumerate(self.job.explainers)
            if rival.is_control and (rival.is_blind or named.rivals == "all")
            if (other := self.units(model, number, score, slide)) is not None
        }
        sign = 1 if named.info.direction == "higher" else -1
        means = {number: sign * pair["value"].mean() for number, pair in pairs.items() if len(pair)}
        if not means:
            return None
        hardest = min(means, key=lambda number: means[number])
        pair = pairs[hardest]
        value, low, high, _ = interval_within(pair, self._clusters(pair), self.job.confidence)
        stands = lead(low, high, named.info.direction)
        return [hardest, _short(value), _short(low), _short(high), stands]

    def _record(self, key: tuple[int, int, int], slide: str, notes: dict[str, int]) -> list[Any] | None:
        part = self.units(*key, slide)
        if part is None:
            return None
        mean, low, high, note = interval_within(part, self._clusters(part), self.job.confidence)
        chance = part["chance"].to_numpy(dtype=np.float64)
        finite = chance[np.isfinite(chance)]
        position = notes.setdefault(note, len(notes))
        figures = [_short(mean), _short(low), _short(high), len(part), position]
        return [*figures, _short(float(finite.mean()) if len(finite) else float("nan"))]

    def _of(self, slide: str) -> dict[ScoreKey, pd.DataFrame]:
        """Return the scored units of one slide by map and score, in place of those of the last slide."""
        if slide != self._slide:
            parts = {
                key: pickle.loads(self._spill.read(place))  # noqa: S301  # written above
                for key, place in self._places.get(slide, {}).items()
            }
            scored = {key: part[part["value"].notna()] for key, part in parts.items()}
            self._slide, self._units = slide, {key: part for key, part in scored.items() if len(part)}
            self._clusters_by_units = {}
        return self._units

    def _clusters(self, units: pd.DataFrame) -> Clusters:
        """Return the clusters of ``units``, cached as most maps are scored on the same units."""
        key = tuple(units["unit_id"])
        if key not in self._clusters_by_units:
            self._clusters_by_units[key] = choose_clusters(units)
        return self._clusters_by_units[key]


def _key(item: tuple[ScoreKey, pd.DataFrame]) -> ScoreKey:
    return item[0]


def interval_within(units: pd.DataFrame, clusters: Clusters, level: float) -> tuple[float, float, float, str]:
    """Return mean, low and high of the scored ``units`` of one slide, and the note on their clusters."""
    found = mean_estimate(units["value"].to_numpy(dtype=np.float64), clusters.codes, level)
    return found.value, found.low, found.high, clusters.note


def packed_tile_scores(values: Mapping[tuple[int, int, int], Floats], max_bytes: int) -> dict[str, Any]:
    """Return the tile scores ``values`` as text: all in 16 bits, all in 8 bits, or the listed ones in 8 bits.

    The first form that fits into ``max_bytes`` is used, or else the last. ``of`` is a list of [model,
    explainer, score, low, high, text]. Code 1 means low, the last code means high.
    """
    data: dict[str, Any] = {}
    for levels, kept, which in (
        (_WORD, values, "all"),
        (_BYTE, values, "all"),
        (_BYTE, _listed(values), "listed"),
    ):
        of = [[*key, *_coded(own, levels)] for key, own in kept.items()]
        data = {"levels": levels, "kept": which, "listed": LISTED, "of": of}
        if sum(len(str(entry[-1])) + _ENTRY for entry in of) <= max_bytes:
            break
    return data


def _coded(values: Floats, levels: int) -> tuple[float, float, str]:
    """Return the minimum and maximum of ``values`` as the page will read them, and all values as text."""
    low, high = _held(float(np.nanmin(values))), _held(float(np.nanmax(values)))
    codes = range_codes(values, low, high, levels)
    return low, high, packed_words(codes) if levels > _BYTE else packed(codes.astype(np.uint8))


def _listed(values: Mapping[tuple[int, int, int], Floats]) -> dict[tuple[int, int, int], Floats]:
    """Return ``values`` with all but the highest and lowest of each set to NaN."""
    kept = {}
    for key, own in values.items():
        order = np.argsort(own, kind="stable")[: int(np.isfinite(own).sum())]
        few = np.full(len(own), np.nan)
        ends = [*order[:LISTED], *order[-LISTED:]]
        few[ends] = own[ends]
        kept[key] = few
    return kept


def _named_scores(job: ReviewJob) -> Iterator[NamedScore]:
    for metric in job.metrics:
        named: dict[str, NamedScore] = {}
        for report in job.reports_of(metric):
            units = report.unit_of_score
            for info in report.info.scores:
                unit = str(units.get(info.name, _TILE))
                named.setdefault(info.name, NamedScore(metric, info, unit, report.info.rivals))
        yield from named.values()


def _held(value: float) -> float:
    """Return ``value`` as the page will read it."""
    return float(f"{value:.{_DIGITS}g}")


def _short(value: float) -> float | None:
    """Return ``value`` with five digits; None for NaN, which JSON does not allow."""
    return None if np.isnan(value) else _held(value)


def faithful_order(
    values: Mapping[tuple[int, int, int], Floats], named: Sequence[NamedScore], controls: set[int]
) -> list[NDArray[np.intp]]:
    """Return the scored rows, most faithful first, for each score that ranks tiles.

    Tiles are ranked by their mean over all maps, without those of explainers in ``controls``.
    """
    orders = []
    for s, score in enumerate(named):
        own = [v for (_, e, i), v in values.items() if i == s and e not in controls]
        if not score.of_tiles or not own:
            continue
        stack = np.stack(own)
        counted = np.isfinite(stack).sum(axis=0)
        means = np.nansum(stack, axis=0) / np.maximum(counted, 1)
        order = np.argsort(-means if score.info.direction == "higher" else means, kind="stable")
        orders.append(order[counted[order] > 0])
    return orders
